//! A service's specification, as managers of different versions show it: each drops the
//! fields that it does not know, from its replies and from what it passes on.

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::node::Node;
use crate::docker::short_hex;

/// The newer options of a template, each with the first version of the Engine that knows
/// it (Engine API, version history). Options from before 25 are not listed, because no
/// earlier Engine is permitted.
const SINCE: [(&str, u32); 7] = [
    ("/ContainerSpec/Privileges/NoNewPrivileges", 25),
    ("/ContainerSpec/Privileges/Seccomp", 25),
    ("/ContainerSpec/Privileges/AppArmor", 25),
    ("/ContainerSpec/Healthcheck/StartInterval", 25),
    ("/ContainerSpec/OomScoreAdj", 27),
    ("/Resources/SwapBytes", 29),
    ("/Resources/MemorySwappiness", 29),
];

/// Says which of these nodes does not know an option of a template. A version that cannot
/// be parsed counts as newer.
pub fn too_old<'a>(nodes: impl Iterator<Item = &'a Node>, template: &Value) -> Option<String> {
    let used = SINCE.iter().filter(|(option, _)| {
        let value = template.pointer(option);
        value.is_some_and(|value| !is_default(value))
    });
    let (option, since) = used.max_by_key(|(_, since)| since)?;
    let mut old = nodes.filter(|node| node.major().is_some_and(|major| major < *since));
    let option = option.trim_start_matches('/').replace('/', ".");
    old.next().map(|node| {
        format!(
            "node {} has Docker {}, which leaves {option} out of a service; upgrade it to {since} or later, or take it out of the Swarm",
            node.hostname, node.engine
        )
    })
}

/// A digest of a service's specification without its labels and replicas. Empty members
/// do not count, because some versions show them and others do not.
pub fn digest(spec: &Value) -> String {
    let mut digest = Sha256::new();
    let members = spec.as_object().into_iter().flatten();
    for (name, value) in members.filter(|(name, _)| !matches!(&***name, "Labels" | "Mode")) {
        if let Some(value) = without_defaults(value) {
            digest.update(format!("{name}={value}\0"));
        }
    }
    short_hex(digest)
}

fn without_defaults(value: &Value) -> Option<Value> {
    let value = match value {
        Value::Object(members) => members
            .iter()
            .filter_map(|(name, value)| Some((name.clone(), without_defaults(value)?)))
            .collect(),
        Value::Array(entries) => {
            let entries = entries.iter();
            entries
                .map(|entry| without_defaults(entry).unwrap_or_default())
                .collect()
        }
        other => other.clone(),
    };
    (!is_default(&value)).then_some(value)
}

/// Whether a Swarm treats a member with this value as absent.
fn is_default(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(flag) => !flag,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(entries) => entries.is_empty(),
        Value::Object(members) => members.is_empty(),
    }
}

