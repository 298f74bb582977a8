//! What holds for every patch.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample;
use serde_json::{Value, json};

use super::super::create_body::TABLE;
use super::{CONTAINER, Isolation, plain_target};

/// Beginnings, middles and ends from which texts are made that an Engine might take
/// for something else.
#[rustfmt::skip]
const PIECES: [&str; 24] = [
    "", " ", "\t", "\n", "\u{0}", "\u{a0}", ",", "=", ":", "\"", "host", "HOST", "unconfined", "container:db", "/run/dynamic-access",
    "../", "path", "private", "0", "-1", "99999999999999999999", "no-new-privileges", "apparmor=", "target",
];

fn value() -> impl Strategy<Value = Value> {
    let text = || vec(sample::select(&PIECES[..]), 0..4).prop_map(|pieces| pieces.concat());
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-2..3_i64).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 8, 3, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Value::from),
            vec((text(), inner), 0..3).prop_map(|members| members.into_iter().collect()),
        ]
    })
}

/// Every text in a value, the keys among them.
fn texts_in(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => found.push(text.clone()),
        Value::Array(entries) => entries.iter().for_each(|entry| texts_in(entry, found)),
        Value::Object(members) => {
            for (key, member) in members {
                found.push(key.clone());
                texts_in(member, found);
            }
        }
        _ => {}
    }
}

proptest! {
    /// Whatever a patch sets, the body that is taken has all limits, and no text
    /// that has two meanings.
    #[test]
    fn a_body_that_is_taken_is_isolated(index in any::<sample::Index>(), value in value()) {
        let keys: Vec<_> = TABLE.rows.iter().filter_map(|row| row.0.strip_prefix("HostConfig.")).collect();
        let key = keys[index.index(keys.len())];
        let Ok(body) = CONTAINER.build(&[json!({"HostConfig": {key: value}})], Isolation::Kept) else {
            return Ok(());
        };
        let host_config = &body.value()["HostConfig"];
        for limit in ["Memory", "MemorySwap", "PidsLimit"] {
            prop_assert!(host_config[limit].as_i64().is_some_and(|limit| (1..=2 << 40).contains(&limit)));
        }
        prop_assert_eq!(&host_config["CgroupnsMode"], "private");
        prop_assert_eq!(&host_config["CapDrop"][0], "ALL");
        let mut texts = Vec::new();
        texts_in(host_config, &mut texts);
        for text in texts {
            prop_assert!(text.bytes().all(|byte| byte.is_ascii_graphic()), "{:?}", text);
            let lower = text.to_ascii_lowercase();
            prop_assert!(!lower.contains("unconfined") || !lower.contains("apparmor"), "{:?}", text);
            prop_assert!(!lower.contains("container:"), "{:?}", text);
        }
    }

    /// What a patch adds never has the name of a variable, a label or a place of the
    /// server's own, as any Engine reads them.
    #[test]
    fn additions_never_replace_the_servers_own(before in 0..PIECES.len(), after in 0..PIECES.len()) {
        let name = format!("{}SERVICE_URL{}", PIECES[before], PIECES[after]);
        let patch = json!({"Env": [format!("{name}=x")]});
        if let Ok(body) = CONTAINER.build(&[patch], Isolation::GivenUp) {
            let whole = body.with(&plain_target());
            let entry = whole["Env"][0].as_str().expect("text");
            let read = entry.split('=').next().expect("a name").trim();
            prop_assert_ne!(read, "SERVICE_URL");
        }
        let path = format!("{}/run/dynamic-access{}", PIECES[before], PIECES[after]);
        let mount = json!({"Type": "volume", "Target": path, "Consistency": PIECES[before]});
        let patch = json!({"HostConfig": {"Mounts": [mount]}});
        if CONTAINER.build(&[patch], Isolation::GivenUp).is_ok() {
            prop_assert!(!path.trim().ends_with("/run/dynamic-access"), "{}", path);
        }
    }
}
