//! A call passes only with a body that the component sends: an Engine would take the parameters of
//! a form for those of the query.

use serde_json::json;
use test_support::bodies::{FORM, check_wrong_bodies, of_engine, of_swarm};
use test_support::engine::RealEngine;
use test_support::engine_proxy::{Auth, EngineProxy, Files, KINDS, Program, SWARM_KINDS};
use test_support::fake_engine::{FakeEngine, Reply};
use test_support::managers::{Managers, NAME};
use test_support::registry::archive_of;
use test_support::relay::Relay;
use test_support::{given, unique};

use super::{before_fake, check_words};

/// A proxy in front of a real Engine, whose connections are counted.
fn before(engine: &RealEngine, program: Program, auth: Auth) -> (EngineProxy, Relay) {
    let files = Files::default();
    let socket = files.path("docker.sock");
    let relay = Relay::start(socket.clone(), engine.socket());
    let proxy = files.start(program, auth, socket.to_str().expect("a path of ASCII"));
    (proxy, relay)
}

fn no_call_reaches_an_engine_with_another_body(engine: &RealEngine) {
    let body = json!({"Image": given("TEST_AGENT_IMAGE"), "HostConfig": {"NetworkMode": "none"}});
    let container = engine.foreign(&unique("bodies-"), body);
    let calls = of_engine(&container.id);
    for (program, auth) in KINDS {
        let (proxy, relay) = before(engine, program, auth);
        check_wrong_bodies(&proxy, &calls);
        assert_eq!(relay.connections(), 0, "{program:?} {auth:?}");
        // Each is refused for its body.
        let inspect = format!("GET /containers/{}/json HTTP/1.1", container.id);
        let answer = proxy.client().ask(&inspect, "", b"").expect("an answer");
        assert_eq!((answer.status, relay.connections()), (200, 1));
    }
    let state = engine.state(&container.id);
    assert_eq!(state.as_deref(), Some("created"));
}

on_each_engine!(no_call_reaches_an_engine_with_another_body);

#[test]
fn no_call_reaches_a_manager_with_another_body() {
    for (program, auth) in SWARM_KINDS {
        let manager = FakeEngine::start(|_| Reply::json("200 OK", "[]"));
        let managers = Managers::start(NAME, &[manager.address()]);
        let proxy = Files::default().start_before(program, auth, &managers, managers.addresses());
        check_wrong_bodies(&proxy, &of_swarm());
        let requests = manager.requests();
        let is_check = |request: &String| request.starts_with("GET /nodes?filters=");
        assert!(requests.iter().all(is_check), "{auth:?} {requests:?}");
    }
}

#[test]
fn of_two_content_types_an_engine_reads_none_but_the_calls_own() {
    let right = "application/json";
    let line = format!(
        "POST /containers/create?name=da-{} HTTP/1.1",
        "0a".repeat(20)
    );
    let headers = format!("content-type: {right}\r\ncontent-type: {FORM}\r\ncontent-length: 2\r\n");
    for (program, auth) in KINDS {
        let (proxy, engine) = before_fake(program, auth);
        let answer = proxy
            .client()
            .ask(&line, &headers, b"{}")
            .expect("an answer");
        if answer.status == 415 {
            check_words(&answer.body);
            assert_eq!(engine.requests(), Vec::<String>::new());
            continue;
        }
        // Before 1.23, nginx does not know of the second.
        assert_eq!((program, answer.status), (Program::Nginx, 200));
        let request = engine.requests().concat().to_lowercase();
        assert!(
            request.contains(&format!("content-type: {right}\r\n")),
            "{request}"
        );
        assert_eq!(request.matches("content-type").count(), 1, "{request}");
    }
}

#[test]
fn a_form_cannot_replace_the_image_that_is_pulled() {
    const PULL: &str = "/images/create?fromImage=r.example.com%2Fa&tag=1";
    let engine = RealEngine::given();
    let image = unique("planted-");
    let archive = archive_of("file", &image);
    let length = archive.len();
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
    let reply = [head.as_bytes(), &archive].concat();
    let web = FakeEngine::start(move |_| Reply::Bytes(reply.clone()));
    let form = format!(
        "fromImage=&fromSrc={}/x.tar&repo={image}&tag=latest",
        web.url()
    );
    let headers = format!("content-type: {FORM}\r\ncontent-length: {}\r\n", form.len());
    for (program, auth) in KINDS {
        let (proxy, relay) = before(&engine, program, auth);
        let line = format!("POST {PULL} HTTP/1.1");
        let answer = proxy.client().ask(&line, &headers, form.as_bytes());
        assert_eq!(
            answer.expect("an answer").status,
            415,
            "{program:?} {auth:?}"
        );
        assert_eq!(relay.connections(), 0, "{program:?} {auth:?}");
    }
    let look = || {
        engine
            .call("GET", &format!("/images/{image}/json"), None)
            .status
    };
    assert_eq!((look(), web.requests().len()), (404, 0));
    // Without a proxy, it would have been.
    let pulled = engine.call_with("POST", PULL, &[("content-type", FORM)], form.as_bytes());
    assert_eq!(pulled.status, 200);
    let taken = (look(), web.requests().len());
    let _ = engine.try_remove_image(&image);
    assert_eq!(taken, (200, 1));
}
