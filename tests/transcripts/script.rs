//! A platform that follows a script: the calls of a request in their order, each with its
//! reply.

use std::cell::{Cell, RefCell};
use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use dynamic_access::backend::Backend;
use dynamic_access::budget::Budget;
use dynamic_access::call_notes::Calls;
use dynamic_access::config::Config;
use dynamic_access::engine::Engine;
use dynamic_access::platform::{HttpRequest, HttpResponse, Keep, Platform, TransportError};
use dynamic_access::provision::Provisioner;
use serde_json::Value;

use crate::replies::{OTHER, Reply, reply};
use crate::rows::named;

/// A call that a script expects.
#[derive(Clone)]
struct Step {
    /// The call, in the words of [`shape`].
    call: String,
    /// The Engine's time of the day.
    time: String,
    reply: Reply,
}

/// The steps of a text: `call: reply; call: at 01:01:02 reply; call: reply * 3`.
fn steps(text: &str) -> Vec<Step> {
    let texts = text.split(';').map(str::trim);
    let steps = texts.filter(|text| !text.is_empty()).flat_map(|text| {
        let repeated = text.rsplit_once(" * ");
        let repeated = repeated.and_then(|(step, times)| Some((step, times.parse().ok()?)));
        let (step, times) = repeated.unwrap_or((text, 1));
        let (call, words) = step.split_once(": ").unwrap_or((step, ""));
        let once = if let Some(text) = named(call) {
            assert!(words.is_empty() || text.contains('$'), "{call}: {words}");
            steps(&text.replace('$', words))
        } else {
            let dated = words.strip_prefix("at ");
            let dated = dated.and_then(|words| words.split_once(' '));
            let (time, words) = dated.unwrap_or(("01:01:01", words));
            vec![Step {
                call: call.to_owned(),
                time: time.to_owned(),
                reply: reply(call, words),
            }]
        };
        vec![once; times].concat()
    });
    steps.collect()
}

/// A platform that expects calls in their order and replies by the script.
pub struct Script {
    steps: RefCell<VecDeque<Step>>,
    clock: Cell<Duration>,
    random: Cell<u128>,
    secrets: RefCell<HashSet<String>>,
}

impl Script {
    /// Checks that no secret is made twice: a clean-up of one attempt removes its secrets
    /// by their label.
    fn note_secret(&self, request: &HttpRequest) {
        let body: Value = serde_json::from_slice(request.body()).expect("JSON");
        let name = body["Name"].as_str().expect("a name").to_owned();
        assert!(self.secrets.borrow_mut().insert(name), "{body} once more");
    }

    fn pass(&self, time: Duration) {
        self.clock.set(self.clock.get() + time);
    }
}

impl Platform for Script {
    async fn send(
        &self,
        request: HttpRequest,
        limit: Duration,
        _keep: Keep,
    ) -> Result<HttpResponse, TransportError> {
        let asked = shape(&request);
        let step = self.steps.borrow_mut().pop_front();
        let step = step.unwrap_or_else(|| panic!("{asked} is one call too many"));
        assert_eq!(asked, step.call);
        if asked == "create secret" {
            self.note_secret(&request);
        }
        let (status, body) = step.reply.inspect_err(|error| {
            if let TransportError::TimedOut | TransportError::CutShort { .. } = error {
                self.pass(limit);
            }
        })?;
        let response = http::Response::builder().status(status);
        let response = response.header("date", format!("Mon, 23 Nov 2026 {} GMT", step.time));
        let response = response.header("server", "Docker/28.0.1 (linux)");
        Ok(response.body(body.into_bytes()).expect("a response"))
    }

    fn now(&self) -> Duration {
        self.clock.get()
    }

    async fn sleep(&self, duration: Duration) {
        self.pass(duration);
    }

    fn random(&self) -> u128 {
        self.random.replace(self.random.get() + 1)
    }
}

