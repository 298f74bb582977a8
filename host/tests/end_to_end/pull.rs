//! Missing images: pulled from real registries, and from failing ones.

use test_support::free_address;
use test_support::prelude::*;
use test_support::registry::{PASSWORD, Registry, auth_for};

use crate::lifecycle::of_a_missing_program;

/// The image has no program. The Engine starts its own init, which ends at once.
const PATCH: &str = r#"{"Cmd":["none"]}"#;

/// What the log says of an image that its registry does not give.
const REFUSED: &str = "cannot be pulled from its registry";

fn server(deployment: &Deployment, image: &str, auth: &str) -> Server {
    deployment.server(&[
        ("container_patch", PATCH),
        ("agent_image", image),
        ("registry_auth", auth),
    ])
}

on_each_engine!(
    a_missing_image_is_pulled_by_a_start_and_by_a_health_check,
    a_registry_is_shown_its_credentials_and_what_it_does_not_give_is_told,
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

/// Checks that a start and a health check fail for this reason, and that neither pull is continued
/// after its answer.
#[track_caller]
fn check_not_had(server: &Server, status: u16, reason: &str) {
    check_refused(server, status, reason);
    server.check_failed(&server.health(), 503, reason);
    assert_eq!(server.log().len(), 2, "{:?}", server.log());
}

fn a_missing_image_is_pulled_by_a_start_and_by_a_health_check(engine: &RealEngine) {
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
            server.stop_target(&id).check_done();
        }
        registry.forget_image(engine);
        engine.discard(&format!("/images/{}?force=true", registry.reference(&rest)));
    }
    let server = server(&deployment, &registry.reference("team/agent:1"), "");
    server.health().check_done();
    server.wait_for_line("pull 200");
    registry.forget_image(engine);
}

fn a_registry_is_shown_its_credentials_and_what_it_does_not_give_is_told(engine: &RealEngine) {
    let deployment = Deployment::new(engine);
    let registry = Registry::closed_at(free_address());
    registry.hold_image();
    let auth = registry.auth();
    let wrong_digest = format!("team/agent@sha256:{}", "0".repeat(64));
    for (rest, auth) in [
        ("team/agent:2", &*auth),
        ("team/other:1", &auth),
        (&wrong_digest, &auth),
        ("team/agent:1", ""),
        // Credentials for another registry are not sent to this one.
        ("team/agent:1", &auth_for("other.example.com")),
    ] {
        let server = server(&deployment, &registry.reference(rest), auth);
        check_not_had(&server, 500, REFUSED);
    }
    deployment.check_empty();
    let server = server(&deployment, &registry.reference("team/agent:1"), &auth);
    check_made(engine, &server);
    drop(deployment);
    registry.forget_image(engine);
}

fn a_registry_that_is_down_is_502_and_one_that_hangs_is_503(engine: &RealEngine) {
    let deployment = Deployment::new(engine);
    let down = server(&deployment, "127.0.0.1:1/team/agent:1", "");
    check_refused(&down, 502, "failed");
    let silent = FakeEngine::start(|_| Reply::Silence);
    let image = format!("{}/team/agent:1", silent.address());
    check_not_had(&server(&deployment, &image, ""), 503, "makes no progress");
    deployment.check_empty();
}
