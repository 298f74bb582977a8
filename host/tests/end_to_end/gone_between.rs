//! Removals by somebody else between two calls of a start, and a full network.

use std::sync::Mutex;

use serde_json::json;
use test_support::engine::RealEngine;
use test_support::fault_proxy::{Fault, FaultProxy};
use test_support::own::{Deployment, Network};
use test_support::unique;

use crate::lifecycle::{check_done, id_of};

/// An Engine that loses a container before each of these calls arrives, at most `times` times.
fn pruned(engine: &RealEngine, call: (&'static str, &'static str), times: usize) -> FaultProxy {
    let left = Mutex::new(times);
    let deleting = engine.clone();
    FaultProxy::start(engine.socket(), move |seen| {
        let mut left = left.lock().expect("no test panics with it");
        if *left > 0 && seen.method == call.0 && seen.path.contains(call.1) {
            *left -= 1;
            let id = seen.path.split('/').nth(2).expect("an id");
            deleting.try_remove(id).expect("it is there");
        }
        Fault::None
    })
}

#[test]
fn a_container_that_is_pruned_before_it_runs_is_made_again() {
    let engine = RealEngine::given();
    for call in [("PUT", "/archive"), ("POST", "/start")] {
        let deployment = Deployment::new(&engine);
        let proxy = pruned(&engine, call, 2);
        let server_of = deployment.server_through(&proxy, &[]);
        let id = id_of(&server_of.start_target(&unique("token")));
        assert_eq!(deployment.containers(), std::slice::from_ref(&id));
        check_done(&server_of.stop_target(&id));
        let proxy = pruned(&engine, call, usize::MAX);
        let server_of = deployment.server_through(&proxy, &[]);
        let answer = server_of.start_target(&unique("token"));
        assert_eq!(answer.status, 503, "{answer:?}");
        assert!(answer.header("retry-after").is_some());
        assert_eq!(deployment.containers(), Vec::<String>::new());
    }
}

#[test]
fn a_network_that_is_full_has_no_room() {
    let engine = RealEngine::given();
    let deployment = Deployment::new(&engine);
    // One address for the gateway and one for a target.
    let options = json!({
        "Options": {"com.docker.network.bridge.enable_icc": "false"},
        "IPAM": {"Config": [{"Subnet": "10.231.8.0/30"}]},
    });
    let network = Network::of(&engine, options);
    let patch = network.patch();
    let server = deployment.server(&[("container_patch", &patch)]);
    let id = id_of(&server.start_target(&unique("token")));
    let answer = server.start_target(&unique("token"));
    server.check_failed(&answer, 429, "no available IPv4 addresses");
    assert!(answer.header("retry-after").is_some());
    assert_eq!(deployment.containers(), std::slice::from_ref(&id));
    check_done(&server.stop_target(&id));
}
