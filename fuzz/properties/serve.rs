//! A whole webhook, whatever the Engine replies.

use super::credentials::{credentials, is_right_credentials};
use super::engine::{MOMENT, MOMENT_SECONDS, replies};
use super::*;

/// The id of a trace with the digits of the token: whoever shows one shows the other.
const TRACE: &str = "4b6f52b54f2b4d558a0e2f1c7a3a9d10";

/// The Engine's reaction to one call, and its milliseconds.
#[derive(Debug, Clone)]
enum Turn {
    /// A reaction that fits the call; a list shows this container.
    Fitting(Shown),
    /// A failure in words that repeat the call's content.
    Echo { status: u16, before: usize },
    /// Anything.
    Reply { status: u16, body: Vec<u8> },
    /// No reply.
    Failure(TransportError),
}

/// A container on a list.
#[derive(Debug, Clone)]
struct Shown {
    id: String,
    state: &'static str,
    age: i64,
    /// Whether it has the name in its label.
    is_ours: bool,
    environment_id: &'static str,
    attempt: &'static str,
}

fn turns() -> impl Strategy<Value = Vec<(Turn, u64)>> {
    let states = [
        "created", "running", "removing", "exited", "dead", "sleeping",
    ];
    let ages = prop_oneof![0..200_i64, 0..900_000_i64];
    let environment = prop_oneof![8 => Just("e"), 1 => Just("f")];
    // The attempt with the script's random bits, and another.
    let attempt = select(vec!["00000000000000000000000000000a77", "another"]);
    let labels = (
        prop_oneof![3 => Just(true), 1 => Just(false)],
        environment,
        attempt,
    );
    let shown = (near_some_id(), select(states.to_vec()), ages, labels);
    let fitting = shown.prop_map(|(id, state, age, (is_ours, environment_id, attempt))| {
        Turn::Fitting(Shown {
            id,
            state,
            age,
            is_ours,
            environment_id,
            attempt,
        })
    });
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
        16 => select(vec!["a", "b", "c"]).prop_map(|digit| digit.repeat(64)),
        1 => near_ids(),
    ]
}

/// An Engine that repeats its turns, and a clock that runs only during those and while somebody sleeps.
struct Scripted {
    turns: Vec<(Turn, u64)>,
    now: Cell<Duration>,
    sent: RefCell<Vec<HttpRequest>>,
    /// The ids that the Engine has given out for created, or listed as ours.
    created: RefCell<BTreeSet<String>>,
    ours: RefCell<BTreeSet<String>>,
}

impl Scripted {
    fn new(turns: Vec<(Turn, u64)>) -> Self {
        Self {
            turns,
            now: Cell::new(Duration::from_secs(1000)),
            sent: RefCell::default(),
            created: RefCell::default(),
            ours: RefCell::default(),
        }
    }

    fn pass(&self, time: Duration) {
        self.now.set(self.now.get() + time);
    }

    fn sent(&self) -> usize {
        self.sent.borrow().len()
    }

