//! The credentials of a proxy in front of the Engine.

use test_support::fake_engine::{FakeEngine, Reply};

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
        let server = proxy.server(&[("docker_authorization", &authorization)]);
        for (answer, expected) in [
            (server.start_target("a-token"), 500),
            (server.stop_target(&"0".repeat(64)), 500),
            (server.health(), 503),
        ] {
            assert_eq!(answer.status, expected, "{answer:?}");
            let line = server.line_about(&answer).to_string();
            assert!(line.contains("check docker_authorization"), "{line}");
            assert!(line.contains("[redacted] may not"), "{line}");
            assert!(!format!("{answer:?}").contains(CREDENTIALS), "{answer:?}");
        }
        let log = server.log().join("\n");
        assert!(!log.contains(CREDENTIALS), "{log}");
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
