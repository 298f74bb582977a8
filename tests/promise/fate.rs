//! The possible fates of a call to the Engine.

use std::time::Duration;

use dynamic_access::platform::TransportError;

use crate::model::{Op, Reply, op};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fate {
    /// It takes effect and is answered.
    Answered,
    /// There is no connection.
    Unreachable,
    /// The connection breaks; the effect comes at any time, or never.
    Broken,
    /// The connection breaks because the Engine ends, after its work so far.
    Reset,
    /// No answer comes within the call's limit; the effect comes at any time, or never.
    Hangs,
    /// No answer comes, and no effect.
    HangsIdle,
    /// No answer comes, but the effect does.
    HangsDone,
    /// The Engine answers 500 and has done nothing.
    FailsBefore,
    /// The Engine answers 500 and has done it.
    FailsAfter,
    /// The Engine answers 500 in the middle of a removal.
    FailsHalfway,
    /// A success with the effect, but with a body that is not an Engine's.
    Garbage,
    /// A proxy answers 502 in HTML; the effect comes at any time, or never.
    BadGateway,
    /// The Engine answers 400, in words that repeat the whole request.
    Refused,
    /// The Engine answers 404 to a start, because a network is missing.
    NoNetwork,
    /// A create whose conflicting name was released at that moment: 500 from Engines up
    /// to 27, 404 from later ones.
    NotReserved(u16),
    /// The effect and the answer come just within the limit.
    SlowToAct,
    /// The effect comes in its turn, the answer just within the limit.
    SlowToAnswer,
    /// The component dies before an answer; the effect comes at any time, or never.
    Crash,
}

/// When a call takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// In its turn in the schedule, or just within its limit.
    Sure,
    /// At any time, even after its actor has ended, or never.
    Adrift,
    /// Never.
    None,
}

/// How long before its limit a slow call is done.
const IN_TIME: Duration = Duration::from_millis(1);

const CHANGE: [Fate; 10] = [
    Fate::Answered,
    Fate::Unreachable,
    Fate::Broken,
    Fate::Hangs,
    Fate::FailsBefore,
    Fate::FailsAfter,
    Fate::Garbage,
    Fate::BadGateway,
    Fate::SlowToAct,
    Fate::SlowToAnswer,
];

/// A look has no effect, so half of the fates are the same for it.
const LOOK: [Fate; 10] = [
    Fate::Answered,
    Fate::Unreachable,
    Fate::Broken,
    Fate::HangsIdle,
    Fate::FailsBefore,
    Fate::Garbage,
    Fate::BadGateway,
    Fate::Refused,
    Fate::SlowToAct,
    Fate::SlowToAnswer,
];

/// Which fates the calls of a scenario can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fates {
    /// Only a crash.
    Crash,
    /// No answer within the limit, and an effect at any time.
    Hangs,
    /// All.
    Any,
    /// The answer is lost, or the component dies, and the change happens at any time or
    /// never; or it happens, and the Engine reports a failure.
    Lost,
    /// A look is slow, and a change happens at any time, or never.
    Late,
    /// The same fate for every call, from some call on.
    Lasting(Fate),
}

impl Fates {
    /// How many requests without an answer may be on their way at a time; one more is
    /// lost for good.
    pub fn adrift_max(self) -> usize {
        if self == Self::Hangs { 2 } else { 1 }
    }

