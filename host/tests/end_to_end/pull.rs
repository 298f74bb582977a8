//! Missing images: pulled from real registries, and from failing ones.

use test_support::engine::RealEngine;
use test_support::fake_engine::{FakeEngine, Reply};
use test_support::own::Deployment;
use test_support::registry::{PASSWORD, Registry, auth_for};
use test_support::server::Server;
use test_support::unique;

use crate::dead_at_once::of_a_missing_program;
use crate::lifecycle::check_done;

/// The image has no program. The Engine starts its own init, which ends at once.
const PATCH: &str = r#"{"Cmd":["none"]}"#;

/// What the log says of an image that its registry does not give.
const REFUSED: &str = "cannot be pulled from its registry";

fn server(deployment: &Deployment<'_>, image: &str, auth: &str) -> Server {
    deployment.server(&[
        ("container_patch", PATCH),
        ("agent_image", image),
        ("registry_auth", auth),
    ])
}

on_each_engine!(
    a_missing_image_is_pulled_by_a_start,
    an_image_that_the_registry_does_not_have_is_told,
    a_registry_that_asks_is_shown_the_credentials,
    a_health_check_pulls_a_missing_image,
    a_registry_that_is_down_is_502_and_one_that_hangs_is_503,
);

/// Checks that a start has made a container of the image, which has ended.
#[track_caller]
fn check_made(engine: &RealEngine, server: &Server) {
    check_refused(server, 409, of_a_missing_program(engine));
}

/// Checks that a start is refused for this reason.
#[track_caller]
fn check_refused(server: &Server, status: u16, reason: &str) {
    let answer = server.start_target(&unique("token"));
    server.check_failed(&answer, status, reason);
    assert!(!server.log().join("\n").contains(PASSWORD));
    let is_told = answer.header("retry-after").is_some();
    assert_eq!(is_told, status == 503);
}

fn a_missing_image_is_pulled_by_a_start(engine: &RealEngine) {
    let deployment = Deployment::new(engine);
    let registry = Registry::open();
    let digest = registry.hold_image();
    for rest in ["team/agent:1".to_owned(), format!("team/agent@{digest}")] {
        let server = server(&deployment, &registry.reference(&rest), "");
        check_made(engine, &server);
        let log = server.log().join("\n");
        assert!(log.contains("pull 200"), "{log}");
        check_made(engine, &server);
        for id in deployment.containers() {
            check_done(&server.stop_target(&id));
        }
        registry.forget_image(engine);
        let _ = engine.try_remove_image(&registry.reference(&rest));
    }
}

fn an_image_that_the_registry_does_not_have_is_told(engine: &RealEngine) {
    let deployment = Deployment::new(engine);
    let registry = Registry::open();
    registry.hold_image();
    let wrong_digest = format!("team/agent@sha256:{}", "0".repeat(64));
    for rest in ["team/agent:2", "team/other:1", &wrong_digest] {
        let server = server(&deployment, &registry.reference(rest), "");
        check_refused(&server, 500, REFUSED);
        let answer = server.call("GET", "/health", "");
        server.check_failed(&answer, 503, REFUSED);
        // Neither pull is continued after its answer.
        assert_eq!(server.log().len(), 2, "{:?}", server.log());
    }
    assert_eq!(deployment.containers(), Vec::<String>::new());
}

fn a_registry_that_asks_is_shown_the_credentials(engine: &RealEngine) {
    let deployment = Deployment::new(engine);
    let registry = Registry::closed();
    registry.hold_image();
    let image = registry.reference("team/agent:1");
    let without = server(&deployment, &image, "");
    check_refused(&without, 500, REFUSED);
    // Credentials for another registry are not sent to this one.
    let other = server(&deployment, &image, &auth_for("other.example.com"));
    check_refused(&other, 500, REFUSED);
    let with = server(&deployment, &image, &registry.auth());
    check_made(engine, &with);
    drop(deployment);
    registry.forget_image(engine);
}

fn a_health_check_pulls_a_missing_image(engine: &RealEngine) {
    let deployment = Deployment::new(engine);
    let registry = Registry::open();
    registry.hold_image();
    let image = registry.reference("team/agent:1");
    let server = server(&deployment, &image, "");
    check_done(&server.call("GET", "/health", ""));
    server.wait_for_line("pull 200");
    registry.forget_image(engine);
}

fn a_registry_that_is_down_is_502_and_one_that_hangs_is_503(engine: &RealEngine) {
    let deployment = Deployment::new(engine);
    let down = server(&deployment, "127.0.0.1:1/team/agent:1", "");
    check_refused(&down, 502, "failed");
    let silent = FakeEngine::start(|_| Reply::Silence);
    let image = format!(
        "{}/team/agent:1",
        silent.url().trim_start_matches("http://")
    );
    let hanging = server(&deployment, &image, "");
    check_refused(&hanging, 503, "makes no progress");
    let unhealthy = hanging.call("GET", "/health", "");
    hanging.check_failed(&unhealthy, 503, "makes no progress");
    // Neither is continued after its answer.
    assert_eq!(hanging.log().len(), 2, "{:?}", hanging.log());
    assert_eq!(deployment.containers(), Vec::<String>::new());
}
