//! A connection to the Engine dies silently, as after a firewall has lost its state, while new
//! connections work.

use test_support::engine::RealEngine;
use test_support::engine_proxy::{Auth, Files, KINDS, Program};
use test_support::own::Deployment;
use test_support::relay::SwallowingRelay;
use test_support::wait::wait_for;

/// How many connections are dead. Each of them costs a call the whole time of a look.
const CONNECTIONS: usize = 4;

/// Checks the health several times at once, swallows the connections that are there, and
/// checks again. `config` is added to the runtime configuration. Returns whether a call
/// of the last check met a dead connection.
fn meets_a_dead_connection(files: Files, (program, auth): (Program, Auth), config: &str) -> bool {
    let engine = RealEngine::given();
    let deployment = Deployment::new(&engine);
    let proxy = files.start_on(program, auth, &engine);
    let relay = SwallowingRelay::start(proxy.address());
    let url = format!("https://localhost:{}", relay.port());
    let variables = [
        ("deployment_id", deployment.id.as_str()),
        ("docker_url", &url),
    ];
    let server = proxy.server_configured(&variables, config);
    let health = || {
        let status = server.call("GET", "/health", "").status;
        assert_eq!(status, 200, "{program:?} {auth:?}");
    };
    std::thread::scope(|scope| {
        for _ in 0..CONNECTIONS {
            scope.spawn(health);
        }
    });
    relay.swallow();
    health();
    let of_checks = || {
        let lines = server.log().into_iter();
        let lines: Vec<_> = lines.filter(|line| line.contains("/health")).collect();
        (lines.len() > CONNECTIONS).then_some(lines)
    };
    let lines = wait_for("the lines of all checks", of_checks);
    lines.iter().any(|line| line.contains(" failed "))
}

#[test]
fn dead_connections_fail_no_check() {
    std::thread::scope(|scope| {
        for kind in KINDS {
            scope.spawn(move || {
                let meets = meets_a_dead_connection(Files::default(), kind, "");
                assert!(meets, "{kind:?}");
            });
        }
    });
}

#[test]
fn a_dead_connection_of_http2_fails_no_check() {
    let files = Files::default().offering_http2();
    let kind = (Program::Haproxy, Auth::Certificate);
    assert!(meets_a_dead_connection(files, kind, ""));
}

#[test]
fn no_connection_is_kept_if_pooling_is_off() {
    let config = "[outbound_http]\nconnection_pooling = false\n";
    let files = Files::default().offering_http2();
    let kind = (Program::Haproxy, Auth::Certificate);
    assert!(!meets_a_dead_connection(files, kind, config));
}
