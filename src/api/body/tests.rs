//! Bodies of `/v1` and idempotency keys.

use http::HeaderValue;
use proptest::string::string_regex;
use proptest::{prop_assert, proptest};
use serde_json::{Value, json};

use super::*;
use crate::error::Error;

pub(super) fn parse(body: &Value) -> Result<StartOrder, RequestError> {
    parse_start(Secret::new("key"), body.to_string().as_bytes())
}

/// Checks that a body is refused, with a sentence that begins like this and does not
/// show the value.
#[track_caller]
pub(super) fn check_refused(body: &Value, beginning: &str) {
    match parse(body) {
        Err(RequestError::BadField(sentence)) => {
            let begins = ["", "The name of a ", "Each "].map(|start| format!("{start}{beginning}"));
            let is_it = begins.iter().any(|begin| sentence.starts_with(begin));
            assert!(is_it && !sentence.contains("planted"), "{sentence}");
        }
        other => panic!("{body}: {other:?}"),
    }
}

#[test]
fn an_order_has_what_the_body_says() {
    let order = parse(&json!({
        "environment": "e",
        "secrets": {"activation-token": "t", "tls-key": "-----\n\u{0}é"},
        "lifetime": "8h",
        "serviceUrl": "https://host/",
    }))
    .expect("an order");
    assert_eq!(order.key, Key::IdempotencyKey(Secret::new("key")));
    assert_eq!(order.environment_id, "e");
    assert_eq!(order.service_url.as_deref(), Some("https://host/"));
    assert_eq!(order.lifetime, Some(Duration::from_secs(8 * 3600)));
    assert_eq!(order.activation_token(), Some(&Secret::new("t")));
    assert_eq!(order.secrets[1].name, "tls-key");
    assert_eq!(order.secrets[1].content.expose(), "-----\n\u{0}é");
    let least = parse(&json!({"environment": "e"})).expect("an order");
    assert_eq!((least.service_url, least.lifetime), (None, None));
    assert!(least.secrets.is_empty());
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
            let body = json!({"environment": "e", "serviceUrl": url});
            prop_assert!(parse(&body).is_ok(), "{}", url);
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
        "secrets": secrets.collect::<serde_json::Map<_, _>>(),
        "lifetime": "366d",
        "serviceUrl": format!("https://{}", "h".repeat(2040)),
        "env": {"V": of(16 * 1024 - 1)},
        "command": [of(341)],
        "image": "i".repeat(455),
        "resources": {"memory": "1024GiB", "cpus": 1024},
    });
    assert!(body.to_string().len() <= BODY_BYTES_MAX);
    parse(&body).expect("an order");
}

