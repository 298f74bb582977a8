//! The agent image's entrypoint, in real containers that the tests create
//! themselves: what it needs from its caller, and how it ends.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use test_support::engine::{RealEngine, TAR};
use test_support::own::Foreign;
use test_support::registration::Registration;
use test_support::wait::wait_for;
use test_support::{given, unique};

/// Where the volume with the token's file is mounted.
const TOKEN_DIR: &str = "/run/dynamic-access";

/// A container that takes this long to end has ignored SIGTERM; it is killed after 30 seconds.
const PROMPT: Duration = Duration::from_secs(10);

const ENVIRONMENT_ID: &str = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0";

/// How a container is confined.
#[derive(Debug, Clone, Copy)]
enum Limits {
    /// Only by the Engine's defaults: the entrypoint is process 1.
    Default,
    /// With few capabilities and no new privileges; the entrypoint is the child of an init.
    Hardened,
}

impl Limits {
    const ALL: [Self; 2] = [Self::Default, Self::Hardened];

    fn host_config(self) -> Value {
        match self {
            Self::Default => json!({}),
            Self::Hardened => json!({
                "Init": true,
                "CapDrop": ["ALL"],
                "CapAdd": ["CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "SETGID", "SETUID"],
                "SecurityOpt": ["no-new-privileges"],
            }),
        }
    }
}

/// The configuration of an entrypoint.
struct Order {
    environment: BTreeMap<&'static str, String>,
    file: Option<String>,
    limits: Limits,
}

impl Order {
    /// With the token in a file, as the component delivers it.
    fn with_file(service_url: &str, token: &str) -> Self {
        let mut order = Self::new(service_url);
        order.file = Some(token.to_owned());
        order.with(
            "ACTIVATION_TOKEN_FILE",
            format!("{TOKEN_DIR}/activation-token"),
        )
    }

    /// With the token in the environment.
    fn with_variable(service_url: &str, token: &str) -> Self {
        Self::new(service_url).with("ACTIVATION_TOKEN", token)
    }

    fn new(service_url: &str) -> Self {
        let environment = [
            ("SERVICE_URL", service_url.to_owned()),
            ("ENVIRONMENT_ID", ENVIRONMENT_ID.to_owned()),
        ];
        Self {
            environment: environment.into(),
            file: None,
            limits: Limits::Default,
        }
    }

    /// With a variable set or changed.
    fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.environment.insert(name, value.into());
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.environment.remove(name);
        self
    }

    fn limited(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Creates the container, delivers the token, and starts it.
    fn run(self, engine: &RealEngine) -> Target<'_> {
        let variables = self.environment.iter();
        let body = json!({
            "Image": given("TEST_AGENT_IMAGE"),
            "Env": variables.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>(),
            "Volumes": {TOKEN_DIR: {}},
            "HostConfig": self.limits.host_config(),
        });
        let container = engine.foreign(&unique("agent-"), body);
        if let Some(token) = self.file {
            let path = format!("/containers/{}/archive?path={TOKEN_DIR}", container.id);
            let put = engine.call_with("PUT", &path, &TAR, &archive(&token));
            assert_eq!(put.status, 200, "{put:?}");
        }
        container.start();
        Target { engine, container }
    }
}

/// An archive with nothing but the token's file.
fn archive(token: &str) -> Vec<u8> {
    let mut header = tar::Header::new_gnu();
    header.set_mode(0o400);
    header.set_size(token.len() as u64);
    let mut archive = tar::Builder::new(Vec::new());
    archive
        .append_data(&mut header, "activation-token", token.as_bytes())
        .and_then(|()| archive.into_inner())
        .expect("memory takes it")
}

/// A container with the agent, removed when it is dropped.
struct Target<'a> {
    engine: &'a RealEngine,
    container: Foreign<'a>,
}

