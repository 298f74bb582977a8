//! Whole visits: a stand-in for BastionZero's service, the shipped component, a real Engine, and agents that register,
//! come online, and go offline.

use std::net::SocketAddr;
use std::time::Duration;

use stand_in_service::{Service, Target, WebhookError, Webhooks, story};
use test_support::engine::RealEngine;
use test_support::markdown;
use test_support::own::Deployment;
use test_support::server::{SECRET, Server};
use test_support::wait::wait_until;

/// How long anything may take on a busy machine with two cores.
const PATIENCE: Duration = Duration::from_secs(30);

/// The secret that replaces [`SECRET`] when it is rotated.
const NEXT_SECRET: &str = "dGhlIG5leHQgc2VjcmV0IG9mIHRoZSB0ZXN0cw==";

/// The network that targets join.
const NETWORK: &str = "dynamic-access";

/// The set-up of a visit: a deployment on an Engine, and the service that its agents reach.
struct Stage {
    deployment: Deployment,
    service: Service,
}

impl Stage {
    fn new() -> Self {
        let deployment = Deployment::given();
        let address = SocketAddr::from((deployment.engine.gateway(NETWORK), 0));
        Self {
            deployment,
            service: Service::listen(address).expect("the gateway is an address of this machine"),
        }
    }

    /// A server of this deployment that accepts these secrets.
    fn server(&self, secrets: &str) -> Server {
        let urls = ("service_urls", self.service.url());
        self.deployment.server(&[("webhook_secret", secrets), urls])
    }

    /// A target that is online.
    fn online(&self, webhooks: &Webhooks) -> Target<'_> {
        let target = Target::start(webhooks, &self.service).expect("it starts");
        target.wait_until_online(PATIENCE).expect("it registers");
        check_session(&target);
        target
    }

    #[track_caller]
    fn check_gone(&self, target: &Target) {
        target.wait_until_offline(PATIENCE).expect("it is offline");
        self.deployment.check_empty();
    }
}

fn webhooks(server: &Server, secret: &str) -> Webhooks {
    Webhooks::new(server.address(), secret)
}

#[track_caller]
fn check_session(target: &Target) {
    let said = target.say("are you there?");
    assert_eq!(said.ok().as_deref(), Some("are you there?"));
}

#[track_caller]
fn check_offline(target: &Target) {
    target.wait_until_offline(PATIENCE).expect("it is offline");
    assert!(target.say("are you there?").is_err());
}

/// The steps of the demo that the README shows, without their times.
fn steps_of_the_readme() -> Vec<String> {
    let demo = markdown::block(include_str!("../../../README.md"), "text", "");
    let steps = demo.lines().filter_map(|line| line.split_once(" s  "));
    steps.map(|(_, step)| without_id(step)).collect()
}

/// A step with another word in place of a target's id, which differs in each visit.
fn without_id(step: &str) -> String {
    let is_id = |word: &str| word.len() == 12 && word.bytes().all(|it| it.is_ascii_hexdigit());
    let words = step
        .split(' ')
        .map(|word| if is_id(word) { "ID" } else { word });
    Vec::from_iter(words).join(" ")
}

#[test]
fn a_visit_goes_as_the_readme_shows_it() {
    let stage = Stage::new();
    let server = stage.server(SECRET);
    let mut steps = Vec::new();
    let webhooks = webhooks(&server, SECRET);
    story::tell(&webhooks, &stage.service, |step| {
        steps.push(step.to_owned());
    })
    .expect("the story comes to its end");
    let told: Vec<_> = steps.iter().map(|step| without_id(step)).collect();
    assert_eq!(told, steps_of_the_readme());
    stage.deployment.check_empty();
}

#[test]
fn a_target_whose_agent_cannot_register_never_comes_online_and_is_stopped_all_the_same() {
    let stage = Stage::new();
    let server = stage.server(SECRET);
    let webhooks = webhooks(&server, SECRET);
    // An agent that ended at once would fail the start.
    stage.service.keep_registrations_waiting();
    let target = Target::start(&webhooks, &stage.service).expect("it starts");
    stage.service.refuse_registrations();
    wait_until("the end of the container", || {
        stage.deployment.engine.state(target.unique_id()).as_deref() == Some("exited")
    });
    let error = target.wait_until_online(Duration::ZERO);
    let error = error.expect_err("nobody registers").to_string();
    assert!(error.contains("has not registered"), "{error}");
    target.stop(&webhooks).expect("it is stopped");
    stage.check_gone(&target);
}

#[test]
fn a_target_that_dies_or_is_removed_under_its_session_goes_offline_and_is_stopped_all_the_same() {
    let engine = RealEngine::given();
    let remove = |id: &str| engine.try_remove(id).expect("a container");
    for befalls in [&(|id: &str| engine.kill(id)) as &dyn Fn(&str), &remove] {
        let stage = Stage::new();
        let server = stage.server(SECRET);
        let webhooks = webhooks(&server, SECRET);
        let target = stage.online(&webhooks);
        befalls(target.unique_id());
        check_offline(&target);
        target.stop(&webhooks).expect("it is stopped");
        stage.check_gone(&target);
    }
}

#[test]
fn a_session_outlasts_the_rotation_of_the_secret() {
    let stage = Stage::new();
    let while_rotating = stage.server(&format!("{SECRET} {NEXT_SECRET}"));
    let target = stage.online(&webhooks(&while_rotating, SECRET));
    let health = webhooks(&while_rotating, NEXT_SECRET).health();
    health.expect("either secret opens while rotating");

    let rotated = stage.server(NEXT_SECRET);
    let refused = target.stop(&webhooks(&rotated, SECRET));
    let is_refused = matches!(refused, Err(WebhookError::Refused { status: 401, .. }));
    assert!(is_refused, "{refused:?}");
    check_session(&target);

    let stopped = target.stop(&webhooks(&rotated, NEXT_SECRET));
    stopped.expect("the new secret opens");
    stage.check_gone(&target);
}
