//! The shipped component on Podman's Docker-compatible service, from a
//! target's start to its stop.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::lifecycle::{check_done, id_of, sleeper};
use crate::support::engine::{Deployment, RealEngine};
use crate::support::podman::podman;
use crate::support::server::Server;
use crate::support::unique;

/// A server whose targets have no network: Podman's would add rules to this
/// machine's firewall.
fn server(podman: &RealEngine, deployment: &Deployment<'_>) -> Server {
    let without_network = r#"{"HostConfig":{"NetworkMode":"none"}}"#;
    let variables = [
        ("deployment_id", deployment.id.as_str()),
        ("container_patch", without_network),
    ];
    Server::with(podman, &variables)
}

#[test]
fn podman_runs_targets_from_their_start_to_their_stop() {
    let podman = podman();
    let deployment = Deployment::new(&podman);
    let server = server(&podman, &deployment);
    check_done(&server.call("GET", "/health", ""));
    let foreign = podman.foreign(&unique("foreign-"), sleeper(&json!({})));
    foreign.start();
    let token = unique("token");
    let id = id_of(&server.start_target(&token));
    assert_eq!(podman.state(&id).as_deref(), Some("running"));
    assert_eq!(id_of(&server.start_target(&token)), id);
    assert_eq!(deployment.containers(), std::slice::from_ref(&id));
    assert_eq!(server.stop_target(&foreign.id).status, 404);
    // Podman asks a container to end before it kills it, and waits for the
    // container's own stop timeout.
    let asked = Instant::now();
    check_done(&server.stop_target(&id));
    assert!(asked.elapsed() < Duration::from_secs(12));
    assert_eq!(podman.state(&id), None);
    check_done(&server.stop_target(&id));
    assert_eq!(server.call("POST", "/reap", "").status, 200);
    assert_eq!(podman.state(&foreign.id).as_deref(), Some("running"));
    assert_eq!(deployment.containers(), Vec::<String>::new());
}

#[test]
fn starts_with_one_token_at_two_hosts_make_one_container_in_podman() {
    let podman = podman();
    let deployment = Deployment::new(&podman);
    let hosts = [(); 2].map(|()| server(&podman, &deployment));
    let token = unique("token");
    let mut ids = std::thread::scope(|scope| {
        let starts = [0, 1, 0, 1, 0, 1].map(|host: usize| {
            let (host, token) = (&hosts[host], &token);
            scope.spawn(move || id_of(&host.start_target(token)))
        });
        starts.map(|start| start.join().expect("an id")).to_vec()
    });
    ids.dedup();
    assert_eq!(ids, deployment.containers());
    assert_eq!(ids.len(), 1);
}