impl Target<'_> {
    fn path(&self, rest: &str) -> String {
        format!("/containers/{}/{rest}", self.container.id)
    }

    fn inspect(&self) -> Value {
        self.engine.inspect(&self.container.id)
    }

    /// Its output.
    fn log(&self) -> String {
        self.engine.log(&self.container.id)
    }

    /// Its standard error alone.
    fn errors(&self) -> String {
        self.engine.errors(&self.container.id)
    }

    /// Waits until the agent has begun to serve `times` times.
    fn wait_until_it_serves(&self, times: usize) {
        wait_for("the agent to serve", || {
            let log = self.log();
            (log.matches("serving").count() == times).then_some(())
        });
    }

    /// Waits for its end; returns its exit code.
    fn exit_code(&self) -> i64 {
        let state = wait_for("the end of the container", || {
            Some(self.inspect()["State"].clone()).filter(|state| state["Status"] == "exited")
        });
        state["ExitCode"].as_i64().expect("a number")
    }

    /// Asks it to end; returns its exit code.
    fn stop(&self) -> i64 {
        let asked = Instant::now();
        let stopped = self.engine.call("POST", &self.path("stop?t=30"), None);
        assert_eq!(stopped.status, 204, "{stopped:?}");
        let took = asked.elapsed();
        assert!(took < PROMPT, "{took:?}");
        self.exit_code()
    }

    /// What a shell in the container prints.
    fn shell(&self, script: &str) -> String {
        self.engine.shell(&self.container.id, script)
    }

    /// Whether the token's file is still there.
    fn has_token_file(&self) -> bool {
        let path = self.path(&format!("archive?path={TOKEN_DIR}/activation-token"));
        match self.engine.call("GET", &path, None).status {
            200 => true,
            404 => false,
            status => panic!("the Engine answers {status}"),
        }
    }

    /// Checks that users' shells do not inherit the agent's variables.
    fn check_environment_of_the_agent(&self) {
        let environment = self.shell("cat /proc/$(pidof bzero)/environ");
        assert!(environment.contains("PATH="), "{environment}");
        for name in [
            "ACTIVATION_TOKEN",
            "SERVICE_URL",
            "ENVIRONMENT_ID",
            "REGISTRATION_TIMEOUT",
            "BASTIONZERO_IN_CLUSTER",
        ] {
            assert!(!environment.contains(name), "{environment}");
        }
    }
}

/// Checks that the container ends with `code`, after a line that gives the reason.
#[track_caller]
fn check_end(target: &Target<'_>, code: i64, line: &str) {
    let ended = target.exit_code();
    let errors = target.errors();
    assert_eq!(ended, code, "{errors}");
    let own = errors.lines().filter(|line| !line.starts_with("bzero"));
    assert_eq!(own.collect::<Vec<_>>(), [format!("entrypoint: {line}")]);
}

/// Checks that the container refuses its configuration, and gives the reason.
#[track_caller]
fn check_refused(order: Order, line: &str) {
    let engine = RealEngine::given();
    let target = order.run(&engine);
    check_end(&target, 78, line);
}

/// An address that nobody uses.
const NOBODY: &str = "http://192.0.2.1:9";

#[test]
fn once_the_agent_serves_the_token_is_nowhere_and_sigterm_ends_it() {
    let engine = RealEngine::given();
    for limits in Limits::ALL {
        let service = Registration::admitting(&engine);
        let token = unique("planted-token-");
        let in_file = Order::with_file(&service.url(), &token);
        let in_variable = Order::with_variable(&service.url(), &token)
            .with("REGISTRATION_TIMEOUT", "60")
            .with("BASTIONZERO_IN_CLUSTER", "1");
        for order in [in_file, in_variable] {
            let is_in_file = order.file.is_some();
            let target = order.limited(limits).run(&engine);
            target.wait_until_it_serves(1);
            target.check_environment_of_the_agent();
            let commands = target.shell("cat /proc/[0-9]*/cmdline");
            assert!(commands.contains("bzero"), "{commands}");
            assert!(!commands.contains(&token), "{limits:?} {commands}");
            if is_in_file {
                assert!(!target.has_token_file(), "{limits:?}");
                let environments = target.shell("cat /proc/[0-9]*/environ");
                for text in [environments, target.log(), target.inspect().to_string()] {
                    assert!(!text.contains(&token), "{limits:?} {text}");
                }
            }
            // The agent always exits 1 after SIGTERM; a killed process exits 137.
            assert_eq!(target.stop(), 1, "{limits:?}");
        }
    }
}

