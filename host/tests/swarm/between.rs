//! Between the component and the managers: a proxy, and another clock.

use std::net::SocketAddr;

use test_support::bodies::{check_wrong_bodies, of_swarm};
use test_support::engine_proxy::{EngineProxy, Files, SWARM_KINDS};
use test_support::folder::Folder;
use test_support::free_address;
use test_support::haproxy::Haproxy;
use test_support::managers::{Managers, NAME};
use test_support::server::Server;
use test_support::unique;
use test_support::wait::wait_within;

use crate::nodes::nodes;
use crate::stage::{AGREED_BOUND, Stage, id_of, start_in_the_end, stop_in_the_end};

/// The proxies of `deploy/swarm`, one for each way to know its callers.
pub fn behind_a_proxy_targets_come_and_go_also_without_the_leader(stage: &Stage<'_>) {
    let addresses: Vec<_> = nodes().map(|node| stage.swarm.address(node)).collect();
    let managers = Managers::start(NAME, &addresses);
    let proxies = SWARM_KINDS.map(|(program, auth)| {
        Files::default().start_before(program, auth, &managers, managers.addresses())
    });
    for proxy in &proxies {
        check_wrong_bodies(proxy, &of_swarm());
    }
    let servers = proxies.each_ref().map(|proxy| server(stage, proxy));
    let mut ids: Vec<_> = servers
        .each_ref()
        .map(|server| start_in_the_end(server, &unique("token")))
        .into();
    let leader = stage.leader();
    stage.swarm.kill(leader);
    for server in &servers {
        let token = unique("token");
        ids.push(wait_within(AGREED_BOUND, "a start", || {
            let answer = server.start_target(&token);
            (answer.status == 200).then(|| id_of(&answer))
        }));
    }
    stage.swarm.restart_without_networks(leader);
    for id in &ids {
        for server in &servers {
            stop_in_the_end(server, id);
        }
    }
    stage.check_nothing_is_left();
}

fn server(stage: &Stage<'_>, proxy: &EngineProxy) -> Server {
    let variables = stage.variables();
    let variables: Vec<_> = variables
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    proxy.server(&variables)
}

/// An hour is more than any grace, and less than any lifetime here.
const APART: [i32; 2] = [3600, -3600];

/// How often a reaper comes while targets start.
const REAPS: usize = 20;

pub fn with_clocks_an_hour_apart_nothing_is_wrong_but_ages(stage: &Stage<'_>) {
    for seconds in APART {
        let (_between, address) = with_clock(stage.swarm.address(2), seconds);
        let (right, apart) = (stage.server(1), stage.server_at(address));
        let token = unique("token");
        let id = start_in_the_end(&apart, &token);
        apart.wait_for_line("the clocks of the Swarm's managers differ by 3");
        assert_eq!(id_of(&right.start_target(&token)), id);
        for server in [&right, &apart] {
            assert_eq!(server.call("POST", "/reap", "").status, 200);
        }
        assert_eq!(stage.live_tasks().len(), 1, "{seconds}");
        // To the server that is ahead, each target looks abandoned.
        let started = std::thread::scope(|scope| {
            let starts: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| start_in_the_end(&right, &unique("token"))))
                .collect();
            for _ in 0..REAPS {
                assert_eq!(apart.call("POST", "/reap", "").status, 200);
            }
            // A start waits for a withdrawn target of its name until a reap has removed it.
            wait_within(AGREED_BOUND, "the starts", || {
                assert_eq!(right.call("POST", "/reap", "").status, 200);
                starts.iter().all(|start| start.is_finished()).then_some(())
            });
            let ids = starts.into_iter().map(|start| start.join().expect("an id"));
            ids.collect::<Vec<_>>()
        });
        assert_eq!(stage.live_tasks().len(), 1 + started.len(), "{seconds}");
        for id in started.iter().chain([&id]) {
            assert_eq!(apart.stop_target(id).status, 200);
        }
        stage.check_nothing_is_left();
    }
}

/// A manager whose clock seems wrong by this many seconds, in the `Date` of its answers.
fn with_clock(manager: SocketAddr, seconds: i32) -> (Haproxy, SocketAddr) {
    let address = free_address();
    let sections = format!(
        "listen manager\n    bind {address}\n    http-response set-header Date %[date,http_date({seconds})]\n    server manager {manager}\n"
    );
    let folder = Folder::new("clock-");
    let between = Haproxy::start(folder, "http", &sections, &[address]);
    (between, address)
}
