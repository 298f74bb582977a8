//! An Engine that follows a script, and a clock.

use super::engine::{MOMENT, MOMENT_SECONDS, replies, response};
use super::*;

/// The Engine's reaction to one call, and its milliseconds.
#[derive(Debug, Clone)]
pub enum Turn {
    /// A reaction that fits the call: a create has this id, and a list shows this.
    Fitting { id: String, listed: Value },
    /// A failure in words that repeat the call's content.
    Echo { status: u16, before: usize },
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
    let shown = (near_some_id(), states, ages);
    let fitting = (shown, (is_ours, environment, attempt)).prop_map(
        |((id, state, age), (is_ours, environment, attempt))| {
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
        },
    );
    let failure = select(vec![
        TransportError::Unreachable("refused".to_owned()),
        TransportError::TimedOut,
        TransportError::Broken("reset".to_owned()),
    ]);
    let turn = prop_oneof![
        12 => fitting,
        2 => (select(vec![400, 404, 409, 500, 503]), before_an_echo())
            .prop_map(|(status, before)| Turn::Echo { status, before }),
        2 => replies().prop_map(|(status, body)| Turn::Reply { status, body }),
        1 => failure.prop_map(Turn::Failure),
    ];
    let took = prop_oneof![4 => 0..300_u64, 1 => 0..20_000_u64];
    vec((turn, took), 1..10)
}

/// How many characters come before an echo: few, or about as many as the log keeps of a message, which cuts the echo.
fn before_an_echo() -> impl Strategy<Value = usize> {
    prop_oneof![0..100_usize, 260..310_usize]
}

/// One of a few ids: they then meet.
fn near_some_id() -> impl Strategy<Value = String> {
    prop_oneof![
        16 => words("a b c").prop_map(|digit| digit.repeat(64)),
        1 => near_ids(),
    ]
}

/// The clock's first value.
const BEGUN: Duration = Duration::from_secs(1000);

/// An Engine that repeats its turns, and a clock that runs only during those and while somebody sleeps.
pub struct Scripted {
    turns: Vec<(Turn, u64)>,
    now: Cell<Duration>,
    /// The requests so far.
    pub sent: RefCell<Vec<HttpRequest>>,
    /// The ids that the Engine has given out for created, or listed as ours.
    created: RefCell<BTreeSet<String>>,
    ours: RefCell<BTreeSet<String>>,
}

impl Scripted {
    pub fn new(turns: Vec<(Turn, u64)>) -> Self {
        Self {
            turns,
            now: Cell::new(BEGUN),
            sent: RefCell::default(),
            created: RefCell::default(),
            ours: RefCell::default(),
        }
    }

    fn pass(&self, time: Duration) {
        self.now.set(self.now.get() + time);
    }

    /// How much time has passed.
    pub fn passed(&self) -> Duration {
        self.now.get() - BEGUN
    }

    /// How many requests there were.
    pub fn count(&self) -> usize {
        self.sent.borrow().len()
    }

    /// Whether all requests only read.
    pub fn has_only_reads(&self) -> bool {
        let sent = self.sent.borrow();
        sent.iter().all(|request| request.method() == Method::GET)
    }

    fn reply(&self, turn: &Turn, request: &HttpRequest) -> Result<HttpResponse, TransportError> {
        let (status, body) = match turn {
            Turn::Fitting { id, listed } => fitting(request, id, listed),
            Turn::Echo { status, before } => {
                let given = String::from_utf8_lossy(request.body());
                let token = if given.contains(TOKEN) { TOKEN } else { "" };
                let message = format!("{} {token} is bad", "x".repeat(*before));
                (
                    *status,
                    json!({"message": message}).to_string().into_bytes(),
                )
            }
            Turn::Reply { status, body } => (*status, body.clone()),
            Turn::Failure(error) => return Err(error.clone()),
        };
        self.learn(request, status, &body);
        Ok(response(status, MOMENT, body))
    }

    /// Remembers the ids that may be touched from now on.
    fn learn(&self, request: &HttpRequest, status: u16, body: &[u8]) {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        if status == 201 && request.uri().path() == "/containers/create" {
            let id = body["Id"].as_str().map(str::to_owned);
            self.created.borrow_mut().extend(id);
        }
        if status == 200 && request.uri().path() == "/containers/json" {
            let listed = body.as_array().into_iter().flatten();
            let ours = listed.filter(|listed| {
                let is_labelled = listed["Labels"][DEPLOYMENT] == "da";
                let name = listed["Labels"][NAME].as_str().unwrap_or("no label");
                is_labelled && listed["Names"] == json!([format!("/{name}")])
            });
            let ids = ours.filter_map(|listed| listed["Id"].as_str());
            self.ours.borrow_mut().extend(ids.map(str::to_owned));
        }
    }

    /// Checks that a request is valid, and names a container only if the Engine has shown that as ours.
    fn check(&self, request: &HttpRequest) {
        check_request(request, &["http://127.0.0.1:"]);
        // With zeros before it, if an earlier call had no reply.
        assert_eq!(request.uri().port_u16(), Some(2375));
        assert!(!shows(&request.uri().to_string(), TOKEN));
        let path: Vec<&str> = request.uri().path().split('/').collect();
        let id = match path[..] {
            ["", "containers", "create" | "json"] => return,
            ["", "images", "dynamic-access-agent", "json"] => return,
            ["", "networks"] | ["", "volumes"] | ["", "volumes", "create"] => return,
            ["", "volumes", name] => name.split('-').nth(1).unwrap_or_default(),
            ["", "containers", id] | ["", "containers", id, "start" | "json" | "archive"] => id,
            _ => panic!("a request for {}", request.uri()),
        };
        assert!(is_id(id));
        let is_ours = self.ours.borrow().contains(id);
        let is_forced = request
            .uri()
            .query()
            .is_some_and(|query| query.contains("force=true"));
        assert!(is_ours || (!is_forced && self.created.borrow().contains(id)));
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
        self.check(&request);
        let (turn, took) = &self.turns[self.count() % self.turns.len()];
        self.sent.borrow_mut().push(request.clone());
        let took = Duration::from_millis(*took);
        self.pass(took.min(limit));
        if took > limit {
            return Err(TransportError::TimedOut);
        }
        self.reply(turn, &request)
    }

    fn now(&self) -> Duration {
        self.now.get()
    }

    async fn sleep(&self, duration: Duration) {
        self.pass(duration);
    }

    fn random(&self) -> u128 {
        0xa77
    }
}
