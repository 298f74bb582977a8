//! Between the component and the managers: a proxy, and another clock.

use std::net::SocketAddr;

use test_support::engine_proxy::{EngineProxy, Files, SWARM_KINDS};
use test_support::free_address;
use test_support::managers::{Managers, NAME};
use test_support::prelude::*;
use test_support::program::Program;

use crate::nodes::{must, nodes};
use crate::stage::{Stage, agreed, start_in_the_end, start_whatever_is_told, stop_in_the_end};

/// The proxies of `deploy/swarm`, one for each way to know its callers.
pub fn behind_a_proxy_targets_come_and_go_also_without_the_leader(stage: &Stage<'_>) {
    let addresses: Vec<_> = nodes().map(|node| stage.swarm.address(node)).collect();
    let managers = Managers::start(NAME, &addresses);
    let proxies =
        SWARM_KINDS.map(|kind| Files::default().start_before(kind, &managers, &managers.addresses));
    let server = |proxy: &EngineProxy| stage.with_variables(|own| proxy.server(own));
    let servers = proxies.each_ref().map(server);
    let start = |server: &Server| start_in_the_end(server, &unique("token"));
    let mut ids = Vec::from(servers.each_ref().map(start));
    let leader = stage.leader();
    must(stage.swarm.kill(leader));
    ids.extend(servers.iter().map(start_whatever_is_told));
    stage.swarm.restart_without_networks(leader);
    for id in &ids {
        for server in &servers {
            stop_in_the_end(server, id);
        }
    }
}

/// An hour is more than any grace, and less than any lifetime here.
const APART: [i32; 2] = [3600, -3600];

/// How often a reaper comes while targets start.
const REAPS: usize = 20;

pub fn with_clocks_an_hour_apart_nothing_is_wrong_but_ages(stage: &Stage<'_>) {
    for seconds in APART {
        let (_between, address) = with_clock(stage.swarm.address(2), seconds);
        let (right, apart) = (stage.server(1), stage.server_at(address, &[]));
        let token = unique("token");
        let id = start_in_the_end(&apart, &token);
        apart.wait_for_line("the clocks of the Swarm's managers differ by 3");
        assert_eq!(right.start_target(&token).unique_id(), id);
        for server in [&right, &apart] {
            server.call("POST", "/reap", "").check(200);
        }
        assert_eq!(stage.live_tasks().len(), 1, "{seconds}");
        // To the server that is ahead, each target looks abandoned.
        let started = std::thread::scope(|scope| {
            let start = |_| scope.spawn(|| start_in_the_end(&right, &unique("token")));
            let starts: Vec<_> = (0..4).map(start).collect();
            for _ in 0..REAPS {
                apart.call("POST", "/reap", "").check(200);
            }
            // A start waits for a withdrawn target of its name until a reap has removed it.
            agreed("the starts", || {
                right.call("POST", "/reap", "").check(200);
                starts.iter().all(|start| start.is_finished())
            });
            let ids = starts.into_iter().map(|start| start.join().expect("an id"));
            ids.collect::<Vec<_>>()
        });
        assert_eq!(stage.live_tasks().len(), 1 + started.len(), "{seconds}");
        for id in started.iter().chain([&id]) {
            apart.stop_target(id).check(200);
        }
        stage.check_nothing_is_left();
    }
}

/// A manager whose clock seems wrong by this many seconds, in the `Date` of its answers.
fn with_clock(manager: SocketAddr, seconds: i32) -> (Program, SocketAddr) {
    let address = free_address();
    let sections = format!(
        "listen manager\n    bind {address}\n    http-response set-header Date %[date,http_date({seconds})]\n    server manager {manager}\n"
    );
    let folder = Folder::new("clock-");
    let between = Program::haproxy(folder, "http", &sections, &[address]);
    (between, address)
}
