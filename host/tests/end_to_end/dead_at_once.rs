//! Targets whose first process ends right after its start.

use test_support::at_once::at_once;
use test_support::engine::RealEngine;
use test_support::own::Deployment;
use test_support::server::Server;
use test_support::unique;

/// Checks that a start, and a repeated one, report the end of the target. They are repeated while
/// the Engine is too busy for an answer, which Podman reports as its own failure.
#[track_caller]
fn check_ended(server: &Server, exit_code: &str) {
    let token = unique("token");
    for _ in 0..2 {
        let mut answers = (0..5).map(|_| server.start_target(&token));
        let told = answers.find(|answer| !matches!(answer.status, 502..=504));
        let told = told.expect("one of five starts is told how its target has ended");
        server.check_failed(&told, 409, exit_code);
    }
}

on_each_engine!(an_entry_point_that_is_missing_is_no_success_and_not_run_again);

fn an_entry_point_that_is_missing_is_no_success_and_not_run_again(engine: &RealEngine) {
    let deployment = Deployment::new(engine);
    let server = deployment.server(&[("container_patch", r#"{"Entrypoint":["/no/such/file"]}"#)]);
    let ending = of_a_missing_program(engine);
    // Many at once keep the Engine busy.
    at_once(8, |_| check_ended(&server, ending));
    for id in deployment.containers() {
        assert_eq!(engine.state(&id).as_deref(), Some("exited"));
    }
}

/// How the init process of an Engine ends without the program that it should start.
pub fn of_a_missing_program(engine: &RealEngine) -> &'static str {
    engine.either("exit code 127", "exit code 1")
}
