//! A whole webhook, whatever the Engine replies.

use super::credentials::{are_right, headers};
use super::engine::replies;
use super::scripted::{Scripted, Turn, turns};
use super::*;

/// The id of a trace with the digits of the token: whoever shows one shows the other.
const TRACE: &str = "4b6f52b54f2b4d558a0e2f1c7a3a9d10";

/// A webhook's whole answer, by a server with these [`variables`].
fn serve(
    engine: &Scripted,
    (name, value): (&str, &str),
    head: &http::request::Parts,
    body: Result<Vec<u8>, BodyError>,
) -> server::Answer {
    let variables = variables(name, value);
    let answer = block_on(server::serve(engine, &variables, head, async |_| body));
    check_declared(head, &answer);
    answer
}

/// The head of a request with the right credentials, and with a trace of the digits of the token.
fn head(method: &str, uri: &str) -> http::request::Parts {
    let request = http::Request::builder().method(method).uri(uri);
    let authorization = match uri {
        "/metrics" => format!("Basic {API_SECRET}"),
        _ if uri.starts_with("/v1/") => format!("Bearer {API_SECRET}"),
        _ => format!("Basic {SECRET}"),
    };
    let request = request.header("authorization", authorization);
    let request = request.header("idempotency-key", TOKEN);
    let request = request.header("traceparent", format!("00-{TRACE}-b7ad6b7169203331-01"));
    request.body(()).expect("a request").into_parts().0
}

/// Checks that the OpenAPI document declares the status of an answer, with the type of
/// its body.
fn check_declared(head: &http::request::Parts, answer: &server::Answer) {
    static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
        serde_json::from_str(include_str!("../../src/api/openapi.json")).expect("JSON")
    });
    let Some(path) = known_path(&head.uri) else {
        return;
    };
    let method = head.method.as_str().to_ascii_lowercase();
    // Another method is answered 405, or 401, and has no place in the document.
    let operation = &DOCUMENT["paths"][path][method];
    if operation.is_null() {
        return;
    }
    let response = &answer.response;
    let status = response.status().as_u16().to_string();
    let mut declared = &operation["responses"][&status];
    if let Some(reference) = declared["$ref"].as_str() {
        let pointer = reference.trim_start_matches('#');
        declared = DOCUMENT.pointer(pointer).expect("it is in the document");
    }
    assert!(!declared.is_null(), "{path} {status} is not declared");
    if let Some(content_type) = response.headers().get("content-type") {
        let content_type = content_type.to_str().expect("text");
        let is_declared = !declared["content"][content_type].is_null();
        assert!(is_declared, "{path} {status} {content_type}");
    }
}

/// Checks the form of an answer: a status of the catalogue, JSON, and lines for the
/// log that hide every secret.
fn check_form(answer: &server::Answer) {
    const SUCCESS: [u16; 3] = [200, 201, 204];
    const CATALOGUE: [u16; 15] = [
        400, 401, 403, 404, 405, 408, 409, 413, 415, 422, 429, 500, 502, 503, 504,
    ];
    let status = answer.response.status().as_u16();
    let is_success = SUCCESS.contains(&status);
    assert!(is_success || CATALOGUE.contains(&status), "{status}");
    let body = answer.response.body();
    assert_eq!(status == 204, body.is_empty());
    if status != 204 {
        let body: Value = serde_json::from_slice(body).expect("JSON");
        assert_eq!(is_success, body["ErrorMessage"].is_null());
        assert!(is_success || body["status"] == status);
    }
    let may_come_back = answer.response.headers().contains_key("retry-after");
    assert_eq!(may_come_back, [429, 503].contains(&status));
    let length = answer.response.headers().get("content-length");
    let length = length.map(|length| length.to_str().expect("text").to_owned());
    let expected = (status != 204).then(|| body.len().to_string());
    assert_eq!(length, expected);
    let line: Value = serde_json::from_str(&answer.lines[0]).expect("JSON");
    let is_refused = (400..500).contains(&status);
    assert!(!is_refused || line["event"].is_string(), "{line}");
    answer.lines.iter().for_each(|line| check_line(line));
}

