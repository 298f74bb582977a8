//! Targets whose first process ends right after its start.

use serde_json::json;
use test_support::engine::{Kind, RealEngine};
use test_support::http::Answer;
use test_support::own::Deployment;
use test_support::server::Server;
use test_support::unique;

use crate::lifecycle::{check_done, sleeper};

/// Checks that a start, and a repeated one, report the end of the target.
#[track_caller]
fn check_ended(server: &Server, exit_code: &str) {
    let token = unique("token");
    for _ in 0..2 {
        let answer = told(server, &token);
        assert_eq!(answer.status, 409, "{answer:?}");
        let line = server.line_about(&answer);
        let error = line["error"].as_str().expect("an error");
        assert!(error.contains(exit_code), "{line}");
    }
}

/// The answer to a start, repeated while the Engine is too busy for one, which Podman reports as
/// its own failure.
fn told(server: &Server, token: &str) -> Answer {
    let mut answers = (0..5).map(|_| server.start_target(token));
    let told = answers.find(|answer| !matches!(answer.status, 502..=504));
    told.expect("one of five starts is told how its target has ended")
}

on_each_engine!(an_entry_point_that_is_missing_is_no_success);

fn an_entry_point_that_is_missing_is_no_success(engine: &RealEngine) {
    let deployment = Deployment::new(engine);
    let server = deployment.server(&[("container_patch", r#"{"Entrypoint":["/no/such/file"]}"#)]);
    let ending = of_a_missing_program(engine);
    // Many at once keep the Engine busy.
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| check_ended(&server, ending));
        }
    });
}

/// How the init process of an Engine ends without the program that it should start.
pub fn of_a_missing_program(engine: &RealEngine) -> &'static str {
    match engine.kind() {
        Kind::Docker => "exit code 127",
        Kind::Podman => "exit code 1",
    }
}

#[test]
fn an_image_whose_user_cannot_read_the_token_is_named_by_the_health_check() {
    let engine = RealEngine::given();
    let deployment = Deployment::new(&engine);
    let image = unique("nobodys");
    let model = engine.foreign(&unique("model"), sleeper(&json!({})));
    // The agent's own entry point, as another user.
    engine.commit(&model.id, &image, &["false"], "USER nobody");
    let server = |more: &[(&str, &str)]| {
        let of_nobody = [("agent_image", image.as_str())];
        deployment.server(&[&of_nobody, more].concat())
    };
    let unhealthy = server(&[]);
    let answer = unhealthy.call("GET", "/health", "");
    let line = unhealthy.line_about(&answer);
    assert_eq!(answer.status, 503, "{line}");
    let error = line["error"].as_str().expect("an error");
    assert!(error.contains("user nobody"), "{line}");
    assert!(error.contains("token_delivery"), "{line}");
    check_ended(&unhealthy, "exit code ");
    let as_root = ("container_patch", r#"{"User":"root"}"#);
    check_done(&server(&[as_root]).call("GET", "/health", ""));
    let in_environment = ("token_delivery", "env");
    check_done(&server(&[in_environment]).call("GET", "/health", ""));
    let _ = engine.try_remove_image(&image);
}
