//! Missing images: pulled from real registries, and from failing ones.

use serde_json::json;
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
    a_health_check_names_what_the_registry_refuses_and_pulls_no_longer,
    a_registry_that_is_down_is_502_and_one_that_hangs_is_503,
    a_registry_that_dies_in_the_middle_leaves_nothing,
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
    assert_eq!(answer.status, status, "{answer:?}");
    let error = server.line_about(&answer)["error"].to_string();
    assert!(error.contains(reason), "{error}");
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
        check_refused(&server, 500, "cannot be pulled from its registry");
    }
    assert_eq!(deployment.containers(), Vec::<String>::new());
}

fn a_registry_that_asks_is_shown_the_credentials(engine: &RealEngine) {
    let deployment = Deployment::new(engine);
    let registry = Registry::closed();
    registry.hold_image();
    let image = registry.reference("team/agent:1");
    let without = server(&deployment, &image, "");
    check_refused(&without, 500, "cannot be pulled from its registry");
    // Credentials for another registry are not sent to this one.
    let other = server(&deployment, &image, &auth_for("other.example.com"));
    check_refused(&other, 500, "cannot be pulled from its registry");
    let with = server(&deployment, &image, &registry.auth());
    check_made(engine, &with);
    assert!(!with.log().join("\n").contains(PASSWORD));
    for id in deployment.containers() {
        check_done(&with.stop_target(&id));
    }
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

fn a_health_check_names_what_the_registry_refuses_and_pulls_no_longer(engine: &RealEngine) {
    let deployment = Deployment::new(engine);
    let registry = Registry::open();
    registry.hold_image();
    let image = registry.reference("team/other:1");
    let server = server(&deployment, &image, "");
    for _ in 0..2 {
        let answer = server.call("GET", "/health", "");
        let line = server.line_about(&answer);
        assert_eq!(answer.status, 503, "{line}");
        let error = line["error"].as_str().expect("an error");
        assert!(
            error.contains("cannot be pulled from its registry"),
            "{line}"
        );
    }
    assert_eq!(server.log().len(), 2, "{:?}", server.log());
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
    assert_eq!(unhealthy.status, 503);
    let line = hanging.line_about(&unhealthy).to_string();
    assert!(line.contains("makes no progress"), "{line}");
    // Neither is continued after its answer.
    assert_eq!(hanging.log().len(), 2, "{:?}", hanging.log());
    assert_eq!(deployment.containers(), Vec::<String>::new());
}

fn a_registry_that_dies_in_the_middle_leaves_nothing(engine: &RealEngine) {
    let deployment = Deployment::new(engine);
    // The manifest is complete; only half of the layer is sent.
    let digest = format!("sha256:{}", "1".repeat(64));
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
        "config": {
            "mediaType": "application/vnd.docker.container.image.v1+json",
            "size": 1000, "digest": digest,
        },
        "layers": [{
            "mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip",
            "size": 100_000, "digest": digest,
        }],
    });
    let manifest = manifest.to_string();
    let dying = FakeEngine::start(move |line| {
        if line.contains("/manifests/") {
            let kind = "application/vnd.docker.distribution.manifest.v2+json";
            Reply::answer("200 OK", kind, &manifest)
        } else if line.contains("/blobs/") {
            Reply::Bytes(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{".to_vec())
        } else {
            Reply::json("200 OK", "{}")
        }
    });
    let image = format!("{}/team/agent:1", dying.url().trim_start_matches("http://"));
    let server = server(&deployment, &image, "");
    let answer = server.start_target(&unique("token"));
    // Some Engines keep trying for a while, others give up at once.
    assert!(matches!(answer.status, 502 | 503), "{answer:?}");
    assert_eq!(deployment.containers(), Vec::<String>::new());
}