fn check_line(line: &str) {
    assert!(!line.contains('\n'));
    let parsed: Value = serde_json::from_str(line).expect("JSON");
    assert_eq!(parsed["request"], "00000000-0000-4000-8000-000000000a77");
    assert!(hides(line, &[TOKEN, SECRET]), "{line}");
}

/// The same, and that it shows nothing planted.
fn check_answer(answer: &server::Answer) {
    check_form(answer);
    let text = std::str::from_utf8(answer.response.body()).expect("text");
    let text = format!("{:?} {text}", answer.response.headers());
    assert!(hides(&text, &[PLANTED, TOKEN, SECRET]), "{text}");
}

/// The answer to a request, which comes in time.
fn serve_in_time(engine: &Scripted, head: &http::request::Parts, body: Vec<u8>) -> server::Answer {
    let answer = serve(engine, ("", ""), head, Ok(body));
    assert!(engine.passed.get() <= Duration::from_secs(25));
    answer
}

/// Does the work after an answer, which ends in time.
fn end_in_time(engine: &Scripted, answer: server::Answer) {
    if let Some(after) = answer.after {
        let lines = block_on(after.run(engine));
        lines.iter().for_each(|line| check_line(line));
        assert!(engine.passed.get() <= Duration::from_secs(29));
    }
}

#[test]
fn any_request_has_an_answer_in_time() {
    let method = words("GET POST DELETE");
    let uri = prop_oneof![
        4 => "(http://host)?/(start|stop|health|reap|v1/targets)([/?][ -~]{0,8})?",
        1 => texts(),
    ];
    let reply = (any::<u16>(), replies()).prop_map(|(took, (status, body))| (took, status, body));
    let request = (method, uri, bodies(), vec(reply, 0..4));
    for_all(request, |(method, uri, body, replies)| {
        check_served(method, &uri, body, replies)
    });
}

/// Checks the answer to any request with the right credentials. The Engine sends these replies, each a number of
/// milliseconds, a status from 100 to 999 and a body, and none after them.
pub fn check_served(method: &str, uri: &str, body: Vec<u8>, replies: Vec<(u16, u16, Vec<u8>)>) {
    if uri.parse::<Uri>().is_err() {
        return;
    }
    let replies = replies.into_iter();
    let replies = replies.map(|(took, status, body)| (Turn::Reply { status, body }, took.into()));
    let none = (Turn::Failure(TransportError::TimedOut), 0);
    let engine = Scripted::new(replies.chain([none]).collect());
    let answer = serve_in_time(&engine, &head(method, uri), body);
    check_form(&answer);
    end_in_time(&engine, answer);
}

#[test]
fn whatever_the_engine_replies_there_is_an_answer_in_time_that_shows_nothing() {
    let start =
        json!({"serviceUrl": "https://host/", "activationToken": TOKEN, "environmentId": "e"});
    let of_v1 = json!({"environment": "e", "secrets": {"a": TOKEN}, "lifetime": "1h"});
    let target = format!("/v1/targets/{}", "a".repeat(64));
    let (path, none) = (|uri: &str| uri.to_owned(), Value::Null);
    let request = select(vec![
        ("POST", path("/start"), start.clone()),
        ("POST", path("/start"), start),
        ("POST", path("/stop"), json!({"uniqueId": "a".repeat(64)})),
        ("GET", path("/health"), none.clone()),
        ("POST", path("/reap"), none.clone()),
        ("POST", path("/reap?dry_run=1"), none.clone()),
        ("POST", path("/v1/targets"), of_v1),
        ("GET", path("/v1/targets"), none.clone()),
        ("GET", target.clone(), none.clone()),
        ("POST", format!("{target}/renew"), json!({"lifetime": "1h"})),
        ("DELETE", target, none),
    ]);
    for_all((request, turns()), |((method, uri, body), turns)| {
        let engine = Scripted::new(turns);
        let head = head(method, &uri);
        let answer = serve_in_time(&engine, &head, body.to_string().into_bytes());
        match uri.starts_with("/v1/") {
            // An answer shows what the Engine says of a target.
            true => check_form(&answer),
            false => check_answer(&answer),
        }
        if uri == "/start" && answer.response.status() == 200 {
            let body: Value = serde_json::from_slice(answer.response.body()).expect("JSON");
            assert!(body["uniqueId"].as_str().is_some_and(is_id));
        }
        if method == "GET" || uri == "/reap?dry_run=1" {
            assert!(engine.has_only_reads());
            assert!(answer.after.is_none() || uri == "/health");
        }
        end_in_time(&engine, answer);
    });
}

