//! Properties for all input from outside: credentials, bodies, ids, variables and the Engine's replies, each on its
//! own, and then a whole webhook.
//!
//! A property is a claim about all inputs of a strategy, some of which are nearly right and some anything at all.
//! `cargo test --test properties` draws 256 inputs for each property, or as many as `PROPTEST_CASES` says, and prints
//! the smallest that shows a failure. The fuzz targets use the claims alone. An input worth keeping gets a test with a
//! name.
#![cfg_attr(
    not(test),
    allow(
        dead_code,
        unused_imports,
        reason = "a fuzz target has libFuzzer's inputs"
    )
)]

mod bodies;
mod container;
mod credentials;
mod engine;
mod names;
mod scripted;
mod serve;
mod variables;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;
use std::time::Duration;

use dynamic_access::auth::Secrets;
use dynamic_access::docker::{ContainerName, DeploymentId, EngineUrl, ImageReference, TargetId};
use dynamic_access::docker::{create, image, inspect, list, remove, start, stats, volume};
use dynamic_access::error::Error;
use dynamic_access::fault::Fault;
use dynamic_access::platform::TransportError;
use dynamic_access::platform::{BodyError, HttpRequest, HttpResponse, Keep, Platform};
use dynamic_access::route::known_path;
use dynamic_access::secret::Secret;
use dynamic_access::webhook::body::{parse_start, parse_stop};
use dynamic_access::{api, config, docker, server};
use http::{Method, StatusCode, Uri};
use pollster::block_on;
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::sample::select;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

pub use bodies::check_body;
pub use engine::check_reply;
pub use serve::check_served;

/// A value that occurs only where a test has put it.
const PLANTED: &str = "QZJXKVWPTMBRLDGH";

/// A token in a test's order, and in an Engine's reply to it.
const TOKEN: &str = "4b6f52b5-4f2b-4d55-8a0e-2f1c7a3a9d10";

/// The `webhook_secret`.
pub const SECRET: &str = "c29tZSBnb29kIHNlY3JldA==";
const OTHER_SECRET: &str = "YW5vdGhlciBnb29kIG9uZQ==";
const API_SECRET: &str = "YSBwcm9ncmFtJ3Mgc2VjcmV0";

const DEPLOYMENT: &str = "dynamic-access.deployment";
const NAME: &str = "dynamic-access.name";

/// Every variable of `spin.toml`, with its default.
fn defaults() -> impl Iterator<Item = (&'static str, &'static str)> {
    include_str!("../../spin.toml").lines().filter_map(|line| {
        let (name, rest) = line.split_once(" = { default = \"")?;
        Some((name, rest.split('"').next()?))
    })
}

/// The variables with their defaults or those of these tests, except one of them.
pub fn variables(name: &str, value: &str) -> impl Fn(&'static str) -> Result<String, String> {
    const USUAL: [(&str, &str); 6] = [
        ("webhook_secret", SECRET),
        ("api_secret", API_SECRET),
        ("deployment_id", "da"),
        ("max_targets", "2"),
        ("service_urls", "https://* http://*"),
        ("ports", r#"{"ssh":22}"#),
    ];
    move |wanted| {
        let mut known = USUAL.into_iter().chain(defaults());
        let usual = known.find(|(known, _)| *known == wanted);
        let usual = usual.map(|found| found.1);
        let value = if wanted == name { Some(value) } else { usual };
        value.map(str::to_owned).ok_or("is not defined".to_owned())
    }
}

/// One of the variables that have a default.
fn variable_names() -> impl Strategy<Value = &'static str> {
    select(defaults().map(|(name, _)| name).collect::<Vec<_>>())
}

