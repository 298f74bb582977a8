//! The proxies of `deploy/swarm`, in front of managers that fail.

use test_support::bodies::{Scheduler, check_wrong_bodies};
use test_support::engine_proxy::{EngineProxy, Files, SWARM_KINDS};
use test_support::free_address;
use test_support::managers::{Managers, NAME};
use test_support::prelude::*;

use super::check_words;

/// A service's id.
const ID: &str = "0123456789abcdefghijklmnz";

/// A look that is on the list.
const LOOK: &str = "GET /nodes HTTP/1.1";

/// One change by each method that is on the list.
fn changes() -> [String; 2] {
    [
        "POST /services/create HTTP/1.1".to_owned(),
        format!("DELETE /services/{ID} HTTP/1.1"),
    ]
}

/// Whether a request is HAProxy's own, to see whether a manager can act.
fn is_check(line: &str) -> bool {
    line.starts_with("GET /nodes?filters=")
}

/// A manager that breaks off every call.
fn broken() -> FakeEngine {
    FakeEngine::start(|line| match is_check(line) {
        true => Reply::json("200 OK", "{}"),
        false => Reply::Bytes(Vec::new()),
    })
}

/// A manager that answers every call.
fn whole() -> FakeEngine {
    FakeEngine::answering("200 OK", "{}")
}

/// The calls that a manager has read.
fn calls(engine: &FakeEngine) -> usize {
    let requests = engine.requests();
    requests.iter().filter(|request| !is_check(request)).count()
}

fn ask(proxy: &EngineProxy, line: &str) -> u16 {
    const TYPED: &str = "content-type: application/json\r\ncontent-length: 2\r\n";
    let answer = match line.starts_with("POST") {
        true => proxy.ask(line, TYPED, b"{}"),
        false => proxy.ask(line, "", b""),
    };
    if answer.status != 200 {
        check_words(&answer.body);
    }
    answer.status
}

/// Runs a check on each proxy before managers that these Engines play, with a certificate for
/// `name`. If `has_dead`, another address comes first, where nobody listens.
fn on_each<const N: usize>(
    name: &str,
    has_dead: bool,
    engines: [fn() -> FakeEngine; N],
    check: impl Fn(&EngineProxy, &[FakeEngine; N]),
) {
    for kind in SWARM_KINDS {
        let engines = engines.map(|start| start());
        let managers = Managers::start(name, &engines.each_ref().map(FakeEngine::address));
        let dead = has_dead.then(free_address).into_iter();
        let addresses: Vec<_> = dead.chain(managers.addresses.iter().copied()).collect();
        let proxy = Files::default().start_before(kind, &managers, &addresses);
        check(&proxy, &engines);
    }
}

#[test]
fn a_change_that_was_sent_is_not_repeated_on_another_manager() {
    for change in changes() {
        on_each(NAME, false, [broken, whole], |proxy, engines| {
            let mut statuses = [ask(proxy, &change), ask(proxy, &change)];
            statuses.sort_unstable();
            assert_eq!(statuses, [200, 502], "{change}");
            assert_eq!(engines.each_ref().map(calls), [1, 1], "{change}");
        });
    }
}

#[test]
fn a_look_is_repeated_on_another_manager() {
    on_each(NAME, false, [broken, whole], |proxy, engines| {
        for _ in 0..4 {
            assert_eq!(ask(proxy, LOOK), 200);
        }
        let counts = engines.each_ref().map(calls);
        assert!(counts[0] > 0 && counts[1] == 4, "{counts:?}");
    });
}

#[test]
fn a_call_that_finds_nobody_goes_to_another_manager() {
    on_each(NAME, true, [whole], |proxy, [engine]| {
        for line in [&*changes()[0], &*changes()[0], LOOK, LOOK] {
            assert_eq!(ask(proxy, line), 200, "{line}");
        }
        assert_eq!(calls(engine), 4);
    });
}

#[test]
fn a_manager_with_a_certificate_for_another_name_is_not_called() {
    on_each("other", false, [whole], |proxy, [engine]| {
        let status = ask(proxy, LOOK);
        assert!(matches!(status, 502 | 503), "{status}");
        assert_eq!(engine.requests(), Vec::<String>::new());
    });
}

#[test]
fn a_caller_is_asked_to_come_again_while_no_manager_can_be_reached() {
    on_each(NAME, true, [], |proxy, []| {
        let image = format!("r.example.com/agent@sha256:{}", "0a".repeat(32));
        let variables = [("scheduler", "swarm"), ("agent_image", image.as_str())];
        let answer = proxy.server(&variables).start_target(&unique("token"));
        answer.check_come_again(503);
    });
}

#[test]
fn a_manager_gets_what_is_on_the_list_and_nothing_else() {
    on_each(NAME, false, [whole], |proxy, [engine]| {
        for line in [LOOK, &*changes()[0], &*changes()[1]] {
            assert_eq!(ask(proxy, line), 200, "{line}");
        }
        for path in [
            "/_ping",
            "/info",
            "/swarm",
            "/swarm/unlockkey",
            "/services",
            "/services/a-name",
            "/services/012345",
            &format!("/secrets/{ID}"),
            &format!("/services/{ID}/logs?stdout=1"),
            "/nodes?filters=%7B%22role%22%3A%5B%22manager%22%5D%7D",
            "/containers/json",
            "//nodes",
            "/%6eodes",
            "/v1.45/nodes",
        ] {
            let line = format!("GET {path} HTTP/1.1");
            assert_eq!(ask(proxy, &line), 403, "{line}");
        }
        assert_eq!(calls(engine), 3);
    });
}

#[test]
fn no_call_reaches_a_manager_with_another_body() {
    on_each(NAME, false, [whole], |proxy, [engine]| {
        check_wrong_bodies(proxy, Scheduler::Swarm);
        assert_eq!(calls(engine), 0);
    });
}