#[test]
fn a_target_registers_once_however_often_it_restarts() {
    let engine = RealEngine::given();
    let service = Registration::admitting(&engine);
    let target = Order::with_file(&service.url(), &unique("token")).run(&engine);
    target.wait_until_it_serves(1);
    let restarted = engine.call("POST", &target.path("restart?t=30"), None);
    assert_eq!(restarted.status, 204, "{restarted:?}");
    target.wait_until_it_serves(2);
    assert_eq!(service.seen().len(), 1);
}

#[test]
fn a_target_registers_under_an_id_of_its_own() {
    let engine = RealEngine::given();
    let service = Registration::admitting(&engine);
    let token = unique("token");
    let ids = [(); 2].map(|()| {
        let target = Order::with_file(&service.url(), &token).run(&engine);
        target.wait_until_it_serves(1);
        let seen = service.seen();
        let sent = seen.last().expect("it has registered");
        assert_eq!(sent["activationToken"], token.as_str());
        assert_eq!(sent["environmentId"], ENVIRONMENT_ID);
        sent["targetId"].as_str().expect("an id").to_owned()
    });
    assert_ne!(ids[0], ids[1]);
    for id in ids {
        let parts: Vec<_> = id.split('-').map(str::len).collect();
        assert_eq!(parts, [8, 4, 4, 4, 12], "{id}");
    }
}

#[test]
fn sigterm_ends_a_target_that_registers() {
    let engine = RealEngine::given();
    for limits in Limits::ALL {
        let service = Registration::silent(&engine);
        let order = Order::with_file(&service.url(), &unique("token"));
        let target = order.limited(limits).run(&engine);
        wait_for("the registration", || {
            (!service.seen().is_empty()).then_some(())
        });
        assert_eq!(target.stop(), 143, "{limits:?}");
    }
}

#[test]
fn a_registration_that_is_refused_ends_with_77_and_without_the_token() {
    let engine = RealEngine::given();
    for limits in Limits::ALL {
        let service = Registration::refusing(&engine);
        let token = unique("planted-token-");
        let order = Order::with_file(&service.url(), &token);
        let target = order.limited(limits).run(&engine);
        check_end(
            &target,
            77,
            "no registration: the agent has ended with status 1",
        );
        assert_eq!(service.seen().len(), 1);
        assert!(!target.has_token_file());
        let log = target.log();
        assert!(!log.contains(&token), "{log}");
    }
}

#[test]
fn a_service_that_cannot_be_reached_in_time_ends_with_69() {
    let engine = RealEngine::given();
    for limits in Limits::ALL {
        let order = Order::with_file(NOBODY, &unique("token")).with("REGISTRATION_TIMEOUT", "2");
        check_end(
            &order.limited(limits).run(&engine),
            69,
            "no registration within 2 seconds; check that SERVICE_URL can be reached from here",
        );
    }
}

#[test]
fn a_configuration_that_cannot_work_is_refused_with_its_reason() {
    let of_file = || Order::with_file(NOBODY, "token");
    let of_variable = || Order::with_variable(NOBODY, "token");
    let mut without_file = of_file();
    without_file.file = None;
    check_refused(
        without_file,
        "the file that ACTIVATION_TOKEN_FILE names is missing",
    );
    for empty in ["", "\n"] {
        check_refused(
            Order::with_file(NOBODY, empty),
            "the file that ACTIVATION_TOKEN_FILE names is empty",
        );
    }
    check_refused(
        of_file().with("ACTIVATION_TOKEN", "token"),
        "only one of ACTIVATION_TOKEN_FILE and ACTIVATION_TOKEN may be set",
    );
    for (name, names) in [
        ("SERVICE_URL", "SERVICE_URL"),
        ("ENVIRONMENT_ID", "ENVIRONMENT_ID"),
        (
            "ACTIVATION_TOKEN",
            "ACTIVATION_TOKEN_FILE or ACTIVATION_TOKEN",
        ),
    ] {
        let line = format!("{names} must be set and not empty");
        check_refused(of_variable().without(name), &line);
        check_refused(of_variable().with(name, ""), &line);
    }
    for timeout in ["", "0", "010", "3601", "36000", "1m", "-1"] {
        check_refused(
            of_variable().with("REGISTRATION_TIMEOUT", timeout),
            "REGISTRATION_TIMEOUT must be a number of seconds from 1 to 3600",
        );
    }
}
