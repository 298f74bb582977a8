//! Bodies of `/v1` and idempotency keys.

use std::fmt::Debug;

use http::HeaderValue;
use proptest::string::string_regex;
use proptest::{prop_assert, proptest};
use serde_json::{Map, Value, json};

use super::*;

/// Parses an order for an environment, with one more member.
fn parse(member: &str, value: &str) -> Result<StartOrder, RequestError> {
    let body = format!(r#"{{"environment":"e","{member}":{value}}}"#);
    parse_start(Secret::new("key"), body.as_bytes())
}

/// Checks that a body is refused, with a sentence that begins like this. It never shows a
/// value, because it is the same for all of them.
#[track_caller]
fn check_refused<T: Debug>(outcome: Result<T, RequestError>, beginning: &str, body: &str) {
    match outcome {
        Err(RequestError::BadField(told)) => assert!(told.starts_with(beginning), "{body}: {told}"),
        other => panic!("{body}: {other:?}"),
    }
}

#[test]
fn an_order_has_what_the_body_says() {
    let body = json!({
        "environment": "e",
        "secrets": {"d": {"value": "", "owner": 2_147_483_647_u32}, "tls-key": "-\n\u{0}é",
                    "activation-token": "t", "b": {"value": "2"}, "c": {"owner": 0, "value": "3"}},
        "lifetime": "8h",
        "serviceUrl": "https://host/",
        "env": {"b": "", "_A1": "x=y\nz", "TZ": "UTC"},
        "command": ["sh", "-c", ""],
        "owner": "o",
        "labels": {"b/1": "x", "a": ""},
    });
    let order = parse_start(Secret::new("key"), body.to_string().as_bytes()).expect("an order");
    assert_eq!(order.key, Key::IdempotencyKey(Secret::new("key")));
    assert_eq!(order.environment_id, "e");
    assert_eq!(order.service_url.as_deref(), Some("https://host/"));
    assert_eq!(order.lifetime, Some(Duration::from_secs(8 * 3600)));
    assert_eq!(order.activation_token(), Some(&Secret::new("t")));
    let secrets = order.secrets.iter();
    let secrets = secrets.map(|file| (&*file.name, file.content.expose(), file.owner));
    assert!(secrets.eq([
        ("activation-token", "t", None),
        ("b", "2", None),
        ("c", "3", Some(0)),
        ("d", "", Some(2_147_483_647)),
        ("tls-key", "-\n\u{0}é", None),
    ]));
    assert_eq!(order.env, ["TZ=UTC", "_A1=x=y\nz", "b="]);
    assert_eq!(order.choices.command, ["sh", "-c", ""]);
    assert_eq!(order.owner.as_deref(), Some("o"));
    assert_eq!(order.labels_text(), r#"{"a":"","b/1":"x"}"#);
    let least = parse("command", r#"null,"env":{},"owner":null,"labels":{}"#).expect("an order");
    assert_eq!((least.service_url.as_ref(), least.lifetime), (None, None));
    assert!(least.secrets.is_empty() && least.env.is_empty());
    assert_eq!((least.choices, least.owner), (Choices::default(), None));
}

#[test]
fn the_sequence_of_members_does_not_tell_orders_apart() {
    let digest = |body: &str| {
        let order = parse_start(Secret::new("key"), body.as_bytes());
        order.expect("an order").digest()
    };
    assert_eq!(
        digest(r#"{"environment":"e","secrets":{"a":"","b":""},"lifetime":"60s"}"#),
        digest(r#"{"lifetime":"1m","secrets":{"b":"","a":""},"environment":"E"}"#),
    );
}

#[test]
fn every_service_url_that_the_document_allows_is_taken() {
    let document: Value = serde_json::from_str(include_str!("../openapi.json")).expect("JSON");
    let schema = &document["components"]["schemas"]["ServiceUrl"];
    let pattern = schema["pattern"].as_str().expect("a pattern");
    let whole = pattern
        .strip_prefix('^')
        .and_then(|rest| rest.strip_suffix('$'));
    let urls = string_regex(whole.expect("of the whole text")).expect("a pattern");
    proptest!(|(url in urls)| {
        // The OpenAPI document has the same limit.
        if url.len() <= 2048 {
            let order = parse("serviceUrl", &json!(url).to_string());
            prop_assert!(order.is_ok(), "{}", url);
        }
    });
}

#[test]
fn the_largest_order_fits_into_the_largest_body() {
    // Each character is written as six.
    let of = |bytes: usize| "\u{1}".repeat(bytes);
    let secrets = (0..8).map(|number| {
        let secret = json!({"value": of(8 * 1024), "owner": 2_147_483_647_u32});
        (format!("{number:0>64}"), secret)
    });
    let body = json!({
        "environment": "e".repeat(128),
        "secrets": secrets.collect::<Map<_, _>>(),
        "lifetime": "366d",
        "serviceUrl": format!("https://{}", "h".repeat(2040)),
        "env": {"V": of(16 * 1024 - 1)},
        "command": [of(341)],
        "image": "i".repeat(455),
        "resources": {"memory": "1024GiB", "cpus": 1024},
    });
    assert!(body.to_string().len() <= BODY_BYTES_MAX);
    parse_start(Secret::new("key"), body.to_string().as_bytes()).expect("an order");
}

/// Members of an order with values that are refused, and how the refusal begins.
const REFUSED: &str = r#"
    environment "f" -> The request body
    lifetme "1h" -> The request body
    lifetime 60 -> The request body
    lifetime "planted" | "59s" -> lifetime must
    serviceUrl "ftp://host" -> serviceUrl must
    secrets ["a"] | null -> The request body
    secrets {"a":"","a":""} -> Each secret
    secrets {"":""} | {"..":""} | {".":""} | {"../a":""} | {"a/b":""} | {"/a":""} | {"a.b":""} -> The name of a secret
    secrets {"A":""} | {"a_b":""} | {"a b":""} | {"a\u0000":""} | {"é":""} -> The name of a secret
    secrets {"a":null} | {"a":1} | {"a":["b"]} | {"a":{}} | {"a":{"owner":1}} | {"a":{"value":1}} -> A secret
    secrets {"a":{"value":null}} | {"a":{"value":"b","Owner":1}} | {"a":{"value":"b","mode":420}} -> A secret
    secrets {"a":{"value":"b","owner":null}} | {"a":{"value":"b","owner":-1}} -> A secret
    secrets {"a":{"value":"b","owner":1.5}} | {"a":{"value":"b","owner":"root"}} -> A secret
    secrets {"a":{"value":"b","owner":2147483648}} -> A secret
    env ["A=b"] | {"A":1} | {"A":null} | null -> The request body
    env {"A":"","A":""} -> Each variable
    env {"":""} | {"1":""} | {"A-B":""} | {"A.B":""} | {" A":""} | {"A ":""} | {"A=B":""} -> env must have names
    env {"A\n":""} | {"é":""} | {"A\u0000":""} | {"A":"b\u0000"} -> env must have names
    command "a" | [1] | [null] | {} -> The request body
    command [] | ["a\u0000"] -> command must be
    image "a b" -> image must be
    resources [] | "2GiB" | {"memory":1} | {"memory":null} | {"swap":"1GiB"} -> resources must be
    resources {"memory":"0MiB"} | {"memory":"5MiB"} | {"memory":"1025GiB"} | {"memory":"+8MiB"} -> resources must be
    resources {"memory":"1.5GiB"} | {"memory":"2GB"} | {"memory":"2gib"} | {"memory":"GiB"} -> resources must be
    resources {"memory":"2GiB\n"} | {"memory":"99999999999999999999GiB"} -> resources must be
    resources {"cpus":0} | {"cpus":0.009} | {"cpus":1024.1} | {"cpus":-1} | {"cpus":"1"} -> resources must be
    owner 1 | "o","owner":"o" -> The request body
    owner "" | "a\u0000" | "a\n" | "a\u0085" -> owner must
    labels {"a":1} | ["a"] | null -> The request body
    labels {"":""} | {"a=":""} | {"é":""} | {"a":"\u001b"} | {"a":"b","a":"b"} -> labels may
"#;

#[test]
fn a_member_of_another_form_is_refused() {
    for row in REFUSED.lines().map(str::trim).filter(|row| !row.is_empty()) {
        let (member, rest) = row.split_once(' ').expect("a value");
        let (values, beginning) = rest.split_once(" -> ").expect("a refusal");
        for value in values.split(" | ") {
            check_refused(parse(member, value), beginning, row);
        }
    }
}

#[test]
fn a_member_has_a_longest_value() {
    let text = |letter: &str, count| json!(letter.repeat(count));
    let texts = |letter: &str, length, count| json!(vec![letter.repeat(length); count]);
    let map = |count, length| {
        let member = |number| (format!("a{number}"), json!("v".repeat(length)));
        Value::Object((0..count).map(member).collect::<Map<_, _>>())
    };
    let key = |length| json!({"k".repeat(length): ""});
    let labels = |count, length| {
        let member = |number| (format!("k{number:0>62}"), json!("v".repeat(length)));
        Value::Object((0..count).map(member).collect::<Map<_, _>>())
    };
    let secret = |length| json!({"a": {"value": "x".repeat(length)}});
    for (member, longest, longer) in [
        ("owner", text("\u{e9}", 128), text("\u{e9}", 129)),
        ("labels", labels(16, 32), labels(17, 1)),
        ("labels", labels(6, 256), labels(7, 256)),
        ("labels", key(63), key(64)),
        ("labels", map(1, 256), map(1, 257)),
        ("env", map(32, 0), map(33, 0)),
        ("env", map(1, 16 * 1024 - 2), map(1, 16 * 1024 - 1)),
        ("command", texts("x", 2047, 1), texts("x", 2048, 1)),
        ("command", texts("", 0, 2048), texts("", 0, 2049)),
        ("command", texts("\u{1}", 341, 1), texts("\u{1}", 342, 1)),
        ("secrets", map(8, 8 * 1024), map(9, 0)),
        ("secrets", secret(64 * 1024), secret(64 * 1024 + 1)),
    ] {
        parse(member, &longest.to_string()).expect(member);
        check_refused(parse(member, &longer.to_string()), member, member);
    }
    let (longest, longer) = (key(64).to_string(), key(65).to_string());
    parse("secrets", &longest).expect("a name");
    check_refused(parse("secrets", &longer), "The name of a secret", &longer);
}

#[test]
fn a_body_that_is_not_exactly_an_order_is_refused() {
    for body in r#"|null|[]|["e"]|{}|{"environment":null}|{"environment":"e"}planted"#.split('|') {
        let order = parse_start(Secret::new("key"), body.as_bytes());
        check_refused(order, "The request body", body);
    }
    for body in [r#"{"environment":""}"#, r#"{"environment":"a b"}"#] {
        let order = parse_start(Secret::new("key"), body.as_bytes());
        check_refused(order, "environment must", body);
    }
}

#[test]
fn a_renewal_is_one_lifetime_and_nothing_else() {
    let half_an_hour = Duration::from_secs(1800);
    for body in [r#"{"lifetime":"30m"}"#, " {\n \"lifetime\" : \"30m\" }"] {
        assert_eq!(parse_renewal(body.as_bytes()), Ok(half_an_hour));
    }
    let odd = r#"|null|"30m"|["30m"]|{}|{"lifetime":"30m","lifetime":"30m"}|{"lifetime":"30m","a":"1"}|
        {"lifetme":"30m"}|{"lifetime":1800}|{"lifetime":null}|{"lifetime":"30m"}planted"#;
    for body in odd.split('|') {
        check_refused(parse_renewal(body.as_bytes()), "The request body", body);
    }
    for lifetime in [
        "",
        "planted",
        "0m",
        "59s",
        "367d",
        "-30m",
        "30m\\u0000",
        " 30m",
    ] {
        let body = format!(r#"{{"lifetime":"{lifetime}"}}"#);
        check_refused(parse_renewal(body.as_bytes()), "lifetime must", &body);
    }
}

#[test]
fn a_key_is_given_once_in_visible_ascii() {
    let longest = "x".repeat(255);
    for (values, expected) in [
        (&["k"][..], Some("k")),
        // Quotes are a part of it.
        (&[r#""k""#], Some(r#""k""#)),
        (&[&longest], Some(&longest)),
        (&[], None),
        (&[""], None),
        (&["a b"], None),
        (&["é"], None),
        (&[&format!("{longest}x")], None),
        (&["k", "k"], None),
    ] {
        let mut headers = HeaderMap::new();
        for value in values {
            let value = HeaderValue::from_bytes(value.as_bytes()).expect("a value");
            headers.append(IDEMPOTENCY_KEY, value);
        }
        let key = idempotency_key(&headers).ok();
        assert_eq!(key, expected.map(Secret::new), "{values:?}");
    }
}
