//! Which values the variables take, alone and together, and what becomes of them.

use serde_json::{Value, json};

use super::*;

/// The defaults of `spin.toml`, with `changes` over them.
fn variables(changes: &[(&str, &str)]) -> impl Fn(&'static str) -> Result<String, String> {
    for (name, _) in changes {
        let is_known = manifest().any(|(known, _)| known == *name);
        assert!(is_known, "{name} is unknown");
    }
    move |name| {
        let mut set = changes.iter().copied().chain(manifest());
        let value = set.find(|(known, _)| *known == name);
        value
            .map(|(_, value)| value.to_owned())
            .ok_or_else(|| "is not defined".to_owned())
    }
}

/// The configuration of the defaults, with `changes` over them.
pub(crate) fn config(changes: &[(&str, &str)]) -> Config {
    Config::parse(&variables(changes)).expect("a config")
}

/// All variables and their defaults, which are empty where a variable is required.
fn manifest<'a>() -> impl Iterator<Item = (&'a str, &'a str)> {
    let (_, variables) = include_str!("../../spin.toml")
        .split_once("[variables]\n")
        .expect("some");
    let variables = variables.lines().take_while(|line| !line.is_empty());
    variables.map(|line| {
        let (name, rest) = line.split_once(" = { ").expect("a variable");
        let default = rest.strip_prefix("default = \"");
        (
            name,
            default
                .and_then(|rest| rest.split('"').next())
                .unwrap_or_default(),
        )
    })
}

/// The configuration of the defaults, with changes such as `ports {}; public_host host`
/// over them. `PINNED` is the id of an image.
fn parsed(changes: &str) -> Result<Config, String> {
    let changes = changes.replace("PINNED", &format!("sha256:{}", "01".repeat(32)));
    let changes = changes.split("; ").map(|change| change.split_once(' '));
    let changes: Vec<_> = changes.map(|change| change.expect("a value")).collect();
    Config::parse(&variables(&changes))
}

#[track_caller]
fn check(changes: &str, problem: Option<&str>) {
    match (parsed(changes), problem) {
        (Err(found), Some(problem)) => {
            let is_told = found.contains(problem) && !found.contains("planted");
            assert!(is_told, "{changes}: {found}");
        }
        (found, expected) => assert_eq!(found.err().as_deref(), expected, "{changes}"),
    }
}

fn rows(table: &str) -> impl Iterator<Item = &str> {
    table.lines().map(str::trim).filter(|row| !row.is_empty())
}

/// The values of each variable, with `|` between them. `␀` is a NUL, `␍` the end of a line.
fn values(table: &str) -> impl Iterator<Item = (&str, Vec<String>)> {
    rows(table).map(|row| {
        let (name, values) = row.split_once(' ').expect("a value");
        let plain = |value: &str| value.replace('␀', "\0").replace('␍', "\r\n");
        (name, values.split('|').map(plain).collect())
    })
}