#[test]
fn head_is_answered_as_get_but_for_the_body() {
    let target = format!("/v1/targets/{}", "a".repeat(64));
    let uri =
        words("/health /v1/targets /v1/openapi.json /metrics /v1/targets?environment=%ff /unknown");
    let uri = prop_oneof![6 => uri.prop_map(str::to_owned), 1 => Just(target)];
    for_all((uri, turns()), |(uri, turns)| {
        let [get, head] = ["GET", "HEAD"].map(|method| {
            let engine = Scripted::new(turns.clone());
            let answer = serve(&engine, ("", ""), &head(method, &uri), Ok(Vec::new()));
            let sent = engine.sent.into_inner().into_iter();
            let calls: Vec<Uri> = sent.map(|call| call.uri().clone()).collect();
            let (head, body) = answer.response.into_parts();
            // It costs the Engine no more, and shows no less.
            ((head.status, head.headers, answer.lines, calls), body)
        });
        assert_eq!(get.0, head.0);
        assert_eq!(head.1, b"");
    });
}

#[test]
fn only_the_secret_once_or_under_both_names_opens_and_a_refusal_costs_no_call() {
    let uri = prop_oneof![
        "/(start|stop|health|reap)(\\?dry_run=1)?",
        "/[!-~]{0,8}",
        Just("*".to_owned())
    ];
    let method =
        prop_oneof![4 => select(vec!["GET", "POST"]).prop_map(str::to_owned), 1 => "[A-Z]{1,7}"];
    let body = select(vec![
        BodyError::TooLarge,
        BodyError::TooSlow,
        BodyError::CutOff,
    ]);
    let inputs = (method, uri, headers(), body);
    for_all(inputs, |(method, uri, headers, body)| {
        let mut request = http::Request::builder().method(method.as_str()).uri(&uri);
        for (name, value) in &headers {
            request = request.header(*name, value.as_slice());
        }
        let Ok(request) = request.body(()) else {
            return;
        };
        let engine = Scripted::silent();
        let secrets = format!("{SECRET} {OTHER_SECRET}");
        let variable = ("webhook_secret", &*secrets);
        let answer = serve(&engine, variable, &request.into_parts().0, Err(body));
        check_answer(&answer);
        let is_unauthorized = answer.response.status() == StatusCode::UNAUTHORIZED;
        assert_eq!(is_unauthorized, !are_right(&headers));
        assert!(engine.sent.borrow().is_empty() || !is_unauthorized);
    });
}

#[test]
fn whatever_the_body_and_the_variables_there_is_an_answer_that_shows_nothing() {
    let uri = words("/start /stop /reap /v1/targets");
    let name = prop_oneof![
        4 => Just(""),
        1 => variable_names(),
        1 => Just("webhook_secret"),
    ];
    let length = option::of(prop_oneof!["[0-9]{1,21}", texts()]);
    let inputs = (uri, bodies(), length, name, texts());
    for_all(inputs, |(uri, body, length, name, value)| {
        let mut head = head("POST", uri);
        if let Some(Ok(length)) = length.map(|length| length.parse()) {
            head.headers.insert("content-length", length);
        }
        // The Engine's address is checked as the default one.
        let is_address = name == "docker_url";
        let name = if is_address { "docker_plaintext" } else { name };
        let answer = serve(&Scripted::silent(), (name, &value), &head, Ok(body));
        check_answer(&answer);
        for line in &answer.lines {
            let mut line: Value = serde_json::from_str(line).expect("JSON");
            // The only part of a body in the log.
            line["environment"] = Value::Null;
            assert!(hides(&line.to_string(), &[PLANTED]), "{line}");
        }
    });
}
