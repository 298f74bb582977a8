//! Each call to a real Engine is lost in each way, once per start and stop:
//! whatever the first answer is, a retry succeeds.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use test_support::at_once::at_once;
use test_support::engine::RealEngine;
use test_support::fake_engine::FakeEngine;
use test_support::fault_proxy::Fault;
use test_support::http::Answer;
use test_support::own::Deployment;
use test_support::server::Server;
use test_support::unique;
use test_support::wait::{wait_for, wait_until};

const FULL: &str = r#"{"message":"no space left on device"}"#;

const FAULTS: [Fault; 7] = [
    Fault::CutBefore,
    Fault::CutAfter,
    Fault::CutAmid,
    Fault::AnsweredBefore("500 Failed", FULL),
    Fault::AnsweredAfter("500 Failed", FULL),
    Fault::AnsweredAfter("502 Bad Gateway", "<html>Bad Gateway</html>"),
    Fault::AnsweredAfter("200 OK", "<html>It works!</html>"),
];

/// A fault for the next call of a kind, used once.
type Armed = Arc<Mutex<Option<(Kind, Fault)>>>;

/// How the request target of this kind of call begins, and how it ends.
type Kind = (&'static str, &'static str);

const LIST: Kind = ("GET /containers/json", "");
const CREATE: Kind = ("POST /containers/create", "");
const START: Kind = ("POST /containers/", "/start");
const REMOVE: Kind = ("DELETE /containers/", "");

struct Lossy {
    deployment: Deployment,
    proxy: FakeEngine,
    server: Server,
    armed: Armed,
}

impl Lossy {
    fn new(engine: &RealEngine) -> Self {
        let deployment = Deployment::new(engine);
        let armed = Armed::default();
        let next = armed.clone();
        let proxy = FakeEngine::before(engine.socket(), move |call| {
            let mut next = next.lock().expect("no test panics with it");
            next.take_if(|((begin, end), _)| call.starts_with(*begin) && call.ends_with(*end))
                .map_or(Fault::None, |(_, fault)| fault)
        });
        let server = deployment.server_through(&proxy, &[]);
        Self {
            deployment,
            proxy,
            server,
            armed,
        }
    }

    /// Calls a webhook until it succeeds, with a fault for its first Engine call of a kind.
    fn insist(&self, kind: Kind, fault: Fault, call: impl Fn() -> Answer) -> Answer {
        *self.armed.lock().expect("no test panics with it") = Some((kind, fault));
        let answer = wait_for("a success", || {
            let answer = call();
            let may_pass = matches!(answer.status, 502..=504);
            assert!(answer.status == 200 || may_pass, "{fault:?} {answer:?}");
            (answer.status == 200).then_some(answer)
        });
        let armed = self.armed.lock().expect("no test panics with it");
        assert_eq!(*armed, None, "the call that was to fail was never made");
        answer
    }

    fn check_start(&self, kind: Kind, fault: Fault) {
        let token = unique("token");
        let started = self.insist(kind, fault, || {
            let answer = self.server.start_target(&token);
            if answer.status != 200 {
                self.deployment.check_empty();
            }
            answer
        });
        let id = started.unique_id();
        self.deployment.check_has(&[&id]);
        assert_eq!(
            self.deployment.engine.state(&id).as_deref(),
            Some("running")
        );
        self.server.stop_target(&id).check_done();
    }

    fn check_stop(&self, kind: Kind, fault: Fault) {
        let lists = || {
            let requests = self.proxy.requests();
            let lists = requests.iter().filter(|it| it.starts_with(LIST.0));
            lists.count()
        };
        let before = lists();
        let id = self.server.started();
        // The start's own list, and the one after its answer, which must not get
        // the stop's fault.
        wait_until("the tail of the start", || lists() >= before + 2);
        let stopped = self.insist(kind, fault, || self.server.stop_target(&id));
        stopped.check_done();
        self.deployment.check_empty();
    }
}

on_each_engine!(
    a_start_whose_calls_are_lost_makes_one_target_and_leaves_nothing_else,
    a_stop_whose_calls_are_lost_removes_the_target_at_last,
    a_call_that_is_delayed_beyond_its_limit_is_settled_by_a_look,
);

fn check_all(engine: &RealEngine, check: impl Fn(&Lossy, Fault) + Sync) {
    // They run at once, because each has its own deployment.
    at_once(FAULTS.len(), |number| {
        check(&Lossy::new(engine), FAULTS[number]);
    });
}

fn a_start_whose_calls_are_lost_makes_one_target_and_leaves_nothing_else(engine: &RealEngine) {
    check_all(engine, |lossy, fault| {
        for kind in [CREATE, LIST, START] {
            lossy.check_start(kind, fault);
        }
    });
}

fn a_stop_whose_calls_are_lost_removes_the_target_at_last(engine: &RealEngine) {
    check_all(engine, |lossy, fault| {
        for kind in [LIST, REMOVE] {
            lossy.check_stop(kind, fault);
        }
    });
}

fn a_call_that_is_delayed_beyond_its_limit_is_settled_by_a_look(engine: &RealEngine) {
    let lossy = Lossy::new(engine);
    lossy.check_start(LIST, Fault::Delayed(Duration::from_secs(6)));
}