const REFUSED: &str = r#"
    scheduler kubernetes|Engine|
    docker_url tcp://127.0.0.1:2375
    docker_plaintext yes
    docker_authorization 0123456789abcdef|Bearer|Bearer short|Bearer 0123456789abcde
    docker_authorization Bearer  0123456789abcdef|Bearer 0123456789␍abcdef|Bearer 0123456789abcdefé
    docker_authorization Bearer: 0123456789abcdef
    agent_image no image
    deployment_id |A
    max_targets |-0|-1|+1|1001|1e3|ten|1.0
    max_targets_per_owner -1|+1|1001|one|1.0
    max_lifetime 59s|367d|0d|8 days
    image_pull always
    registry_auth user:password
    container_patch |[]|null|1|{|{}x|{"HostConfig":{"Memory":1,"Memory":2}}
    container_patch_unsafe yes
    allow_capabilities SYS_ADMIN|CAP_SYS_MODULE|SYS_CHROOT SYS_PTRACE|NET_ADMIN|ALL|CAP_ALL|CAP_
    allow_capabilities CAP_CAP_SYS_CHROOT|sys_chroot|SYS_CHROOT,NET_RAW|SYS_CHROOT␀A
    allow_capabilities CHOWN|DAC_OVERRIDE|FOWNER|KILL|SETGID|SETUID
    allow_volumes v|-v|.v|/host|a/b|a,b|a:b|a␀b|vé
    environments {|[]
    service_urls |*|https://*.example.com/path|https://a*.example.com|https://a,https://b
    token_delivery mail
    stop_grace 16s|1m|1h|x
    ports 22
    publish_address |localhost|127.0.0.1:22|[::1]|127.0.0
    public_host 0.0.0.0|::|[::1]|host:22|http://a|a b|-a|a-|a..b|a_b|a␀b
"#;

const TAKEN: &str = r#"
    docker_authorization |token ~!#$%^&*()_+{}:0
    max_targets 0|0010|1000
    max_targets_per_owner |0|1000
    max_lifetime 60s|366d
    stop_grace 0s|15s
    allow_capabilities |SYS_CHROOT CAP_NET_RAW
    allow_volumes |pip-cache models_2.1
    ports {}|{"a":1,"b":65535}|{"a":53,"b":"53/udp"}
    publish_address ::1
    public_host |targets.example.com|host|192.0.2.1|2001:db8::1
"#;

#[test]
fn a_variable_takes_its_values_and_no_others() {
    for (name, values) in values(REFUSED) {
        for value in values {
            let problem = parsed(&format!("{name} {value}")).expect_err(&value);
            let shows = problem.contains("0123456789");
            let shows = shows || value.len() > 8 && problem.contains(&value);
            assert!(problem.starts_with(name) && !shows, "{value}: {problem}");
        }
    }
    for (name, values) in values(TAKEN) {
        for value in values {
            check(&format!("{name} {value}"), None);
        }
    }
}

#[test]
fn all_problems_are_named_together() {
    let one_of_each = values(REFUSED).map(|(name, values)| format!("{name} {}", values[0]));
    let problems = parsed(&one_of_each.collect::<Vec<_>>().join("; ")).expect_err("problems");
    // The secrets of callers are not a part of the configuration.
    for (name, _) in manifest().filter(|(name, _)| !name.ends_with("_secret")) {
        assert!(problems.contains(name), "{name}: {problems}");
    }
}

#[test]
fn a_value_has_a_longest_form() {
    let secret = |chars| format!("Bearer {}", "0".repeat(chars));
    let urls = |count| "https://a ".repeat(count);
    let ports = |count| (1..=count).map(|port| (format!("a{port}"), json!(port)));
    let ports = |count| Value::Object(ports(count).collect()).to_string();
    let spaces = |count| format!("{{{}}}", " ".repeat(count));
    let environments = |count| (0..count).map(|number| (format!("e{number}"), json!({})));
    let environments = |count| Value::Object(environments(count).collect()).to_string();
    let images = |count| json!({"e": {"images": vec!["a"; count]}}).to_string();
    let name = |chars| format!(r#"{{"{}":1}}"#, "a".repeat(chars));
    for (variable, longest, longer) in [
        ("docker_authorization", secret(8192), secret(8193)),
        ("allow_volumes", "cache ".repeat(16), "cache ".repeat(17)),
        ("allow_volumes", "v".repeat(63), "v".repeat(64)),
        ("service_urls", urls(64), urls(65)),
        ("public_host", ["a"; 127].join("."), ["a"; 128].join(".")),
        ("ports", ports(16), ports(17)),
        ("ports", spaces(4094), spaces(4095)),
        ("ports", name(32), name(33)),
        ("environments", environments(1000), environments(1001)),
        ("environments", images(64), images(65)),
        ("container_patch", spaces(65_534), spaces(65_535)),
    ] {
        check(&format!("{variable} {longest}"), None);
        check(&format!("{variable} {longer}"), Some(variable));
    }
}

/// Variables that are right alone, or a problem with its place after ` -> `. The last of
/// them may have several values.
const TOGETHER: &str = r#"
    docker_url http://192.0.2.1:2375 -> set docker_plaintext to allow
    docker_url http://192.0.2.1:2375; docker_plaintext allow

    ports  -> ports is not JSON
    ports [] -> ports is not a JSON object
    ports {"a":1,"a":1} -> ports has a key twice
    ports {"":1}|{"A":1}|{"a\n":1}|{"planted,b":1} -> ports has a name that is not
    ports {"a":22,"b":"22/tcp"} -> ports at b and at a: the same port
    ports {"a":0}|{"a":65536}|{"a":-1}|{"a":22.5}|{"a":1e2}|{"a":null}|{"a":[22]}|{"a":"22"}|{"a":"+2/tcp"} -> ports at a is not a port
    ports {"a":"22/planted"}|{"a":"22-planted/tcp"} -> ports at a is not a port

    publish_address 0.0.0.0|::
    ports {"ssh":22}; publish_address 192.0.2.1
    ports {"ssh":22}; publish_address 0.0.0.0|:: -> public_host must be set
    environments {"e":{"ports":{"ssh":22}}}; publish_address :: -> public_host must be set
    ports {"ssh":22}; publish_address ::; public_host host
    environments {"e":{"ports":{"ssh":22}}}; publish_address ::; public_host host
    container_patch {"HostConfig":{"PortBindings":{"80/tcp":[]}}}
    container_patch {"HostConfig":{"PortBindings":{"80/tcp":[]}}}; ports {"ssh":22} -> container_patch: HostConfig.PortBindings
    container_patch {"HostConfig":{"PortBindings":{"80/tcp":[]}}}; environments {"e":{"ports":{}}}

    scheduler swarm -> agent_image: has no digest
    scheduler swarm; agent_image PINNED
    scheduler swarm; agent_image PINNED; environments {"e":{"image":"agent"}} -> environments: e.image: has no digest
    scheduler swarm; agent_image PINNED; max_targets 10000
    scheduler swarm; agent_image PINNED; max_targets 10001 -> max_targets must be
    scheduler swarm; agent_image PINNED; ports {"ssh":22} -> publish_address must be 0.0.0.0
    scheduler swarm; agent_image PINNED; ports {"ssh":22}; publish_address :: -> publish_address must be 0.0.0.0
    scheduler swarm; agent_image PINNED; ports {"ssh":22}; publish_address 0.0.0.0

    container_patch {"User":"1000"}|{"User":"runner"} -> set secret_owner, or token_delivery to env
    container_patch {"User":"1000"}; token_delivery env
    container_patch {"User":""}|{"User":"root:adm"}|{"User":"00"}
    environments {"e":{"secret_owner":1000,"container_patch":{"User":""}}}
    environments {"e":{"secret_owner":0,"container_patch":{"User":"1000"}}} -> environments: e.container_patch: User is neither
    environments {"e":{"secret_owner":1000,"container_patch":{"User":"1000:0"}}}
    environments {"e":{"secret_owner":1000,"container_patch":{"User":"runner"}}}
    environments {"e":{"secret_owner":1000,"container_patch":{"User":"1001"}}} -> environments: e.container_patch: User is neither
    environments {"e":{"container_patch":{"HostConfig":{"Privileged":true}}}} -> environments: e.container_patch: HostConfig.Privileged

    environments {"e":{},"E":{}} -> at E and at e: these are the same id
    environments {"e":{"ports":{}},"e":{}} -> at e and at e: these are
    environments {"0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0":{},"0F1E2D3C4B5A69788796A5B4C3D2E1F0":{}} -> these are the same id
    environments {"e":{"max_targets":5,"max_targets":1}} -> has a key twice in one object
    environments {"e":{"container_patch":{"HostConfig":{"Memory":1,"Memory":2}}}} -> has a key twice in one object
    environments {"":{}} -> at : not a valid environmentId
    environments {" e":{}} -> at  e: not a valid environmentId
    environments {"e\n":{}} -> not a valid environmentId
    environments {"e":[]} -> environments at e is not an object
    environments {"e":{"Image":"a"}} -> environments at e.Image is not one of
    environments {"e":{"image":1}} -> environments at e.image is not text
    environments {"e":{"image":"a b"}} -> environments at e.image is not an image
    environments {"e":{"max_targets":1001}}|{"e":{"max_targets":"1"}} -> environments at e.max_targets must be
    environments {"e":{"max_lifetime":60}} -> environments at e.max_lifetime is not text
    environments {"e":{"service_urls":[]}} -> environments at e.service_urls is not text
    environments {"e":{"ports":{"ssh":0}}} -> environments at e.ports at ssh is not a port
    environments {"e":{"secret_owner":"a"}} -> environments at e.secret_owner must be a whole number
    environments {"e":{"allow":["image"]}}|{"e":{"allow":null}}|{"e":{"allow":"env"}} -> environments at e.allow must be a list of env
    environments {"e":{"allow":[1]}}|{"e":{"allow":{}}} -> environments at e.allow must be a list of env
    environments {"e":{"images":["a b"]}}|{"e":{"images":null}}|{"e":{"images":"a"}}|{"e":{"images":[1]}} -> environments at e.images must be a list
    environments {"e":{"images":[""]}}|{"e":{"images":["../a"]}}|{"e":{"images":["a\u0000*"]}}|{"e":{"images":["a:"]}} -> environments at e.images must be a list
    environments {"e":{"images":["*/a"]}}|{"e":{"images":["team-*/a@sha256:*"]}}|{"e":{"images":["*.test/team/a"]}} -> environments at e.images must be a list
    environments {"e":{"max":{"memory":1}}} -> environments at e.max must be an object
    environments {"e":{"container_patch":null}} -> environments at e.container_patch is not
"#;

#[test]
fn a_problem_names_its_variable_and_its_place() {
    for row in rows(TOGETHER) {
        let (changes, problem) = row.split_once(" -> ").unzip();
        let changes = changes.unwrap_or(row);
        let last = changes.rfind("; ").map_or(0, |end| end + 2);
        let (before, last) = changes.split_at(last);
        let (name, values) = last.split_once(' ').expect("a value");
        for value in values.split('|') {
            check(&format!("{before}{name} {value}"), problem);
        }
    }
}

/// Variables, and the beginnings of their warnings.
const UNSAFE: &str = r#"
    docker_url https://engine.example.com:2376; docker_plaintext allow; agent_image r.example.com/agent@sha256:0123
    docker_url http://192.0.2.1:2375; docker_plaintext allow -> docker_plaintext
    publish_address 192.0.2.1
    ports {"ssh":22}
    publish_address 192.0.2.1; ports {"ssh":22} -> publish_address is 192.0.2.1
    container_patch {"HostConfig":{"NanoCpus":null}} -> container_patch or environments: NanoCpus
    container_patch {"HostConfig":{"NanoCpus":null,"CpuQuota":50000}}
    token_delivery env -> token_delivery is env
    container_patch_unsafe allow -> container_patch_unsafe
    container_patch {"HostConfig":{"PublishAllPorts":true}}
    environments {"a":{"images":["local*"]}}
    container_patch {"HostConfig":{"PublishAllPorts":true}}; environments {"a":{"images":["local*"]}} -> container_patch or environments: PublishAllPorts
    environments {"a":{"images":["local*"]},"b":{"container_patch":{"HostConfig":{"PublishAllPorts":true}}}}
    allow_capabilities SYS_CHROOT CAP_FSETID; allow_volumes pip-cache -> allow_capabilities has SYS_CHROOT,|allow_capabilities has FSETID,|allow_volumes has pip-cache:
    agent_image r.example.com/agent:1; environments {"b":{"image":"local"}} -> agent_image or environments: r.example.com/agent:1
    environments {"a":{"image":"r.example.com/other"}} -> agent_image or environments: r.example.com/other
    environments {"a":{"images":["r.example.com/*","local*","r.example.com/*@sha256:*"]}} -> images in environments: r.example.com/* has
"#;

#[test]
fn each_unsafe_setting_has_its_warning() {
    assert_eq!(config(&[]).warnings(), Vec::<String>::new());
    for row in rows(UNSAFE) {
        let (changes, expected) = row.split_once(" -> ").unzip();
        let warnings = parsed(changes.unwrap_or(row)).expect(row).warnings();
        let expected: Vec<_> = expected
            .into_iter()
            .flat_map(|all| all.split('|'))
            .collect();
        let is_told = |(warning, beginning): (&String, &&str)| warning.starts_with(beginning);
        assert!(warnings.iter().zip(&expected).all(is_told), "{row}");
        assert_eq!(warnings.len(), expected.len(), "{row}: {warnings:?}");
    }
}

#[test]
fn credentials_are_sent_as_typed_redacted_in_logs_and_hidden_in_debug() {
    let credentials = "~!#$%^&*()_+{}|:planted-0123";
    let config = parsed(&format!("docker_authorization token {credentials}"));
    let config = config.expect("a config");
    let authorization = config.docker_authorization.as_ref().expect("credentials");
    assert_eq!(authorization.header, format!("token {credentials}"));
    assert!(!format!("{authorization:?}").contains("planted"));
    assert_eq!(config.secrets(), [Secret::new(credentials)]);
}

#[test]
fn a_variable_becomes_its_value() {
    let config = parsed(
        "max_targets_per_owner 0; allow_capabilities SYS_CHROOT CAP_NET_RAW\nSYS_CHROOT; \
         allow_volumes pip-cache models; public_host host; \
         ports {\"ssh\":22,\"web-2\":\"8080/tcp\",\"dns\":\"53/udp\"}",
    )
    .expect("a config");
    assert_eq!(config.max_targets_per_owner, Some(0));
    assert_eq!(config.allowed.capabilities, ["SYS_CHROOT", "NET_RAW"]);
    assert_eq!(config.allowed.volumes, ["pip-cache", "models"]);
    assert_eq!(config.publication.host.as_deref(), Some("host"));
    let ports = config.profiles.of("e").ports.iter();
    let ports: Vec<_> = ports.map(|port| format!("{} {port}", port.name)).collect();
    assert_eq!(ports, ["dns 53/udp", "ssh 22/tcp", "web-2 8080/tcp"]);
    assert_eq!(self::config(&[]).max_targets_per_owner, None);
}

#[test]
fn an_environment_overrides_what_it_names_in_any_spelling_of_its_id() {
    let overridden = json!({"0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0": {
        "image": "other:1", "max_targets": 3, "max_lifetime": "1h", "secret_owner": 0,
        "service_urls": "https://a.example.com", "allow": ["env", "command"],
        "max": {"memory": "4GiB"}, "container_patch": {"HostConfig": {"PidsLimit": 9}},
        "ports": {},
    }});
    let patch = r#"container_patch {"HostConfig":{"PidsLimit":8,"NanoCpus":500000000}}"#;
    let config = parsed(&format!(
        "{patch}; ports {{\"ssh\":22}}; environments {overridden}"
    ))
    .expect("a config");
    let profiles = config.profiles;
    let one = profiles.of("0F1E2D3C4B5A69788796A5B4C3D2E1F0");
    let other = profiles.of("e");
    assert_eq!((one.image.as_str(), one.max_targets), ("other:1", Some(3)));
    assert_eq!(one.max_lifetime, Duration::from_secs(3600));
    assert_ne!(one.service_urls, other.service_urls);
    assert!(one.choosable.env && one.choosable.command);
    assert_eq!(one.choosable.max.memory, Some(4 << 30));
    assert_eq!(one.secret_owner, Some(0));
    assert_eq!((one.ports.len(), other.ports.len()), (0, 1));
    for (profile, processes) in [(one, 9), (other, 8)] {
        let host_config = &profile.body.value()["HostConfig"];
        assert_eq!(host_config["NanoCpus"], 500_000_000);
        assert_eq!(host_config["PidsLimit"], processes);
    }
    assert_eq!(other.image.as_str(), "dynamic-access-agent");
    assert_eq!((other.max_targets, other.secret_owner), (None, None));
    assert_eq!(other.choosable, Choosable::default());
    let images = profiles.images().into_iter().map(ImageReference::as_str);
    assert!(images.eq(["dynamic-access-agent", "other:1"]));
    assert_eq!(profiles.networks(), ["dynamic-access"]);
}

#[test]
fn white_space_around_a_value_does_not_count() {
    let padded = |name| Ok(format!(" \t{}\r\n", variables(&[])(name)?));
    assert_eq!(Config::parse(&padded), Ok(config(&[])));
    // White space does not count towards the longest value.
    let long = "\n".repeat(70_000);
    check(&format!("container_patch {{}}{long}"), None);
}

#[test]
fn each_variable_of_the_manifest_has_its_default_on_the_page_of_variables() {
    let page = include_str!("../../docs/variables.md");
    for (name, default) in manifest() {
        let row = format!("| `{name}` |");
        let row = page.lines().find(|line| line.starts_with(&row));
        let row = row.unwrap_or_else(|| panic!("{name} is not on the page"));
        assert!(row.contains(default), "{name}: {row}");
    }
}