#[test]
fn an_owner_and_labels_are_taken_up_to_their_bounds() {
    let with = |owner: &str, labels: &Value| {
        parse(&json!({"environment": "e", "owner": owner, "labels": labels}))
    };
    let owner = "\u{e9}".repeat(128);
    let order = with(&owner, &json!({"b/1": "x", "a": ""})).expect("an order");
    assert_eq!(order.owner, Some(owner));
    assert_eq!(order.labels_text(), r#"{"a":"","b/1":"x"}"#);
    let none = parse(&json!({"environment": "e", "owner": null, "labels": {}}));
    let none = none.expect("an order");
    assert_eq!((none.owner.as_deref(), &*none.labels_text()), (None, ""));
    let labels = |count: usize, length: usize| {
        let pair = |number| (format!("k{number:0>62}"), json!("v".repeat(length)));
        Value::Object((0..count).map(pair).collect())
    };
    with("o", &labels(16, 32)).expect("sixteen");
    with("o", &labels(6, 256)).expect("long ones");
    for (owner, labels) in [
        ("", json!({})),
        (&*"o".repeat(129), json!({})),
        ("planted\u{0}", json!({})),
        ("planted\n", json!({})),
        ("planted\u{85}", json!({})),
        ("o", labels(17, 1)),
        ("o", labels(7, 256)),
        ("o", json!({"": "planted"})),
        ("o", json!({"planted=": ""})),
        ("o", json!({"planted\u{e9}": ""})),
        ("o", json!({"k".repeat(64): ""})),
        ("o", json!({"a": "v".repeat(257)})),
        ("o", json!({"a": "planted\u{1b}"})),
        ("o", json!({"a": 1})),
        ("o", json!(["planted"])),
    ] {
        let error = Error::from(with(owner, &labels).expect_err("a refusal"));
        assert!(!error.to_string().contains("planted"), "{error}");
    }
}

#[test]
fn a_body_that_is_not_exactly_an_order_is_refused_and_not_shown() {
    for body in [
        "",
        "null",
        "[]",
        r#"["e"]"#,
        "{}",
        r#"{"environment":""}"#,
        r#"{"environment":"planted e"}"#,
        r#"{"environment":null}"#,
        r#"{"environment":"e","environment":"e"}"#,
        r#"{"environment":"e","lifetme":"planted"}"#,
        r#"{"environment":"e","lifetime":"planted"}"#,
        r#"{"environment":"e","lifetime":60}"#,
        r#"{"environment":"e","lifetime":"59s"}"#,
        r#"{"environment":"e","serviceUrl":"ftp://planted"}"#,
        r#"{"environment":"e","secrets":["planted"]}"#,
        r#"{"environment":"e","secrets":null}"#,
        r#"{"environment":"e","labels":null}"#,
        r#"{"environment":"e","labels":{"a":"planted","a":"planted"}}"#,
        r#"{"environment":"e","owner":"planted","owner":"planted"}"#,
        r#"{"environment":"e","owner":1}"#,
        r#"{"environment":"e","secrets":{"a":{"planted":1}}}"#,
        r#"{"environment":"e","secrets":{"a":"planted","a":"planted"}}"#,
        r#"{"environment":"e"}planted"#,
    ] {
        let error = parse_start(Secret::new("key"), body.as_bytes()).expect_err(body);
        assert!(matches!(error, RequestError::BadField(_)), "{error:?}");
        let error = Error::from(error).to_string();
        assert!(!error.contains("planted"), "{error}");
    }
}

#[test]
fn a_renewal_is_one_lifetime_and_nothing_else() {
    let half_an_hour = Duration::from_secs(1800);
    for body in [r#"{"lifetime":"30m"}"#, " {\n \"lifetime\" : \"30m\" }"] {
        assert_eq!(parse_renewal(body.as_bytes()), Ok(half_an_hour));
    }
    for body in [
        "",
        "null",
        r#""30m""#,
        r#"["30m"]"#,
        "{}",
        r#"{"lifetime":"30m","lifetime":"30m"}"#,
        r#"{"lifetime":"30m","planted":"1"}"#,
        r#"{"lifetme":"planted"}"#,
        r#"{"lifetime":"planted"}"#,
        r#"{"lifetime":""}"#,
        r#"{"lifetime":"0m"}"#,
        r#"{"lifetime":"59s"}"#,
        r#"{"lifetime":"367d"}"#,
        r#"{"lifetime":"-30m"}"#,
        r#"{"lifetime":"30m\u0000"}"#,
        r#"{"lifetime":" 30m"}"#,
        r#"{"lifetime":1800}"#,
        r#"{"lifetime":null}"#,
        r#"{"lifetime":"30m"}planted"#,
    ] {
        let error = parse_renewal(body.as_bytes()).expect_err(body);
        assert!(matches!(error, RequestError::BadField(_)), "{error:?}");
        let error = Error::from(error).to_string();
        assert!(!error.contains("planted"), "{error}");
    }
}

#[test]
fn quotes_are_a_part_of_the_key() {
    let [quoted, plain] = [r#""k""#, "k"].map(|value| {
        let mut headers = HeaderMap::new();
        headers.insert(IDEMPOTENCY_KEY, HeaderValue::from_static(value));
        idempotency_key(&headers).expect("a key")
    });
    assert_eq!(quoted, Secret::new(r#""k""#));
    assert_eq!(plain, Secret::new("k"));
}

#[test]
fn a_key_is_given_once_in_visible_ascii() {
    let longest = "x".repeat(255);
    for (values, expected) in [
        (&["k"][..], Some("k")),
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
        let key = idempotency_key(&headers);
        let expected = expected
            .map(Secret::new)
            .ok_or(RequestError::BadIdempotencyKey);
        assert_eq!(key, expected, "{values:?}");
    }
}
