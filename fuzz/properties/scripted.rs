//! An Engine that follows a script, and a clock.

use super::engine::{MOMENT, MOMENT_SECONDS, replies, response};
use super::*;

/// The Engine's reaction to one call, and its milliseconds.
#[derive(Debug, Clone)]
pub enum Turn {
    /// A reaction that fits the call: a create has this id, and a list shows this.
    Fitting { id: String, listed: Value },
    /// Anything.
    Reply { status: u16, body: Vec<u8> },
    /// No reply.
    Failure(TransportError),
}

pub fn turns() -> impl Strategy<Value = Vec<(Turn, u64)>> {
    let states = words("created running removing exited dead sleeping");
    let ages = prop_oneof![0..200_i64, 0..900_000_i64];
    let environment = prop_oneof![8 => Just("e"), 1 => Just("f")];
    // The attempt with the script's random bits, and another.
    let attempt = words("00000000000000000000000000000a77 another");
    // With its own name in its label, and another.
    let is_ours = prop_oneof![3 => Just(true), 1 => Just(false)];
    // One of a few ids: they then meet.
    let id = prop_oneof![16 => words("a b c").prop_map(|digit| digit.repeat(64)), 1 => near_ids()];
    let shown = (id, states, ages, is_ours, environment, attempt);
    let fitting = shown.prop_map(|(id, state, age, is_ours, environment, attempt)| {
        let deployment = DeploymentId::parse("da").expect("an id");
        let name = ContainerName::from_token(&deployment, &Secret::new(TOKEN));
        let listed = json!([{
            "Id": id,
            "Names": [format!("/{}", name.as_str())],
            "State": state,
            "Created": MOMENT_SECONDS - age,
            "Labels": {
                DEPLOYMENT: "da",
                NAME: if is_ours { name.as_str() } else { "other" },
                "dynamic-access.service-url": "https://host/",
                "dynamic-access.environment-id": environment,
                "dynamic-access.attempt": attempt,
            },
        }]);
        Turn::Fitting { id, listed }
    });
    let failure = select(vec![
        TransportError::Unreachable("refused".to_owned()),
        TransportError::TimedOut,
        TransportError::Broken("reset".to_owned()),
    ]);
    let turn = prop_oneof![
        12 => fitting,
        4 => replies().prop_map(|(status, body)| Turn::Reply { status, body }),
        1 => failure.prop_map(Turn::Failure),
    ];
    let took = prop_oneof![4 => 0..300_u64, 1 => 0..20_000_u64];
    vec((turn, took), 1..10)
}

/// An Engine that repeats its turns, and a clock that runs only during those and while somebody sleeps.
pub struct Scripted {
    turns: Vec<(Turn, u64)>,
    /// How much time has passed.
    pub passed: Cell<Duration>,
    /// The requests so far.
    pub sent: RefCell<Vec<HttpRequest>>,
}

impl Scripted {
    pub fn new(turns: Vec<(Turn, u64)>) -> Self {
        Self {
            turns,
            passed: Cell::default(),
            sent: RefCell::default(),
        }
    }

    /// One that never replies.
    pub fn silent() -> Self {
        Self::new(vec![(Turn::Failure(TransportError::TimedOut), 1)])
    }

    fn pass(&self, time: Duration) {
        self.passed.set(self.passed.get() + time);
    }

    /// Whether all requests only read.
    pub fn has_only_reads(&self) -> bool {
        let sent = self.sent.borrow();
        sent.iter().all(|request| request.method() == Method::GET)
    }
}

/// The reply of an Engine that does what it is asked.
fn fitting(request: &HttpRequest, id: &str, listed: &Value) -> (u16, Vec<u8>) {
    let uri = request.uri().to_string();
    let body = match uri.split(['/', '?']).skip(3).collect::<Vec<_>>()[..] {
        ["containers", "create", ..] => return (201, json!({"Id": id}).to_string().into()),
        ["containers", "json", ..] => listed.clone(),
        ["containers", _, "json"] => {
            json!({"State": {"FinishedAt": "2026-11-23T00:00:00Z", "ExitCode": 1}})
        }
        ["images", ..] => json!({"Id": "sha256:0"}),
        ["networks", ..] => json!([{"Name": "dynamic-access"}]),
        ["containers", _, "archive", ..] => return (200, Vec::new()),
        _ => return (204, Vec::new()),
    };
    (200, body.to_string().into_bytes())
}

impl Platform for Scripted {
    async fn send(
        &self,
        request: HttpRequest,
        limit: Duration,
        _keep: Keep,
    ) -> Result<HttpResponse, TransportError> {
        check_request(&request, &["http://127.0.0.1:"]);
        // With zeros before it, if an earlier call had no reply.
        assert_eq!(request.uri().port_u16(), Some(2375));
        assert!(hides(&request.uri().to_string(), &[TOKEN]));
        let mut sent = self.sent.borrow_mut();
        let (turn, took) = &self.turns[sent.len() % self.turns.len()];
        sent.push(request.clone());
        let took = Duration::from_millis(*took);
        self.pass(took.min(limit));
        let (status, body) = match turn {
            _ if took > limit => return Err(TransportError::TimedOut),
            Turn::Fitting { id, listed } => fitting(&request, id, listed),
            Turn::Reply { status, body } => (*status, body.clone()),
            Turn::Failure(error) => return Err(error.clone()),
        };
        Ok(response(status, MOMENT, body))
    }

    fn now(&self) -> Duration {
        Duration::from_secs(1000) + self.passed.get()
    }

    async fn sleep(&self, duration: Duration) {
        self.pass(duration);
    }

    fn random(&self) -> u128 {
        0xa77
    }
}