    /// The fates of one call, the ordinary one first.
    pub fn of(self, op: &Op) -> Vec<Fate> {
        use Fate::{Broken, Crash, FailsAfter, FailsHalfway, NoNetwork, NotReserved, Refused};
        let unusual: &[Fate] = match self {
            Self::Any => {
                let own: &[Fate] = match &*op.route {
                    op::CREATE => &[Refused, NotReserved(404), NotReserved(500)],
                    // A Swarm reports a missing network too.
                    op::START | op::CREATE_SERVICE => &[Refused, NoNetwork],
                    op::REMOVE | op::REMOVE_BY_FORCE => &[Refused, FailsHalfway],
                    op::ARCHIVE => &[],
                    _ if op.is_change => &[Refused],
                    _ => &[],
                };
                let shared = if op.is_change { CHANGE } else { LOOK };
                return [&shared, own, &[Crash]].concat();
            }
            Self::Crash => &[Crash],
            Self::Hangs => &[Fate::Hangs],
            Self::Lost if op.is_change => &[Broken, FailsAfter, Crash],
            Self::Lost => &[Broken, Crash],
            Self::Late if op.is_change => &[Broken],
            Self::Late => &[Fate::SlowToAct],
            Self::Lasting(fate) => return vec![Fate::Answered, fate],
        };
        [&[Fate::Answered], unusual].concat()
    }
}

impl Fate {
    pub fn effect(self) -> Effect {
        match self {
            Self::Broken | Self::Hangs | Self::BadGateway | Self::Crash => Effect::Adrift,
            Self::Unreachable | Self::Reset | Self::HangsIdle | Self::FailsBefore => Effect::None,
            Self::Refused | Self::NoNetwork | Self::NotReserved(_) => Effect::None,
            _ => Effect::Sure,
        }
    }

    /// Whether the caller waits in vain until its limit.
    pub fn hangs(self) -> bool {
        matches!(self, Self::Hangs | Self::HangsIdle | Self::HangsDone)
    }

    /// The moments before which the call does not take effect, and is not answered.
    pub fn not_before(self, sent: Duration, deadline: Duration) -> [Duration; 2] {
        let late = deadline.saturating_sub(IN_TIME).max(sent);
        match self {
            Self::SlowToAct => [late, late],
            Self::SlowToAnswer => [sent, late],
            _ => [sent, sent],
        }
    }

    /// The caller's reply; `truth` is the Engine's answer, if it got the request.
    pub fn told(
        self,
        op: &Op,
        truth: Option<&Reply>,
        now: Duration,
    ) -> Result<Reply, TransportError> {
        let reply = match self {
            Self::Answered | Self::SlowToAct | Self::SlowToAnswer => {
                let truth = truth.expect("a call that is answered has taken effect");
                return Ok(truth.clone());
            }
            Self::Unreachable => return Err(TransportError::Unreachable("refused".to_owned())),
            Self::Broken | Self::Reset | Self::Crash => {
                return Err(TransportError::Broken("reset".to_owned()));
            }
            Self::Hangs | Self::HangsIdle | Self::HangsDone => {
                return Err(TransportError::TimedOut);
            }
            Self::FailsBefore | Self::FailsAfter | Self::FailsHalfway => {
                Reply::says(500, "no space left on device")
            }
            Self::Garbage => garbage(op),
            Self::BadGateway => Reply::new(502, "<html>502 Bad Gateway</html>"),
            Self::Refused => Reply::says(400, format!("invalid: {op:?}")),
            Self::NoNetwork => Reply::says(404, "network targets not found"),
            Self::NotReserved(status) => Reply::says(status, "name is not reserved"),
        };
        Ok(reply.at(now))
    }
}

/// The right status, where there is one, with a body that was cut off or is another
/// server's.
fn garbage(op: &Op) -> Reply {
    let (status, body) = match &*op.route {
        op::CREATE => (201, r#"{"Id":"0123"#),
        op::CREATE_SERVICE | op::CREATE_SECRET => (201, r#"{"ID":"0123"#),
        op::CREATE_VOLUME => (201, r#"{"Name":"0123"#),
        "GET /volumes?filters" => (200, r#"{"Volumes":[{"Name":"0123"#),
        op::LIST => (200, r#"[{"Id":"0123"#),
        "GET /networks?filters" => (200, "OK"),
        _ if op.filter.is_some() || op.route == "GET /nodes" => (200, r#"[{"ID":"0123"#),
        _ if op.is_change => (200, "<html>OK</html>"),
        _ => (200, "OK"),
    };
    Reply::new(status, body)
}
