//! Many visits, while nodes come and go.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use fastrand::Rng;
use test_support::prelude::*;

use crate::nodes::{COUNT, Swarm, must, nodes};
use crate::stage::{Stage, agreed};

/// How long a caller repeats a visit's calls while the managers elect a leader.
const VISIT_BOUND: Duration = Duration::from_secs(240);

/// A secret whose removal was lost stays for two minutes, since it may belong to a start.
const SECRETS_BOUND: Duration = Duration::from_secs(180);

/// How many visits there are at once.
const AT_ONCE: u32 = 10;

pub fn a_hundred_visits_outlast_a_leader_that_is_killed(stage: &Stage<'_>) {
    const VISITS: u32 = 100;
    visits(stage, VISITS, |done| {
        wait_within(VISIT_BOUND, "a third of the visits", || {
            (done() > VISITS / 3).then_some(())
        });
        let leader = stage.leader();
        must(stage.swarm.kill(leader));
        // One of the servers may have lost its manager: its callers use the other.
        must(stage.swarm.restart(leader));
    });
}

/// Prints the seed of the faults; `TEST_SEED` sets it.
#[test]
#[ignore = "takes a quarter of an hour"]
fn three_hundred_visits_outlast_random_cuts() {
    const VISITS: u32 = 300;
    let _alone = crate::alone();
    let swarm = Swarm::start(false);
    let given = std::env::var("TEST_SEED").map(|seed| seed.parse().expect("a number"));
    let mut random = Rng::with_seed(given.unwrap_or_else(|_| fastrand::u64(..)));
    println!("  TEST_SEED={}", random.get_seed());
    let mut cuts = 0;
    visits(&Stage::new(&swarm), VISITS, |done| {
        while done() < VISITS {
            cuts += 1;
            disturb(&swarm, &mut random, done() + 1);
        }
    });
    println!("  {cuts} cuts and kills");
}

/// Cuts a node off, or kills its Engine, for some seconds.
fn disturb(swarm: &Swarm, random: &mut Rng, visit: u32) {
    let node = random.u8(1..=COUNT);
    let lasts = Duration::from_secs(random.u64(1..=25));
    let pause = Duration::from_secs(random.u64(5..=20));
    match random.u8(0..4) {
        0 => {
            println!("  visit {visit}: the Engine of node {node} is killed, for {lasts:?}");
            must(swarm.kill(node));
            std::thread::sleep(lasts);
            swarm.restart_without_networks(node);
        }
        1 => {
            let other = node % COUNT + 1;
            println!("  visit {visit}: nodes {node} and {other} are cut off, for {lasts:?}");
            must(swarm.cut(node));
            must(swarm.cut(other));
            std::thread::sleep(lasts);
            must(swarm.heal(node));
            must(swarm.heal(other));
        }
        _ => {
            println!("  visit {visit}: node {node} is cut off, for {lasts:?}");
            must(swarm.cut(node));
            std::thread::sleep(lasts);
            must(swarm.heal(node));
        }
    }
    std::thread::sleep(pause);
}

/// This many visits, during an event that can ask how many are done.
fn visits(stage: &Stage<'_>, count: u32, happen: impl FnOnce(&dyn Fn() -> u32)) {
    let done = AtomicU32::new(0);
    let refusals = AtomicU32::new(0);
    std::thread::scope(|scope| {
        for first in 0..AT_ONCE {
            let (done, refusals) = (&done, &refusals);
            scope.spawn(move || {
                for number in (first..count).step_by(AT_ONCE as usize) {
                    refusals.fetch_add(visit(stage, number), Ordering::Relaxed);
                    done.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        happen(&|| done.load(Ordering::Relaxed));
        wait_within(VISIT_BOUND, "the other visits", || {
            // As systemd does with an Engine that has crashed.
            let crashed = nodes().find(|node| stage.swarm.has_ended(*node));
            crashed.into_iter().for_each(|node| {
                println!("  Engine {node} has crashed");
                must(stage.swarm.restart(node));
            });
            (done.load(Ordering::Relaxed) == count).then_some(())
        });
    });
    println!("  {} refusals", refusals.load(Ordering::Relaxed));
    assert_eq!(done.load(Ordering::Relaxed), count);
    let server = stage.server(2);
    agreed("a reap", || server.call("POST", "/reap", "").status == 200);
    // A target that ended with its node's Engine before its vouch stays for ten minutes.
    assert_eq!(stage.live_tasks(), Vec::<Value>::new());
    for service in stage.list("services") {
        let id = service["ID"].as_str().expect("an id");
        server.stop_target(id).check(200);
    }
    wait_within(SECRETS_BOUND, "a reap that leaves no secrets", || {
        let is_done = server.call("POST", "/reap", "").status == 200;
        (is_done && stage.list("secrets").is_empty()).then_some(())
    });
    stage.check_nothing_is_left();
}

/// A visit: a start that is repeated until it succeeds, and then a stop.
fn visit(stage: &Stage<'_>, number: u32) -> u32 {
    let servers = [stage.server(1), stage.server(3)];
    let mut token = unique("token");
    let mut refusals = 0;
    let id = wait_within(VISIT_BOUND, "a start", || {
        let server = &servers[(number + refusals) as usize % 2];
        let answer = server.start_target(&token);
        refusals += u32::from(answer.status != 200);
        let is_known = matches!(answer.status, 200 | 409 | 502 | 503 | 504);
        assert!(is_known, "{answer:?}");
        // It has ended with its node's Engine, so its user connects again.
        if answer.status == 409 {
            token = unique("token");
        }
        (answer.status == 200).then(|| answer.unique_id())
    });
    // It may have ended since then, and there is never another, of this service or of another
    // with its name.
    let tasks = stage.list("tasks");
    let name =
        |task: &Value| task["Spec"]["ContainerSpec"]["Labels"]["dynamic-access.name"].clone();
    let of_id = |task: &Value| task["ServiceID"] == id.as_str();
    let own = tasks.iter().find(|task| of_id(task));
    let own = own.unwrap_or_else(|| panic!("no task of {id}"));
    let of_name = tasks.iter().filter(|task| name(task) == name(own));
    assert_eq!(of_name.count(), 1, "one task for {id}");
    wait_within(VISIT_BOUND, "a stop", || {
        let server = &servers[(number + refusals) as usize % 2];
        let answer = server.stop_target(&id);
        refusals += u32::from(answer.status != 200);
        assert!(matches!(answer.status, 200 | 502 | 503 | 504), "{answer:?}");
        (answer.status == 200).then_some(())
    });
    assert!(!stage.live_tasks().iter().any(of_id), "{id} goes on");
    refusals
}
