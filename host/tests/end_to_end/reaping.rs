//! Removals by the server on its own, on a real Engine.

use std::sync::{Arc, Mutex};

use serde_json::json;
use test_support::engine::RealEngine;
use test_support::fault_proxy::{Fault, FaultProxy};
use test_support::own::Deployment;
use test_support::wait::wait_for;

use crate::lifecycle::{check_done, sleeper};

#[test]
fn containers_that_cannot_be_removed_do_not_keep_the_others() {
    let engine = RealEngine::given();
    let deployment = Deployment::new(&engine);
    let stuck = Arc::new(Mutex::new(Vec::<String>::new()));
    let refused = stuck.clone();
    let proxy = FaultProxy::start(engine.socket(), move |call| {
        let refused = refused.lock().expect("no test panics with it");
        if call.method == "DELETE" && refused.iter().any(|id| call.path.contains(id)) {
            return Fault::AnsweredBefore(500, r#"{"message":"device or resource busy"}"#);
        }
        Fault::None
    });
    let due = |number: usize| {
        let name = format!("{}-{number}", deployment.id);
        let labels = json!({
            "dynamic-access.deployment": deployment.id,
            "dynamic-access.name": name,
            "dynamic-access.start-within": "0",
        });
        engine.foreign(&name, sleeper(&labels))
    };
    // Those that cannot be removed are the oldest.
    let others: Vec<_> = (0..6).map(due).collect();
    let ids = others.iter().map(|other| other.id.clone());
    stuck.lock().expect("no test panics with it").extend(ids);
    let fine: Vec<_> = (6..9).map(due).collect();
    let server = deployment.server_through(&proxy, &[]);
    wait_for("the removal of the others", || {
        check_done(&server.call("GET", "/health", ""));
        let left = fine.iter().filter(|one| engine.state(&one.id).is_some());
        (left.count() == 0).then_some(())
    });
    assert!(others.iter().all(|one| engine.state(&one.id).is_some()));
}
