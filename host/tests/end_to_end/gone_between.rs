//! Removals by somebody else between two calls of a start, and a full network.

use std::sync::Mutex;

use serde_json::json;
use test_support::engine::RealEngine;
use test_support::fake_engine::FakeEngine;
use test_support::fault_proxy::{Fault, container_of};
use test_support::own::Deployment;
use test_support::unique;

/// An Engine that loses a container before a call like this arrives, at most `times` times.
fn pruned(engine: &RealEngine, call: &'static str, times: usize) -> FakeEngine {
    let left = Mutex::new(times);
    let deleting = engine.clone();
    FakeEngine::before(engine.socket(), move |seen| {
        let mut left = left.lock().expect("no test panics with it");
        if *left > 0 && seen.contains(call) {
            *left -= 1;
            let removed = deleting.try_remove(container_of(seen));
            removed.expect("it is there");
        }
        Fault::None
    })
}

#[test]
fn a_container_that_is_pruned_before_it_runs_is_made_again() {
    for call in ["/archive?", "/start"] {
        let deployment = Deployment::given();
        let proxy = pruned(&deployment.engine, call, 2);
        let server_of = deployment.server_through(&proxy, &[]);
        let id = server_of.started();
        deployment.check_has(&[&id]);
        server_of.stop_target(&id).check_done();
        let proxy = pruned(&deployment.engine, call, usize::MAX);
        let server_of = deployment.server_through(&proxy, &[]);
        let answer = server_of.start_target(&unique("token"));
        answer.check_come_again(503);
        deployment.check_empty();
    }
}

#[test]
fn a_network_that_is_full_has_no_room() {
    let deployment = Deployment::given();
    // One address for the gateway and one for a target.
    let options = json!({
        "Options": {"com.docker.network.bridge.enable_icc": "false"},
        "IPAM": {"Config": [{"Subnet": "10.231.8.0/30"}]},
    });
    let network = deployment.engine.network_of(options);
    let patch = network.patch();
    let server = deployment.server(&[("container_patch", &patch)]);
    let id = server.started();
    let answer = server.start_target(&unique("token"));
    server.check_failed(&answer, 429, "no available IPv4 addresses");
    answer.check_come_again(429);
    deployment.check_has(&[&id]);
    server.stop_target(&id).check_done();
}