/// The words for each call, its method, and all parts of its path that mark it; the first
/// row that fits counts.
const CALLS: &str = "
    create service                  | POST   | /services/create
    create secret                   | POST   | /secrets/create
    update                          | POST   | /update?version=7
    delete service                  | DELETE | /services/
    delete secret                   | DELETE | /secrets/
    look up service                 | GET    | /services/
    list nodes                      | GET    | /nodes
    list part of unvouched services | GET    | %22label%22 %22name%22 access.vouched
    list part of services           | GET    | %22label%22 %22name%22 /services?
    list part of tasks              | GET    | %22label%22 %22name%22 /tasks?
    list part of secrets            | GET    | %22label%22 %22name%22 /secrets?
    list part                       | GET    | %22label%22 %22name%22
    find service by name            | GET    | /services? %22name%22
    find service                    | GET    | /services? %22id%22
    list unvouched services         | GET    | /services? access.vouched
    list services                   | GET    | /services?
    list own tasks                  | GET    | /tasks? access.name
    list tasks                      | GET    | /tasks?
    list own secrets                | GET    | /secrets? access.attempt
    list secrets                    | GET    | /secrets?
    create                          | POST   | /containers/create?
    create volume                   | POST   | /volumes/create
    list volumes                    | GET    | /volumes?
    remove volume                   | DELETE | /volumes/
    pull                            | POST   | /images/create?
    stop                            | POST   | /stop?
    archive                         | PUT    | /archive?
    look up the network             | GET    | /networks?
    start                           | POST   | /start
    remove by force                 | DELETE | force=true
    remove other                    | DELETE | /containers/fedcba
    remove                          | DELETE | /containers/
    list by name                    | GET    | %22name%22
    list by id                      | GET    | %22id%22
    list all                        | GET    | %22label%22
    look up the image               | GET    | /images/
    stats                           | GET    | /stats?
    inspect                         | GET    | /json";

/// A request in a few words. Only a removal may name another token's container.
fn shape(request: &HttpRequest) -> &'static str {
    let (method, path) = (request.method().as_str(), request.uri().to_string());
    let words = |row: &'static str| {
        let (words, marks) = row.split_once('|')?;
        let (of_method, marks) = marks.split_once('|')?;
        let is_there = marks.split_whitespace().all(|mark| path.contains(mark));
        (of_method.trim() == method && is_there).then_some(words.trim())
    };
    let found = CALLS.lines().find_map(words);
    let found = found.unwrap_or_else(|| panic!("an unknown call {method} {path}"));
    let is_others = path.contains(&format!("/containers/{OTHER}"));
    assert_eq!(is_others, found.contains("other"), "{method} {path}");
    found
}

/// Variables that differ from the defaults.
pub type Changes<'a> = [(&'a str, &'a str)];

/// The variables, with `changes` over those of the transcripts and the defaults.
pub fn variables(changes: &Changes) -> impl Fn(&'static str) -> Result<String, String> {
    const USUAL: [(&str, &str); 3] = [
        ("image_pull", "never"),
        ("service_urls", "https://host"),
        ("max_targets", "1"),
    ];
    for (name, _) in changes {
        let is_known = MANIFEST.contains(&format!("\n{name} = {{"));
        assert!(is_known, "an unknown variable {name}");
    }
    move |name| {
        let mut set = changes.iter().chain(&USUAL);
        let set = set.find(|(known, _)| *known == name);
        let value = set.map(|(_, value)| *value).or_else(|| default(name));
        value.map(str::to_owned).ok_or("is not defined".to_owned())
    }
}

const MANIFEST: &str = include_str!("../../spin.toml");

/// The default of a variable in `spin.toml`.
fn default(name: &str) -> Option<&'static str> {
    let mut lines = MANIFEST.lines();
    let rest = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(" = { default = \""));
    rest?.split('"').next()
}

/// Makes a request, with these variables, which makes the calls of a text and no others.
#[track_caller]
pub fn run<T>(
    changes: &Changes,
    text: &str,
    request: impl AsyncFnOnce(Provisioner<'_, Script>) -> T,
) -> T {
    let script = Script {
        steps: RefCell::new(steps(text).into()),
        clock: Cell::default(),
        random: Cell::default(),
        secrets: RefCell::default(),
    };
    let config = Config::parse(&variables(changes)).expect("a config");
    let calls = RefCell::new(Calls::default());
    let budget = Budget::starting(script.now());
    let engine = Engine::new(&script, &config, &calls, budget.work_until);
    let provisioner = Provisioner {
        platform: &script,
        config: &config,
        backend: Backend::new(engine),
        budget,
    };
    let outcome = pollster::block_on(request(provisioner));
    let left = script.steps.borrow();
    let left: Vec<_> = left.iter().map(|step| &step.call).collect();
    assert!(left.is_empty(), "calls that were not made: {left:?}");
    assert!(script.now() <= budget.answer_until, "{:?}", script.now());
    outcome
}
