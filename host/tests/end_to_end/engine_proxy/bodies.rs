//! A call passes only with a body that the component sends: an Engine would take the parameters of
//! a form for those of the query.

use test_support::bodies::{FORM, Scheduler, check_wrong_bodies};
use test_support::engine_proxy::{Files, KINDS, SWARM_KINDS};
use test_support::fake_engine::FakeEngine;
use test_support::managers::{Managers, NAME};

use super::refusals::check_all;
use super::{before_fake, check_words, create};

#[test]
fn no_call_reaches_an_engine_with_another_body() {
    check_all(|proxy| check_wrong_bodies(proxy, Scheduler::Engine));
}

#[test]
fn no_call_reaches_a_manager_with_another_body() {
    for kind in SWARM_KINDS {
        let manager = FakeEngine::answering("200 OK", "[]");
        let managers = Managers::start(NAME, &[manager.address()]);
        let proxy = Files::default().start_before(kind, &managers, &managers.addresses);
        check_wrong_bodies(&proxy, Scheduler::Swarm);
        let requests = manager.requests();
        let is_check = |request: &String| request.starts_with("GET /nodes?filters=");
        assert!(requests.iter().all(is_check), "{requests:?}");
    }
}

#[test]
fn of_two_content_types_an_engine_reads_none_but_the_calls_own() {
    let right = "application/json";
    let headers = format!("content-type: {right}\r\ncontent-type: {FORM}\r\ncontent-length: 2\r\n");
    for kind in KINDS {
        let (proxy, engine) = before_fake(kind);
        let answer = proxy.ask(&create(), &headers, b"{}");
        if answer.status == 415 {
            check_words(&answer.body);
            assert_eq!(engine.requests(), Vec::<String>::new());
            continue;
        }
        // Before 1.23, nginx does not know of the second.
        assert_eq!((kind.0, answer.status), ("nginx", 200));
        let request = engine.requests().concat().to_lowercase();
        let typed = format!("content-type: {right}\r\n");
        assert!(request.contains(&typed), "{request}");
        assert_eq!(request.matches("content-type").count(), 1, "{request}");
    }
}
