//! Published ports: where callers find them, and who reaches them.

use std::io::Read;
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};
use test_support::engine::RealEngine;
use test_support::http::Answer;
use test_support::own::Deployment;
use test_support::unique;
use test_support::wait::wait_for;

use crate::targets::{API, ask, check_status, order, server};

/// What a target says to whoever connects.
const GREETING: &str = "hello from a target";

const PORTS: (&str, &str) = ("ports", r#"{"greeter":7070,"unused":"7071/udp"}"#);

/// The patch of a target that greets whoever connects.
fn greeter() -> Value {
    let script = format!(
        "use IO::Socket; my $s = IO::Socket::INET->new(LocalPort => 7070, Listen => 5); \
         while (my $c = $s->accept) {{ print $c '{GREETING}'; close $c }}"
    );
    json!({"Entrypoint": ["perl", "-e", script]})
}

/// What an endpoint says, once its target listens.
fn greeting(endpoint: &Value) -> String {
    let host = endpoint["host"].as_str().expect("a host").to_owned();
    let port = endpoint["port"].as_u64().expect("a port");
    let port = u16::try_from(port).expect("a port");
    wait_for("a greeting", || {
        let mut stream = TcpStream::connect((host.as_str(), port)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
        let mut said = String::new();
        stream.read_to_string(&mut said).ok()?;
        Some(said).filter(|said| !said.is_empty())
    })
}

fn started(answer: &Answer) -> Value {
    check_status(answer, 201);
    answer.json()
}

#[test]
fn a_caller_reaches_a_target_where_the_answer_says() {
    let engine = RealEngine::given();
    let deployment = Deployment::new(&engine);
    let patch = greeter().to_string();
    let server = server(&engine, &deployment, &[PORTS, ("container_patch", &patch)]);
    let target = started(&ask(&server, &unique("key"), &order()));
    let endpoints = &target["endpoints"];
    assert_eq!(endpoints.as_object().map(|all| all.len()), Some(2));
    let greeter = &endpoints["greeter"];
    assert_eq!(
        (&greeter["host"], &greeter["protocol"]),
        (&json!("127.0.0.1"), &json!("tcp"))
    );
    assert_eq!(endpoints["unused"]["protocol"], "udp");
    assert_eq!(greeting(greeter), GREETING);
    let direct = json!({"host": target["address"], "port": 7070});
    assert_eq!(greeting(&direct), GREETING);
    // A list tells what the inspect after the start has told.
    let bearer = format!("Bearer {API}");
    let list = server.send("GET", "/v1/targets", &[("authorization", &bearer)], b"");
    assert_eq!(list.json(), json!({"targets": [target]}));
}

#[test]
fn an_environment_and_what_callers_are_told_are_set_apart_from_where_ports_are() {
    let engine = RealEngine::given();
    let deployment = Deployment::new(&engine);
    let variables = [
        PORTS,
        ("public_host", "targets.example.com"),
        ("environments", r#"{"closed":{"ports":{}}}"#),
    ];
    let server = server(&engine, &deployment, &variables);
    let target = started(&ask(&server, &unique("key"), &order()));
    let host = &target["endpoints"]["greeter"]["host"];
    assert_eq!(host, "targets.example.com");
    let mut order = order();
    order["environment"] = json!("closed");
    let closed = started(&ask(&server, &unique("key"), &order));
    assert_eq!(closed["endpoints"], json!({}));
    let id = closed["id"].as_str().expect("an id");
    let inspect = engine.inspect(id);
    assert_eq!(inspect["NetworkSettings"]["Ports"], json!({}));
}