/// The path of the first option of `sent` that a manager does not show. Does not compare
/// values, because a Swarm writes some in its own way. Reads names in any case, like an
/// Engine.
pub fn missing(sent: &Value, shown: &Value) -> Option<String> {
    let members = sent.as_object()?.iter();
    let mut set = members.filter(|(_, value)| !is_default(value));
    set.find_map(|(name, value)| {
        let mut shown = shown.as_object().into_iter().flatten();
        let found = shown.find(|(known, _)| known.eq_ignore_ascii_case(name));
        match found {
            None => Some(name.clone()),
            Some((_, shown)) => Some(format!("{name}.{}", missing(value, shown)?)),
        }
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::node::tests::node;
    use super::*;

    #[test]
    fn an_engine_is_too_old_for_an_option_that_it_does_not_know() {
        let plain = json!({"ContainerSpec": {"Privileges": {"NoNewPrivileges": true}}});
        let mut later = plain.clone();
        later["ContainerSpec"]["OomScoreAdj"] = 500.into();
        let unset = json!({"ContainerSpec": {"OomScoreAdj": 0}});
        let privilege = Some("ContainerSpec.Privileges.NoNewPrivileges");
        for (engine, template, option) in [
            ("20.10.24+dfsg1", &plain, privilege),
            ("24.0.9", &plain, privilege),
            ("25.0.0", &plain, None),
            ("29.1.0-rc.1", &plain, None),
            ("", &plain, None),
            ("26.1.5+dfsg1", &later, Some("ContainerSpec.OomScoreAdj")),
            ("27.0.0", &later, None),
            ("20.10.24", &unset, None),
        ] {
            let nodes = ["29.0.0", engine].map(|engine| Node {
                engine: engine.to_owned(),
                ..node("n", Some(true))
            });
            let found = too_old(nodes.iter(), template);
            let names = |option| found.as_deref().is_some_and(|found| found.contains(option));
            assert!(option.map_or(found.is_none(), names), "{engine} {found:?}");
        }
    }

    #[test]
    fn a_digest_stands_for_all_but_labels_replicas_and_what_says_nothing() {
        let spec = json!({
            "Name": "n",
            "Labels": {"a": "b"},
            "TaskTemplate": {"ContainerSpec": {"Image": "i", "Args": ["", "a"]}},
            "Mode": {"Replicated": {"Replicas": 0}},
            "EndpointSpec": {"Mode": "dnsrr"},
        });
        let changed = |path: &str, value: Value| {
            let mut spec = spec.clone();
            let (object, name) = path.rsplit_once('/').expect("a path");
            spec.pointer_mut(object).expect("an object")[name] = value;
            digest(&spec)
        };
        for (path, value) in [
            ("/Labels/a", json!("c")),
            ("/Mode/Replicated", json!({"Replicas": 1})),
            ("/TaskTemplate/ForceUpdate", json!(0)),
            ("/TaskTemplate/ContainerSpec/Isolation", json!("")),
            ("/TaskTemplate/ContainerSpec/TTY", json!(false)),
            (
                "/TaskTemplate/ContainerSpec/DNSConfig",
                json!({"Search": []}),
            ),
            ("/TaskTemplate/Placement", Value::Null),
        ] {
            assert_eq!(changed(path, value), digest(&spec), "{path}");
        }
        for (path, value) in [
            ("/TaskTemplate/ContainerSpec/Image", json!("j")),
            ("/TaskTemplate/ContainerSpec/OomScoreAdj", json!(500)),
            ("/TaskTemplate/ContainerSpec/Args", json!(["a", ""])),
            ("/TaskTemplate/ContainerSpec/Args", json!(["a"])),
            ("/EndpointSpec/Mode", Value::Null),
            ("/Networks", json!([{"Target": "n"}])),
        ] {
            assert_ne!(changed(path, value), digest(&spec), "{path}");
        }
    }

    #[test]
    fn an_option_that_is_not_shown_is_missing() {
        let sent = json!({
            "ContainerSpec": {"Privileges": {"NoNewPrivileges": true}, "TTY": false, "args": ["a"]},
            "Networks": [{"Target": "name"}],
        });
        let whole = json!({
            "ContainerSpec": {"Privileges": {"NoNewPrivileges": true}, "Args": ["a"]},
            "Networks": [{"Target": "id"}],
            "ForceUpdate": 0,
        });
        let privileges = "/ContainerSpec/Privileges";
        let privilege = "ContainerSpec.Privileges.NoNewPrivileges";
        assert_eq!(missing(&sent, &whole), None);
        for (object, name, path) in [
            ("", "ContainerSpec", "ContainerSpec"),
            ("", "Networks", "Networks"),
            ("/ContainerSpec", "Args", "ContainerSpec.args"),
            (privileges, "NoNewPrivileges", privilege),
        ] {
            let mut shown = whole.clone();
            let members = shown.pointer_mut(object).and_then(Value::as_object_mut);
            members.expect("an object").remove(name);
            assert_eq!(missing(&sent, &shown).as_deref(), Some(path));
        }
    }
}
