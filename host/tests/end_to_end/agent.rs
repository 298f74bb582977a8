//! The agent image's entrypoint, in real containers that the tests create
//! themselves: what it needs from its caller, and how it ends.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::{Duration, Instant};

use test_support::checkout;
use test_support::engine::TAR;
use test_support::prelude::*;
use test_support::registry::archive_of;
use test_support::server::ENVIRONMENT;

/// Where the volume with the token's file is mounted.
const TOKEN_DIR: &str = "/run/dynamic-access";

/// A container that takes this long to end has ignored SIGTERM; it is killed after 30 seconds.
const PROMPT: Duration = Duration::from_secs(10);

/// How a container is confined: only by the Engine's defaults, with the entrypoint as process 1; or
/// with few capabilities and no new privileges, and the entrypoint as the child of an init.
fn limits() -> [Value; 2] {
    let hardened = json!({
        "Init": true,
        "CapDrop": ["ALL"],
        "CapAdd": ["CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "SETGID", "SETUID"],
        "SecurityOpt": ["no-new-privileges"],
    });
    [json!({}), hardened]
}

/// The configuration of an entrypoint.
struct Order {
    variables: BTreeMap<&'static str, String>,
    file: Option<String>,
}

impl Order {
    /// With the token in a file, as the component delivers it.
    fn with_file(service_url: &str, token: &str) -> Self {
        let path = format!("{TOKEN_DIR}/activation-token");
        let mut order = Self::with_variable(service_url, token);
        order.file = order.variables.remove("ACTIVATION_TOKEN");
        order.with("ACTIVATION_TOKEN_FILE", &path)
    }

    /// With the token in the environment.
    fn with_variable(service_url: &str, token: &str) -> Self {
        let variables = [
            ("SERVICE_URL", service_url.to_owned()),
            ("ENVIRONMENT_ID", ENVIRONMENT.to_owned()),
            ("ACTIVATION_TOKEN", token.to_owned()),
        ];
        let (variables, file) = (variables.into(), None);
        Self { variables, file }
    }

    /// With a variable set or changed.
    fn with(mut self, name: &'static str, value: &str) -> Self {
        self.variables.insert(name, value.to_owned());
        self
    }

    /// Creates the container, delivers the token, and starts it.
    fn run(&self, engine: &RealEngine, limits: &Value) -> Target {
        let variables = self.variables.iter();
        let body = json!({
            "Image": given("TEST_AGENT_IMAGE"),
            "Env": variables.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>(),
            "Volumes": {TOKEN_DIR: {}},
            "HostConfig": limits,
        });
        let target = Target(engine.foreign(&unique("agent-"), body));
        if let Some(token) = &self.file {
            let path = target.path(&format!("archive?path={TOKEN_DIR}"));
            let archive = archive_of("activation-token", token);
            engine.call_with("PUT", &path, &TAR, &archive).check(200);
        }
        target.0.start();
        target
    }
}

/// A container with the agent.
struct Target(Own);

impl Target {
    fn path(&self, rest: &str) -> String {
        format!("/containers/{}/{rest}", self.0.id)
    }

    fn log(&self) -> String {
        self.0.engine.log(&self.0.id)
    }

    fn shell(&self, script: &str) -> String {
        self.0.engine.shell(&self.0.id, script)
    }

    /// Waits until the agent has begun to serve `times` times.
    fn wait_until_it_serves(&self, times: usize) {
        wait_until("the agent to serve", || {
            self.log().matches("serving").count() == times
        });
    }

    /// Waits for its end; returns its exit code.
    fn exit_code(&self) -> Option<i64> {
        let state = wait_for("the end of the container", || {
            let state = self.0.engine.inspect(&self.0.id)["State"].clone();
            (state["Status"] == "exited").then_some(state)
        });
        state["ExitCode"].as_i64()
    }

    /// Asks it to end, and checks its exit code.
    #[track_caller]
    fn check_stop(&self, code: i64) {
        let asked = Instant::now();
        let stop = self.path("stop?t=30");
        self.0.engine.call("POST", &stop, None).check(204);
        let took = asked.elapsed();
        assert!(took < PROMPT, "{took:?}");
        assert_eq!(self.exit_code(), Some(code), "{}", self.log());
    }

    /// Checks that it ends with `code`, after a line that gives the reason.
    #[track_caller]
    fn check_end(&self, code: i64, line: &str) {
        let ended = self.exit_code();
        let errors = self.0.engine.errors(&self.0.id);
        assert_eq!(ended, Some(code), "{errors}");
        let own = errors.lines().filter(|line| !line.starts_with("bzero"));
        assert_eq!(own.collect::<Vec<_>>(), [format!("entrypoint: {line}")]);
    }

    /// Checks that the token's file is gone.
    #[track_caller]
    fn check_no_token_file(&self) {
        let path = self.path(&format!("archive?path={TOKEN_DIR}/activation-token"));
        self.0.engine.call("GET", &path, None).check(404);
    }
}

/// An address that nobody uses.
const NOBODY: &str = "http://192.0.2.1:9";

#[test]
fn once_the_agent_serves_the_token_is_nowhere_and_sigterm_ends_it() {
    let engine = RealEngine::given();
    let service = FakeEngine::admitting(&engine);
    for limits in limits() {
        let token = unique("planted-token-");
        let in_file = Order::with_file(&service.url(), &token);
        let in_variable = Order::with_variable(&service.url(), &token)
            .with("REGISTRATION_TIMEOUT", "60")
            .with("BASTIONZERO_IN_CLUSTER", "1");
        for order in [in_file, in_variable] {
            let target = order.run(&engine, &limits);
            target.wait_until_it_serves(1);
            // Users' shells do not inherit the agent's variables.
            let environment = target.shell("cat /proc/$(pidof bzero)/environ");
            let mut names = order.variables.keys();
            let is_shown = names.any(|name| environment.contains(name));
            assert!(environment.contains("PATH=") && !is_shown, "{environment}");
            let commands = target.shell("cat /proc/[0-9]*/cmdline");
            assert!(commands.contains("bzero"), "{commands}");
            assert!(!commands.contains(&token), "{limits} {commands}");
            if order.file.is_some() {
                target.check_no_token_file();
                let environments = target.shell("cat /proc/[0-9]*/environ");
                let inspected = engine.inspect(&target.0.id).to_string();
                for text in [environments, target.log(), inspected] {
                    assert!(!text.contains(&token), "{limits} {text}");
                }
            }
            // The agent always exits 1 after SIGTERM; a killed process exits 137.
            target.check_stop(1);
        }
    }
}

#[test]
fn a_target_registers_once_however_often_it_restarts_under_an_id_of_its_own() {
    let engine = RealEngine::given();
    let service = FakeEngine::admitting(&engine);
    let token = unique("token");
    for number in 1..=2 {
        let order = Order::with_file(&service.url(), &token);
        let target = order.run(&engine, &json!({}));
        target.wait_until_it_serves(1);
        let restart = target.path("restart?t=30");
        engine.call("POST", &restart, None).check(204);
        target.wait_until_it_serves(2);
        assert_eq!(service.registrations().len(), number);
    }
    let seen = service.registrations();
    assert_ne!(seen[0]["targetId"], seen[1]["targetId"]);
    for sent in seen {
        assert_eq!(sent["activationToken"], token.as_str());
        assert_eq!(sent["environmentId"], ENVIRONMENT);
        let id = sent["targetId"].as_str().expect("an id");
        let parts: Vec<_> = id.split('-').map(str::len).collect();
        assert_eq!(parts, [8, 4, 4, 4, 12], "{id}");
    }
}

#[test]
fn a_target_that_is_not_admitted_ends_by_sigterm_or_with_the_reason() {
    let unreachable =
        "no registration within 2 seconds; check that SERVICE_URL can be reached from here";
    let engine = RealEngine::given();
    for limits in limits() {
        let service = FakeEngine::registering(&engine, Reply::Silence);
        let order = Order::with_file(&service.url(), "token");
        let target = order.run(&engine, &limits);
        wait_until("the registration", || !service.registrations().is_empty());
        target.check_stop(143);

        let service = FakeEngine::registering(&engine, Reply::json("403 Forbidden", "{}"));
        let token = unique("planted-token-");
        let target = Order::with_file(&service.url(), &token).run(&engine, &limits);
        target.check_end(77, "no registration: the agent has ended with status 1");
        assert_eq!(service.registrations().len(), 1);
        target.check_no_token_file();
        let log = target.log();
        assert!(!log.contains(&token), "{log}");

        let order = Order::with_file(NOBODY, "token").with("REGISTRATION_TIMEOUT", "2");
        order.run(&engine, &limits).check_end(69, unreachable);
    }
}

/// Variables that cannot work, in `env`'s words beside those that are needed, and why.
const REFUSED: &str = "
    -u ACTIVATION_TOKEN ACTIVATION_TOKEN_FILE=missing | the file that ACTIVATION_TOKEN_FILE names is missing
    -u ACTIVATION_TOKEN ACTIVATION_TOKEN_FILE=empty | the file that ACTIVATION_TOKEN_FILE names is empty
    -u ACTIVATION_TOKEN ACTIVATION_TOKEN_FILE=newline | the file that ACTIVATION_TOKEN_FILE names is empty
    ACTIVATION_TOKEN_FILE=empty | only one of ACTIVATION_TOKEN_FILE and ACTIVATION_TOKEN may be set
    -u ACTIVATION_TOKEN, ACTIVATION_TOKEN= | ACTIVATION_TOKEN_FILE or ACTIVATION_TOKEN UNSET
    -u SERVICE_URL, SERVICE_URL= | SERVICE_URL UNSET
    -u ENVIRONMENT_ID, ENVIRONMENT_ID= | ENVIRONMENT_ID UNSET
    TIMEOUT=, TIMEOUT=0, TIMEOUT=010, TIMEOUT=3601, TIMEOUT=36000, TIMEOUT=1m, TIMEOUT=-1 | TIMEOUT RANGE";

/// The script itself is run, which refuses before it does anything that needs a container; once,
/// the image does the same.
#[test]
fn a_configuration_that_cannot_work_is_refused_with_its_reason() {
    let folder = Folder::new("entrypoint-");
    let rows = REFUSED
        .replace("UNSET", "must be set and not empty")
        .replace("RANGE", "must be a number of seconds from 1 to 3600")
        .replace(" TIMEOUT", " REGISTRATION_TIMEOUT");
    for row in rows.lines().skip(1) {
        let (all, line) = row.split_once(" | ").expect("a reason");
        for changes in all.split(", ") {
            folder.file("empty", "");
            folder.file("newline", "\n");
            let mut script = Command::new("env");
            script.envs([("SERVICE_URL", NOBODY), ("ENVIRONMENT_ID", ENVIRONMENT)]);
            script
                .env("ACTIVATION_TOKEN", "token")
                .args(changes.split_whitespace());
            script.arg("sh").arg(checkout("agent-image/entrypoint.sh"));
            let output = script.current_dir(folder.path()).output().expect("a shell");
            assert_eq!(output.status.code(), Some(78), "{changes} {output:?}");
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!(said, format!("entrypoint: {line}\n"), "{changes}");
        }
    }
    let order = Order::with_file(NOBODY, "");
    let reason = "the file that ACTIVATION_TOKEN_FILE names is empty";
    let target = order.run(&RealEngine::given(), &json!({}));
    target.check_end(78, reason);
}