    fn reply(&self, turn: &Turn, request: &HttpRequest) -> Result<HttpResponse, TransportError> {
        let (status, body) = match turn {
            Turn::Fitting(shown) => fitting(request, shown),
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
        let mut response = http::Response::new(body);
        *response.status_mut() = StatusCode::from_u16(status).expect("a status");
        let date = HeaderValue::from_static(MOMENT);
        response.headers_mut().insert("date", date);
        Ok(response)
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
fn fitting(request: &HttpRequest, shown: &Shown) -> (u16, Vec<u8>) {
    let uri = request.uri().to_string();
    let body = match uri.split(['/', '?']).skip(3).collect::<Vec<_>>()[..] {
        ["containers", "create", ..] => return (201, json!({"Id": shown.id}).to_string().into()),
        ["containers", "json", ..] => {
            let token = Secret::new(TOKEN);
            let deployment = DeploymentId::parse("da").expect("an id");
            let name = ContainerName::from_token(&deployment, &token);
            let own_name = if shown.is_ours {
                name.as_str()
            } else {
                "other"
            };
            json!([{
                "Id": shown.id,
                "Names": [format!("/{}", name.as_str())],
                "State": shown.state,
                "Created": MOMENT_SECONDS - shown.age,
                "Labels": {
                    DEPLOYMENT: "da",
                    NAME: own_name,
                    "dynamic-access.service-url": "https://host/",
                    "dynamic-access.environment-id": shown.environment_id,
                    "dynamic-access.attempt": shown.attempt,
                },
            }])
        }
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
        let (turn, took) = &self.turns[self.sent() % self.turns.len()];
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

/// A webhook's whole answer, by a server with these [`variables`].
fn serve(
    engine: &Scripted,
    (name, value): (&str, &str),
    head: &http::request::Parts,
    body: Result<Vec<u8>, BodyError>,
) -> server::Answer {
    let variables = variables(name, value);
    let answer = block_on(server::serve(engine, &variables, head, async |_| body));
    check_declared(head, &answer);
    answer
}

/// The head of a request with the right credentials.
fn head(method: &str, uri: &str) -> http::request::Parts {
    let request = http::Request::builder().method(method).uri(uri);
    let request = match uri.starts_with("/v1/") {
        true => request
            .header("idempotency-key", TOKEN)
            .header("authorization", format!("Bearer {API_SECRET}")),
        false => request.header("authorization", format!("Basic {SECRET}")),
    };
    request.body(()).expect("a request").into_parts().0
}

/// The same of a request that has the token, with a trace of the same digits.
fn traced_head(method: &str, uri: &str) -> http::request::Parts {
    let mut head = head(method, uri);
    let traceparent = HeaderValue::try_from(format!("00-{TRACE}-b7ad6b7169203331-01"));
    let traceparent = traceparent.expect("a value");
    head.headers.insert("traceparent", traceparent);
    head
}

/// Checks every answer: its form by [`check_form`], and that it holds nothing planted.
fn check_answer(answer: &server::Answer) {
    check_form(answer);
    let text = std::str::from_utf8(answer.response.body()).expect("text");
    for text in [text, &format!("{:?}", answer.response.headers())] {
        let is_hidden = |value| !shows(text, value);
        assert!(
            [PLANTED, TOKEN, SECRET].into_iter().all(is_hidden),
            "{text}"
        );
    }
}

/// Checks that the OpenAPI document declares the status of an answer, with the type of
/// its body.
fn check_declared(head: &http::request::Parts, answer: &server::Answer) {
    static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
        serde_json::from_str(include_str!("../../src/api/openapi.json")).expect("JSON")
    });
    let Some(path) = known_path(&head.uri) else {
        return;
    };
    let method = head.method.as_str().to_ascii_lowercase();
    // Another method is answered 405, or 401, and has no place in the document.
    let operation = &DOCUMENT["paths"][path][method];
    if operation.is_null() {
        return;
    }
    let response = &answer.response;
    let status = response.status().as_u16().to_string();
    let mut declared = &operation["responses"][&status];
    if let Some(reference) = declared["$ref"].as_str() {
        let pointer = reference.trim_start_matches('#');
        declared = DOCUMENT.pointer(pointer).expect("it is in the document");
    }
    assert!(!declared.is_null(), "{path} {status} is not declared");
    if let Some(content_type) = response.headers().get("content-type") {
        let content_type = content_type.to_str().expect("text");
        assert!(
            !declared["content"][content_type].is_null(),
            "{path} {status} {content_type}"
        );
    }
}

/// Checks the form of an answer: a status of the catalogue, JSON, and lines for the
/// log that hide every secret.
fn check_form(answer: &server::Answer) {
    const SUCCESS: [u16; 3] = [200, 201, 204];
    const CATALOGUE: [u16; 15] = [
        400, 401, 403, 404, 405, 408, 409, 413, 415, 422, 429, 500, 502, 503, 504,
    ];
    let status = answer.response.status().as_u16();
    let is_success = SUCCESS.contains(&status);
    assert!(is_success || CATALOGUE.contains(&status), "{status}");
    let body = answer.response.body();
    assert_eq!(status == 204, body.is_empty());
    if status != 204 {
        let body: Value = serde_json::from_slice(body).expect("JSON");
        assert_eq!(is_success, body["ErrorMessage"].is_null());
        assert!(is_success || body["status"] == status);
    }
    let may_come_back = answer.response.headers().contains_key("retry-after");
    assert_eq!(may_come_back, [429, 503].contains(&status));
    let length = answer.response.headers().get("content-length");
    let length = length.map(|length| length.to_str().expect("text").to_owned());
    let expected = (status != 204).then(|| body.len().to_string());
    assert_eq!(length, expected);
    let line: Value = serde_json::from_str(&answer.lines[0]).expect("JSON");
    let is_refused = (400..500).contains(&status);
    assert!(!is_refused || line["event"].is_string(), "{line}");
    answer.lines.iter().for_each(|line| check_line(line));
}

fn check_line(line: &str) {
    assert!(!line.contains('\n'));
    let parsed: Value = serde_json::from_str(line).expect("JSON");
    assert!(parsed.is_object());
    let is_hidden = |value| !shows(line, value);
    assert!([TOKEN, SECRET].into_iter().all(is_hidden), "{line}");
}

pub fn whatever_the_engine_replies_there_is_an_answer_in_time_that_shows_nothing(draws: Draws) {
    let start = json!({
        "serviceUrl": "https://host/",
        "activationToken": TOKEN,
        "environmentId": "e",
    });
    let stop = json!({"uniqueId": "a".repeat(64)});
    let webhook = select(vec![
        ("POST", "/start", start.clone()),
        ("POST", "/start", start),
        ("POST", "/stop", stop),
        ("GET", "/health", Value::Null),
        ("POST", "/reap", Value::Null),
        ("POST", "/reap?dry_run=1", Value::Null),
    ]);
    for_all(draws, (webhook, turns()), |((method, uri, body), turns)| {
        let engine = Scripted::new(turns);
        let arrived = engine.now();
        let body = Ok(body.to_string().into_bytes());
        let head = match uri {
            "/start" => traced_head(method, uri),
            _ => head(method, uri),
        };
        let answer = serve(&engine, ("", ""), &head, body);
        check_answer(&answer);
        assert!(engine.now() - arrived <= Duration::from_secs(25));
        if uri == "/start" && answer.response.status() == 200 {
            let body: Value = serde_json::from_slice(answer.response.body()).expect("JSON");
            assert!(body["uniqueId"].as_str().is_some_and(is_id));
        }
        if uri == "/reap?dry_run=1" || uri == "/health" {
            let sent = engine.sent.borrow();
            assert!(sent.iter().all(|request| request.method() == Method::GET));
        }
        if let Some(after) = answer.after {
            let lines = block_on(after.run(&engine));
            lines.iter().for_each(|line| check_line(line));
            assert!(engine.now() - arrived <= Duration::from_secs(29));
        }
    });
}

pub fn whatever_the_engine_replies_a_request_of_v1_has_an_answer_in_time(draws: Draws) {
    let start = json!({"environment": "e", "secrets": {"a": TOKEN}, "lifetime": "1h"});
    let target = format!("/v1/targets/{}", "a".repeat(64));
    let request = select(vec![
        ("POST", "/v1/targets".to_owned(), start),
        ("GET", "/v1/targets".to_owned(), Value::Null),
        ("GET", target.clone(), Value::Null),
        ("POST", format!("{target}/renew"), json!({"lifetime": "1h"})),
        ("DELETE", target, Value::Null),
    ]);
    for_all(draws, (request, turns()), |((method, uri, body), turns)| {
        let engine = Scripted::new(turns);
        let arrived = engine.now();
        let body = Ok(body.to_string().into_bytes());
        let answer = serve(&engine, ("", ""), &traced_head(method, &uri), body);
        // An answer shows what the Engine says of a target.
        check_form(&answer);
        assert!(engine.now() - arrived <= Duration::from_secs(25));
        if method == "GET" {
            let sent = engine.sent.borrow();
            assert!(sent.iter().all(|request| request.method() == Method::GET));
            assert!(answer.after.is_none());
        }
    });
}

pub fn head_is_answered_as_get_but_for_the_body(draws: Draws) {
    let target = format!("/v1/targets/{}", "a".repeat(64));
    let uri = select(vec![
        "/health".to_owned(),
        "/v1/targets".to_owned(),
        "/v1/openapi.json".to_owned(),
        "/metrics".to_owned(),
        "/v1/targets?environment=%ff".to_owned(),
        "/unknown".to_owned(),
        target,
    ]);
    for_all(draws, (uri, turns()), |(uri, turns)| {
        let [get, head] = ["GET", "HEAD"].map(|method| {
            let mut head = head(method, &uri);
            if uri == "/metrics" {
                let credentials = HeaderValue::try_from(format!("Basic {API_SECRET}"));
                head.headers
                    .insert("authorization", credentials.expect("a value"));
            }
            let engine = Scripted::new(turns.clone());
            let answer = serve(&engine, ("", ""), &head, Ok(Vec::new()));
            (answer, engine.sent.into_inner())
        });
        assert_eq!(get.0.response.status(), head.0.response.status());
        assert_eq!(get.0.response.headers(), head.0.response.headers());
        assert_eq!(head.0.response.body(), b"");
        assert_eq!(get.0.lines, head.0.lines);
        // It costs the Engine no more, and shows no less.
        let calls = |sent: &[HttpRequest]| sent.iter().map(|call| call.uri().clone()).collect();
        let (of_get, of_head): (Vec<_>, Vec<_>) = (calls(&get.1), calls(&head.1));
        assert_eq!(of_get, of_head);
    });
}

pub fn whoever_has_not_the_secret_is_told_so_and_costs_the_engine_nothing(draws: Draws) {
    let uri = prop_oneof![
        "/(start|stop|health|reap)(\\?dry_run=1)?",
        "/[!-~]{0,8}",
        Just("*".to_owned())
    ];
    let method =
        prop_oneof![4 => select(vec!["GET", "POST"]).prop_map(str::to_owned), 1 => "[A-Z]{1,7}"];
    let body = select(vec![
        BodyError::TooLarge,
        BodyError::TooSlow,
        BodyError::CutOff,
    ]);
    for_all(
        draws,
        (method, uri, credentials(), body),
        |(method, uri, value, body)| {
            let request = http::Request::builder().method(method.as_str()).uri(&uri);
            let Ok(request) = request.header("authorization", value.as_slice()).body(()) else {
                return;
            };
            let engine = Scripted::new(vec![(Turn::Failure(TransportError::TimedOut), 1)]);
            let head = request.into_parts().0;
            let secret = ("webhook_secret", format!("{SECRET} {OTHER_SECRET}"));
            let answer = serve(&engine, (secret.0, &secret.1), &head, Err(body));
            check_answer(&answer);
            let is_unauthorized = answer.response.status() == StatusCode::UNAUTHORIZED;
            assert_eq!(is_unauthorized, !is_right_credentials(&value));
            assert!(engine.sent() == 0 || !is_unauthorized);
        },
    );
}

pub fn whatever_the_body_and_the_variables_there_is_an_answer_that_shows_nothing(draws: Draws) {
    let uri = select(vec!["/start", "/stop", "/reap", "/v1/targets"]);
    let name = prop_oneof![
        4 => Just(""),
        1 => select(&VARIABLES[..]).prop_map(|(name, _)| name),
        1 => Just("webhook_secret"),
    ];
    let length = option::of(prop_oneof!["[0-9]{1,21}", texts()]);
    let request = (uri, bodies(), length);
    for_all(
        draws,
        (request, name, texts()),
        |((uri, body, length), name, value)| {
            let mut head = head("POST", uri);
            if let Some(Ok(length)) = length.map(|length| length.parse()) {
                head.headers.insert("content-length", length);
            }
            let engine = Scripted::new(vec![(Turn::Failure(TransportError::TimedOut), 1)]);
            // The Engine's address is checked as the default one.
            let name = if name == "docker_url" {
                "docker_plaintext"
            } else {
                name
            };
            let answer = serve(&engine, (name, &value), &head, Ok(body));
            check_answer(&answer);
            for line in &answer.lines {
                let mut line: Value = serde_json::from_str(line).expect("JSON");
                // The only part of a body in the log.
                line.as_object_mut()
                    .expect("an object")
                    .remove("environment");
                assert!(!shows_planted(&line.to_string()), "{line}");
            }
        },
    );
}
