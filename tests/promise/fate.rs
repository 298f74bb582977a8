//! The possible fates of a call to the Engine.

use std::time::Duration;

use dynamic_access::platform::TransportError;

use crate::model::{Op, Reply, Request};

/// The fate of one call.
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
    /// In its turn in the schedule.
    InTurn,
    /// Just within the call's limit.
    Late,
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

const CREATE: [Fate; 3] = [
    Fate::Refused,
    Fate::NotReserved(404),
    Fate::NotReserved(500),
];

const START: [Fate; 2] = [Fate::Refused, Fate::NoNetwork];

const REMOVE: [Fate; 2] = [Fate::Refused, Fate::FailsHalfway];

const REFUSED: [Fate; 1] = [Fate::Refused];

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
        let own: &[Fate] = match &op.request {
            Request::Create { .. } => &CREATE,
            // A Swarm reports a missing network too.
            Request::Start(_) | Request::CreateService(_) => &START,
            Request::Remove { .. } => &REMOVE,
            Request::Archive { .. } => &[],
            _ if op.is_change => &REFUSED,
            _ => &[],
        };
        let shared: &[Fate] = if op.is_change { &CHANGE } else { &LOOK };
        match self {
            Self::Crash => vec![Fate::Answered, Fate::Crash],
            Self::Hangs => vec![Fate::Answered, Fate::Hangs],
            Self::Lost if op.is_change => {
                vec![Fate::Answered, Fate::Broken, Fate::FailsAfter, Fate::Crash]
            }
            Self::Late if op.is_change => vec![Fate::Answered, Fate::Broken],
            Self::Late => vec![Fate::Answered, Fate::SlowToAct],
            Self::Lost => vec![Fate::Answered, Fate::Broken, Fate::Crash],
            Self::Any => [shared, own, &[Fate::Crash]].concat(),
            Self::Lasting(fate) => vec![Fate::Answered, fate],
        }
    }
}

impl Fate {
    pub fn effect(self) -> Effect {
        match self {
            Self::Answered
            | Self::HangsDone
            | Self::FailsAfter
            | Self::FailsHalfway
            | Self::Garbage
            | Self::SlowToAnswer => Effect::InTurn,
            Self::SlowToAct => Effect::Late,
            Self::Broken | Self::Hangs | Self::BadGateway | Self::Crash => Effect::Adrift,
            Self::Unreachable
            | Self::Reset
            | Self::HangsIdle
            | Self::FailsBefore
            | Self::Refused
            | Self::NoNetwork
            | Self::NotReserved(_) => Effect::None,
        }
    }

    /// Whether the caller waits in vain until its limit.
    pub fn hangs(self) -> bool {
        matches!(self, Self::Hangs | Self::HangsIdle | Self::HangsDone)
    }

    /// The moment before which the call does not take effect.
    pub fn acts_from(self, sent: Duration, deadline: Duration) -> Duration {
        match self {
            Self::SlowToAct => deadline.saturating_sub(IN_TIME).max(sent),
            _ => sent,
        }
    }

    /// The moment before which the call is not answered.
    pub fn answers_from(self, sent: Duration, deadline: Duration) -> Duration {
        match self {
            Self::SlowToAct | Self::SlowToAnswer => deadline.saturating_sub(IN_TIME).max(sent),
            _ => sent,
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
            Self::Unreachable => {
                return Err(TransportError::Unreachable("refused".to_owned()));
            }
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
            Self::Refused => Reply::says(400, &format!("invalid: {op:?}")),
            Self::NoNetwork => Reply::says(404, "network targets not found"),
            Self::NotReserved(status) => Reply::says(status, "name is not reserved"),
            Self::Answered | Self::SlowToAct | Self::SlowToAnswer => {
                let truth = truth.expect("a call that is answered has taken effect");
                return Ok(truth.clone());
            }
        };
        Ok(reply.at(now))
    }
}

/// The right status, where there is one, with a body that was cut off or is another
/// server's.
fn garbage(op: &Op) -> Reply {
    use Request::{Create, CreateSecret, CreateService, CreateVolume, List, Volumes};
    let (status, body) = match &op.request {
        Create { .. } => (201, r#"{"Id":"0123"#),
        CreateService(_) | CreateSecret { .. } => (201, r#"{"ID":"0123"#),
        CreateVolume { .. } => (201, r#"{"Name":"0123"#),
        Volumes(_) => (200, r#"{"Volumes":[{"Name":"0123"#),
        List(_) => (200, r#"[{"Id":"0123"#),
        Request::Services(_) | Request::Tasks(_) | Request::Secrets(_) | Request::Nodes => {
            (200, r#"[{"ID":"0123"#)
        }
        _ if op.is_change => (200, "<html>OK</html>"),
        _ => (200, "OK"),
    };
    Reply::new(status, body)
}
