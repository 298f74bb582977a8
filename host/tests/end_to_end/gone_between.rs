//! Removals by somebody else between two calls of a start, and a full network.

use std::sync::Mutex;

use serde_json::json;
use test_support::engine::RealEngine;
use test_support::fault_proxy::{Fault, FaultProxy};
use test_support::own::{Deployment, Network};
use test_support::server::Server;
use test_support::unique;

use crate::lifecycle::{check_done, id_of};

/// A server in front of an Engine that loses `delete` before each of these calls arrives, at most
/// `times` times.
fn pruned(
    engine: &RealEngine,
    call: (&'static str, &'static str),
    times: usize,
    delete: impl Fn(&str) -> String + Send + Sync + 'static,
) -> FaultProxy {
    let left = Mutex::new(times);
    let deleting = engine.clone();
    FaultProxy::start(engine.socket(), move |seen| {
        let mut left = left.lock().expect("no test panics with it");
        if *left > 0 && seen.method == call.0 && seen.path.contains(call.1) {
            *left -= 1;
            let id = seen.path.split('/').nth(2).expect("an id");
            let deleted = deleting.call("DELETE", &delete(id), None);
            assert_eq!(deleted.status, 204, "{deleted:?}");
        }
        Fault::None
    })
}

#[test]
fn a_container_that_is_pruned_before_it_runs_is_made_again() {
    let engine = RealEngine::given();
    for call in [("PUT", "/archive"), ("POST", "/start")] {
        let deployment = Deployment::new(&engine);
        let container = |id: &str| format!("/containers/{id}?v=true");
        let proxy = pruned(&engine, call, 2, container);
        let server_of = deployment.server_through(&proxy, &[]);
        let id = id_of(&server_of.start_target(&unique("token")));
        assert_eq!(deployment.containers(), std::slice::from_ref(&id));
        check_done(&server_of.stop_target(&id));
        let proxy = pruned(&engine, call, usize::MAX, container);
        let server_of = deployment.server_through(&proxy, &[]);
        let answer = server_of.start_target(&unique("token"));
        assert_eq!(answer.status, 503, "{answer:?}");
        assert!(answer.header("retry-after").is_some());
        assert_eq!(deployment.containers(), Vec::<String>::new());
    }
}

/// A network of these addresses.
fn network<'a>(engine: &'a RealEngine, subnet: &str) -> Network<'a> {
    let options = json!({
        "Options": {"com.docker.network.bridge.enable_icc": "false"},
        "IPAM": {"Config": [{"Subnet": subnet}]},
    });
    Network::of(engine, options)
}

#[test]
fn a_network_that_is_gone_is_told_with_the_command_that_creates_it() {
    let engine = RealEngine::given();
    let deployment = Deployment::new(&engine);
    let network = network(&engine, "10.231.7.0/29");
    let path = format!("/networks/{}", network.name);
    let proxy = pruned(&engine, ("POST", "/start"), 1, move |_| path.clone());
    let server_of = deployment.server_through(&proxy, &[("container_patch", &network.patch())]);
    check_done(&server_of.call("GET", "/health", ""));
    check_no_network(&server_of, &network.name);
    assert_eq!(deployment.containers(), Vec::<String>::new());
}

/// Checks that a start is refused because the Engine lacks this network.
#[track_caller]
pub fn check_no_network(server: &Server, network: &str) {
    let answer = server.start_target(&unique("token"));
    let line = server.line_about(&answer);
    assert_eq!(answer.status, 500, "{line}");
    let error = line["error"].as_str().expect("an error");
    assert!(error.contains("docker network create"), "{line}");
    assert!(error.ends_with(network), "{line}");
}

#[test]
fn a_network_that_is_full_has_no_room() {
    let engine = RealEngine::given();
    let deployment = Deployment::new(&engine);
    // One address for the gateway and one for a target.
    let network = network(&engine, "10.231.8.0/30");
    let patch = network.patch();
    let server = deployment.server(&[("container_patch", &patch)]);
    let id = id_of(&server.start_target(&unique("token")));
    let answer = server.start_target(&unique("token"));
    let line = server.line_about(&answer);
    assert_eq!(answer.status, 429, "{line}");
    assert!(answer.header("retry-after").is_some());
    let error = line["error"].as_str().expect("an error");
    assert!(error.contains("no available IPv4 addresses"), "{line}");
    assert_eq!(deployment.containers(), std::slice::from_ref(&id));
    check_done(&server.stop_target(&id));
}