/// One of these words.
fn words(text: &'static str) -> impl Strategy<Value = &'static str> + Clone {
    select(text.split_whitespace().collect::<Vec<_>>())
}

/// Checks a request to the Engine whose path and query contain `parts` unchanged.
fn check_request(request: &HttpRequest, parts: &[&str]) {
    let uri = request.uri().to_string();
    let reread: Uri = uri.parse().expect("a URI");
    assert_eq!(&reread, request.uri());
    let mut segments = request.uri().path().split('/');
    assert!(segments.all(|segment| segment != ".."));
    for part in parts {
        assert!(uri.contains(part), "{part} in {uri}");
    }
    let length = request.body().len().to_string();
    assert_eq!(request.headers()["content-length"], length.as_str());
    assert!(!request.headers().contains_key("transfer-encoding"));
}

/// The names of the Engine's members, and those of the webhooks'.
const MEMBERS: &str =
    "Image ImageID Id Names State Labels Created Warnings FinishedAt ExitCode message";
const ORDER_MEMBERS: &str = "ExitCode message serviceUrl activationToken environmentId uniqueId";

/// Tests that `claim`, which panics if it does not hold, holds for all values drawn from `inputs`.
#[track_caller]
fn for_all<S: Strategy>(inputs: S, claim: impl Fn(S::Value))
where
    S::Value: Debug,
{
    let config = Config {
        failure_persistence: None,
        ..Config::default()
    };
    let outcome = TestRunner::new(config).run(&inputs, |input| {
        claim(input);
        Ok(())
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
}

/// Whether `text` contains eight or more successive characters of `value`.
fn shows(text: &str, value: &str) -> bool {
    (0..=value.len() - 8).any(|start| text.contains(&value[start..start + 8]))
}

/// Whether a text shows none of these values.
fn hides(text: &str, values: &[&str]) -> bool {
    !values.iter().any(|value| shows(text, value))
}

fn is_id(text: &str) -> bool {
    text.chars().count() == 64 && text.chars().all(|digit| "0123456789abcdef".contains(digit))
}

fn ids() -> impl Strategy<Value = String> {
    "[0-9a-f]{64}"
}

/// Ids and near-ids.
fn near_ids() -> impl Strategy<Value = String> {
    prop_oneof![
        ids(),
        "[0-9a-f]{62,66}",
        "[0-9a-fA-F]{64}",
        "[0-9a-f]{63}[^0-9a-f]",
        "[0-9a-f]{62}\u{e9}",
        "\\PC{0,70}",
        Just(PLANTED.to_owned()),
    ]
}

/// Any text, mostly with characters that may confuse a parser.
fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[a-z0-9./:@%?#_+ -]{0,24}",
        ("[ -~]{0,4}", "[ -~]{0,4}")
            .prop_map(|(before, after)| format!("{before}{PLANTED}{after}")),
    ]
}

/// Any JSON, with the members that matter among its keys.
fn json_values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        texts().prop_map(Value::from),
        near_ids().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 6, |inner| {
        let key = prop_oneof![4 => prop_oneof![words(MEMBERS), words(ORDER_MEMBERS)].prop_map(str::to_owned), 1 => texts()];
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            btree_map(key, inner, 0..6).prop_map(|members| members.into_iter().collect()),
        ]
    })
}

/// An object's text with members of any number, some of them twice.
fn object_text(members: &[(String, Value)]) -> String {
    let members = members
        .iter()
        .map(|(key, value)| format!("{}:{value}", Value::from(key.as_str())));
    format!("{{{}}}", members.collect::<Vec<_>>().join(","))
}

/// Anything that may arrive as a body: an object with the members of a webhook, whole or cut off, or other JSON, or any
/// bytes.
fn bodies() -> impl Strategy<Value = Vec<u8>> {
    let member = (
        words(ORDER_MEMBERS).prop_map(str::to_owned),
        prop_oneof![
            6 => "https?://[a-z0-9.]{1,12}(:[0-9]{1,5})?/?[ -~]{0,3}".prop_map(Value::from),
            6 => "[A-Za-z0-9._~+/=:-]{1,40}".prop_map(Value::from),
            2 => near_ids().prop_map(Value::from),
            2 => texts().prop_map(Value::from),
            1 => json_values(),
        ],
    );
    let url = prop_oneof![
        6 => "https?://[a-z]{1,9}(:[0-9]{2,4})?/?",
        1 => texts().prop_map(|path| format!("https://host/{path}")),
        1 => "[a-z/]{0,8}:/{0,3}[!-~]{0,9}",
    ];
    let start = (url, near_tokens(), near_tokens()).prop_map(|(url, token, environment)| {
        json!({"serviceUrl": url, "activationToken": token, "environmentId": environment})
    });
    prop_oneof![
        8 => start.prop_map(|body| body.to_string().into_bytes()),
        4 => vec(member, 0..5).prop_map(|members| object_text(&members).into_bytes()),
        2 => near_ids().prop_map(|id| json!({"uniqueId": id}).to_string().into_bytes()),
        1 => vec(prop_oneof![ids(), near_tokens(), Just("https://host/".to_owned())], 1..4)
            .prop_map(|array| Value::from(array).to_string().into_bytes()),
        1 => json_values().prop_map(|value| value.to_string().into_bytes()),
        1 => vec(any::<u8>(), 0..80),
    ]
    .prop_flat_map(|body| {
        let whole = body.len();
        (Just(body), prop_oneof![9 => Just(whole), 1 => 0..=whole])
    })
    .prop_map(|(body, length)| body[..length].to_vec())
}

/// Tokens and near-tokens.
fn near_tokens() -> impl Strategy<Value = String> {
    prop_oneof![8 => "[A-Za-z0-9][A-Za-z0-9._~+/=:-]{0,40}", 1 => texts()]
}
