//! Searches for planted secrets wherever they could turn up.

use test_support::engine::RealEngine;
use test_support::fake_engine::{FakeEngine, Reply};
use test_support::own::Deployment;
use test_support::server::{SECRET, Server};
use test_support::unique;

#[track_caller]
fn check_absent(secret: &str, where_: &str, texts: &[String]) {
    for text in texts {
        assert!(!text.contains(secret), "{where_}: {text}");
    }
}

#[test]
fn no_secret_is_logged_or_answered() {
    let engine = RealEngine::given();
    let deployment = Deployment::new(&engine);
    let server = deployment.server(&[]);
    let token = unique("planted-token-");
    let answers = [
        server.start_target(&token),
        server.start_target(&token),
        server.call(
            "POST",
            "/start",
            &format!(r#"{{"activationToken":"{token}""#),
        ),
        server.call("POST", "/stop", &format!(r#"{{"uniqueId":"{token}"}}"#)),
        server.send("GET", "/health", &[("authorization", SECRET)], b""),
    ];
    // A line is written after its answer.
    for answer in answers.iter().filter(|answer| answer.status != 200) {
        server.line_about(answer);
    }
    let bodies = answers.map(|answer| format!("{answer:?}"));
    for secret in [token.as_str(), SECRET] {
        check_absent(secret, "an answer", &bodies);
        check_absent(secret, "the log", &server.log());
    }
}

#[test]
fn every_request_shows_the_proxy_its_credentials_and_nobody_else_sees_them() {
    const CREDENTIALS: &str = "planted-credentials-of-the-proxy";
    let authorization = format!("Bearer {CREDENTIALS}");
    // In our own proxy's words: a 403 in an Engine's words is about the container.
    let denial = format!("dynamic-access engine proxy: {authorization} may not");
    let denial = format!(r#"{{"message":"{denial}"}}"#);
    for status in ["401 Unauthorized", "403 Forbidden"] {
        let denial = denial.clone();
        let proxy = FakeEngine::start(move |_| Reply::json(status, &denial));
        let server = Server::over_tcp(&[
            ("docker_url", &proxy.url()),
            ("docker_authorization", &authorization),
        ]);
        for (answer, expected) in [
            (server.start_target("a-token"), 500),
            (server.stop_target(&"0".repeat(64)), 500),
            (server.call("GET", "/health", ""), 503),
        ] {
            assert_eq!(answer.status, expected, "{answer:?}");
            let line = server.line_about(&answer).to_string();
            assert!(line.contains("check docker_authorization"), "{line}");
            assert!(line.contains("[redacted] may not"), "{line}");
            check_absent(CREDENTIALS, "an answer", &[format!("{answer:?}")]);
        }
        check_absent(CREDENTIALS, "the log", &server.log());
        let header = format!("authorization: {authorization}\r\n");
        let requests = proxy.requests();
        // A start that is refused looks for its target once.
        let calls = ["create", "list", "list", "image"];
        assert_eq!(requests.len(), calls.len(), "a denied call is not repeated");
        for request in requests {
            assert!(request.contains(&header), "{request}");
        }
    }
}
