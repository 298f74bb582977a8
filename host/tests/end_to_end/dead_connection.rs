//! A connection to the Engine dies without a word, as after a firewall has lost
//! its state, while new connections work.

use test_support::engine::RealEngine;
use test_support::engine_proxy::{Auth, Files, KINDS, Program};
use test_support::own::Deployment;
use test_support::relay::Relay;
use test_support::swallowing_relay::SwallowingRelay;

/// More checks in a row than any of these tests has dead connections.
const CHECKS_MAX: usize = 4;

/// Checks the health, swallows the connections that are there, and checks again
/// until the answer is 200; `config` is added to the runtime configuration, if the
/// server has one. Returns how many checks failed, and how many
/// connections were swallowed; `None` if no check succeeded.
fn failures_after_death(
    files: Files,
    (program, auth): (Program, Auth),
    config: &str,
) -> (Option<usize>, usize) {
    let engine = RealEngine::given();
    let deployment = Deployment::new(&engine);
    let socket = files.path("docker.sock");
    let _socket = Relay::start(socket.clone(), engine.socket());
    let proxy = files.start(program, auth, socket.to_str().expect("a path of ASCII"));
    let relay = SwallowingRelay::start(proxy.address());
    let url = format!("https://localhost:{}", relay.port());
    let variables = [
        ("deployment_id", deployment.id.as_str()),
        ("docker_url", &url),
    ];
    let server = proxy.server_configured(&variables, config);
    let health = || server.call("GET", "/health", "").status;
    assert_eq!(health(), 200, "{program:?} {auth:?}");
    let swallowed = relay.swallow();
    let mut checks = (0..CHECKS_MAX).map(|_| health());
    let failures = checks.position(|status| match status {
        200 => true,
        503 | 504 => false,
        other => panic!("{program:?} {auth:?}: {other}"),
    });
    (failures, swallowed)
}

#[test]
fn behind_the_proxies_each_dead_connection_costs_one_check_at_most() {
    std::thread::scope(|scope| {
        for kind in KINDS {
            scope.spawn(move || {
                let (failures, swallowed) = failures_after_death(Files::default(), kind, "");
                let failures = failures.unwrap_or_else(|| panic!("{kind:?}: never again"));
                assert!(failures <= swallowed, "{kind:?}: {failures} of {swallowed}");
            });
        }
    });
}

#[test]
fn where_http2_is_offered_no_connection_is_kept_if_pooling_is_off() {
    let config = "[outbound_http]\nconnection_pooling = false\n";
    let files = Files::default().offering_http2();
    let (failures, _) = failures_after_death(files, (Program::Haproxy, Auth::Certificate), config);
    assert_eq!(failures, Some(0));
}
