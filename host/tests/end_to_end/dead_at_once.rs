//! Targets whose first process ends right after its start.

use test_support::engine::{Kind, RealEngine};
use test_support::http::Answer;
use test_support::own::{Deployment, Image};
use test_support::server::Server;
use test_support::unique;

use crate::lifecycle::check_done;

/// Checks that a start, and a repeated one, report the end of the target.
#[track_caller]
fn check_ended(server: &Server, exit_code: &str) {
    let token = unique("token");
    for _ in 0..2 {
        let answer = told(server, &token);
        server.check_failed(&answer, 409, exit_code);
    }
}

/// The answer to a start, repeated while the Engine is too busy for one, which Podman reports as
/// its own failure.
fn told(server: &Server, token: &str) -> Answer {
    let mut answers = (0..5).map(|_| server.start_target(token));
    let told = answers.find(|answer| !matches!(answer.status, 502..=504));
    told.expect("one of five starts is told how its target has ended")
}

on_each_engine!(an_entry_point_that_is_missing_is_no_success_and_not_run_again);

fn an_entry_point_that_is_missing_is_no_success_and_not_run_again(engine: &RealEngine) {
    let deployment = Deployment::new(engine);
    let server = deployment.server(&[("container_patch", r#"{"Entrypoint":["/no/such/file"]}"#)]);
    let ending = of_a_missing_program(engine);
    // Many at once keep the Engine busy.
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| check_ended(&server, ending));
        }
    });
    let states = deployment
        .containers()
        .into_iter()
        .map(|id| engine.state(&id));
    assert!(
        states
            .clone()
            .all(|state| state.as_deref() == Some("exited"))
    );
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
    let image = Image::of_agent(&engine, &["false"], "USER nobody");
    let server = |more: &[(&str, &str)]| {
        let of_nobody = [("agent_image", image.name.as_str())];
        deployment.server(&[&of_nobody, more].concat())
    };
    let unhealthy = server(&[]);
    let answer = unhealthy.call("GET", "/health", "");
    for words in ["user nobody", "token_delivery"] {
        unhealthy.check_failed(&answer, 503, words);
    }
    check_ended(&unhealthy, "exit code ");
    let as_root = ("container_patch", r#"{"User":"root"}"#);
    check_done(&server(&[as_root]).call("GET", "/health", ""));
    let in_environment = ("token_delivery", "env");
    check_done(&server(&[in_environment]).call("GET", "/health", ""));
}
