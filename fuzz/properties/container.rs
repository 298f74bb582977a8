//! The operator's patches of a target's container.

use dynamic_access::container::{Allowed, Body, Isolation, Of, Patch, PerTarget, SecretsVolume};

use super::*;

/// The options of `HostConfig` on the page that lists them all.
fn options() -> impl Strategy<Value = &'static str> {
    let page = include_str!("../../docs/options.md").split('`');
    let options = page.filter_map(|text| text.strip_prefix("HostConfig."));
    select(options.collect::<Vec<_>>())
}

/// Patches of any option and of keys that matter, spelt right or nearly right, with values that a guard should know.
fn patches() -> impl Strategy<Value = Value> {
    let near = words(
        "Privileged privileged PRIVILEGED Binds NetworkMode networkMode PidMode IpcMode UsernsMode
         CapAdd CapDrop capadd SecurityOpt Devices Memory PidsLimit Mounts VolumesFrom MaskedPaths
         CgroupnsMode Unknown",
    );
    let key = prop_oneof![near, options()];
    let text = words(
        "host HOST container:x ALL SYS_ADMIN CAP_SYS_ADMIN KILL none private no-new-privileges
         seccomp=unconfined apparmor=unconfined no-new-privileges=false /:/host targets",
    );
    let value = prop_oneof![
        2 => text.clone().prop_map(Value::from),
        4 => vec(prop_oneof![text.prop_map(str::to_owned), texts()], 0..3).prop_map(Value::from),
        1 => any::<bool>().prop_map(Value::from),
        1 => (-1..2_000_000_000_i64).prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        2 => texts().prop_map(Value::from),
        1 => Just(Value::Null),
        1 => Just(json!([{"Type": "bind", "Source": "/", "Target": "/host"}])),
        1 => json_values(),
    ];
    let host_config = btree_map(key, value.clone(), 0..3).prop_map(|members| json!(members));
    let one = (options(), value).prop_map(|(key, value)| json!({"HostConfig": {key: value}}));
    let outer = words("HostConfig HostConfig HostConfig hostconfig HOSTCONFIG");
    prop_oneof![
        9 => one,
        4 => Just(json!({})),
        9 => (outer, host_config).prop_map(|(outer, host_config)| json!({outer: host_config})),
        1 => json_values(),
    ]
}

/// The values of a key as the Engine reads it, without regard to case.
fn heard<'a>(object: &'a Value, key: &str) -> Vec<&'a Value> {
    let members = object.as_object().into_iter().flatten();
    members
        .filter(|(name, _)| name.eq_ignore_ascii_case(key))
        .map(|(_, value)| value)
        .collect()
}

/// Checks a body as the Engine would read it, with code that is independent of the guards.
fn check_confined(body: &Value) {
    let host_configs = heard(body, "HostConfig");
    assert_eq!(host_configs.len(), 1);
    let of = |key: &str| heard(host_configs[0], key);
    for key in "Privileged PidMode UsernsMode Binds Devices VolumesFrom".split(' ') {
        for value in of(key) {
            let text = value.to_string();
            let is_unset = ["null", "false", "\"\"", "[]", "{}"].contains(&text.as_str());
            assert!(is_unset, "{key} {text}");
        }
    }
    for key in ["NetworkMode", "IpcMode", "CgroupnsMode"] {
        for value in of(key) {
            let text = value.to_string().to_lowercase();
            let is_shared = text.contains("host") || text.contains("container:");
            assert!(!is_shared, "{key} {text}");
        }
    }
    assert!(of("CapDrop")[0].to_string().to_uppercase().contains("ALL"));
    let added = of("CapAdd").first().map(|added| added.to_string());
    let added = added.unwrap_or_default().to_uppercase();
    assert!(!added.contains("ALL") && !added.contains("ADMIN"));
    let options = of("SecurityOpt")[0].to_string();
    assert!(options.contains("no-new-privileges") && !options.contains("unconfined"));
    assert!(!options.contains("false"), "{options}");
    assert!(of("MaskedPaths").iter().all(|paths| paths.is_null()));
    let mounts = of("Mounts").first().map(|mounts| mounts.to_string());
    assert!(!mounts.unwrap_or_default().contains("bind"));
    for limit in ["Memory", "MemorySwap", "PidsLimit"] {
        let limit = of(limit)[0].as_i64();
        assert!(limit.is_some_and(|limit| (1..=2 << 40).contains(&limit)));
    }
    check_texts(host_configs[0]);
}

/// Checks that no text in a value, keys included, has a second meaning for an Engine.
fn check_texts(value: &Value) {
    let check = |text: &str| {
        let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic());
        assert!(
            is_plain && !text.to_lowercase().contains("container:"),
            "{text:?}"
        );
    };
    match value {
        Value::String(text) => check(text),
        Value::Array(entries) => entries.iter().for_each(check_texts),
        Value::Object(members) => members.iter().for_each(|(key, member)| {
            check(key);
            check_texts(member);
        }),
        _ => {}
    }
}

#[test]
fn whatever_the_patch_a_body_that_is_made_is_confined() {
    for_all((patches(), patches()), |(first, second)| {
        let patches = [first, second].map(|value| Patch::from_value(value).ok());
        let patches: Vec<&Patch> = patches.iter().flatten().collect();
        let body = |isolation| Body::new(Of::Container, &patches, isolation, &Allowed::default());
        if let Ok(body) = body(Isolation::Kept) {
            let own = PerTarget {
                name: "own",
                stop_grace: Duration::ZERO,
                image: "agent",
                env: &["SERVICE_URL=https://host".to_owned()],
                labels: &[(NAME, "own")],
                volume: SecretsVolume::LikeImage,
            };
            let whole = body.with(&own);
            check_confined(&whole);
            assert_eq!(heard(&whole, "Image"), [&json!("agent")]);
            assert_eq!(whole["Labels"][NAME], "own");
            assert_eq!(whole["Env"][0], "SERVICE_URL=https://host");
        }
        // It does not panic either where everything is permitted.
        let _ = body(Isolation::GivenUp);
    });
}
