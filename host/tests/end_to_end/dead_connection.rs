//! A connection to the Engine dies silently, as after a firewall has lost its state, while new
//! connections work.

use test_support::engine_proxy::{EngineProxy, Files, KINDS};
use test_support::prelude::*;
use test_support::relay::SwallowingRelay;

/// How many connections are dead. Each of them costs a call the whole time of a look.
const CONNECTIONS: usize = 4;

/// Checks the health several times at once, swallows the connections that are there, and
/// checks again. `config` is added to the runtime configuration. Returns whether a call
/// of the last check met a dead connection.
fn meets_a_dead_connection(proxy: &EngineProxy, config: &str) -> bool {
    let deployment = Deployment::given();
    let relay = SwallowingRelay::start(proxy.address);
    let url = format!("https://localhost:{}", relay.port());
    let variables = deployment.variables(&[("docker_url", &url)]);
    let server = proxy.server_configured(&variables, config);
    let health = || server.health().check_done();
    at_once(CONNECTIONS, |_| health());
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
    let engine = RealEngine::given();
    at_once(KINDS.len(), |number| {
        let kind = KINDS[number];
        let proxy = Files::default().start_on(kind, &engine);
        let meets = meets_a_dead_connection(&proxy, "");
        assert!(meets, "{kind:?}");
    });
}

#[test]
fn over_http2_a_dead_connection_fails_no_check_and_none_is_kept_if_pooling_is_off() {
    let engine = RealEngine::given();
    let proxy = Files::default().start_with_http2(&engine);
    assert!(meets_a_dead_connection(&proxy, ""));
    let config = "[outbound_http]\nconnection_pooling = false\n";
    assert!(!meets_a_dead_connection(&proxy, config));
}
