//! Observes the behaviour of an Engine.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use test_support::engine::{Kind, RealEngine, TAR, filtered, list, networks};
use test_support::http::{Answer, request};
use test_support::own::{Foreign, Network};
use test_support::registry::archive_of;
use test_support::wait::wait_for;
use test_support::{given, unique};

/// The observations and their results.
type Observed = BTreeMap<&'static str, String>;

const UNKNOWN: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// Makes all observations.
pub fn all(engine: &RealEngine) -> Observed {
    let mut observed = Observed::new();
    created_and_started(engine, &mut observed);
    listed(engine, &mut observed);
    refused(engine, &mut observed);
    ended(engine, &mut observed);
    failed(engine, &mut observed);
    images(engine, &mut observed);
    archived(engine, &mut observed);
    stopped(engine, &mut observed);
    of_networks(engine, &mut observed);
    of_volumes(engine, &mut observed);
    published(engine, &mut observed);
    observed
}

/// The create body of a container that runs a command.
fn body(command: &[&str]) -> Value {
    json!({
        "Image": given("TEST_AGENT_IMAGE"),
        "Entrypoint": command,
        "Volumes": {"/run/dynamic-access": {}},
        // Podman's own network would add rules to this machine's firewall.
        "HostConfig": {"NetworkMode": "none"},
    })
}

fn sleeper(engine: &RealEngine) -> Foreign<'_> {
    engine.foreign(&unique("conformance-"), body(&["sleep", "300"]))
}

/// The status, and which of the words the message contains, ignoring case.
fn said(answer: &Answer, words: &str) -> String {
    let message = answer.json()["message"].as_str().map(str::to_lowercase);
    match message {
        Some(message) if message.contains(words) => format!("{} {words}", answer.status),
        _ => format!("{answer:?}"),
    }
}

/// The status of an error that has the Engine's form.
fn failure(answer: &Answer) -> String {
    let has_message = answer.json()["message"].is_string();
    format!(
        "{} {}",
        answer.status,
        if has_message { "message" } else { "" }
    )
}

fn status(answer: &Answer) -> String {
    answer.status.to_string()
}

fn start(engine: &RealEngine, id: &str) -> Answer {
    engine.call("POST", &format!("/containers/{id}/start"), None)
}

fn remove(engine: &RealEngine, id: &str) -> Answer {
    engine.call("DELETE", &format!("/containers/{id}?v=true"), None)
}

fn kill_and_remove(engine: &RealEngine, id: &str) -> Answer {
    let path = format!("/containers/{id}?force=true&v=true");
    engine.call("DELETE", &path, None)
}

/// The states of the containers that match filters.
fn states(engine: &RealEngine, filters: &Value) -> String {
    let answer = engine.call("GET", &list(filters), None);
    let states: Vec<_> = answer.json().as_array().map_or(Vec::new(), |list| {
        let states = list.iter().map(|listed| listed["State"].as_str());
        states
            .map(|state| state.unwrap_or("?").to_owned())
            .collect()
    });
    match states.is_empty() {
        true => "nothing".to_owned(),
        false => states.join(" "),
    }
}

fn state(engine: &RealEngine, id: &str) -> String {
    states(engine, &json!({"id": [id]}))
}

fn created_and_started(engine: &RealEngine, observed: &mut Observed) {
    let name = unique("conformance-");
    let path = format!("/containers/create?name={name}");
    let created = engine.call("POST", &path, Some(body(&["sleep", "300"])));
    observed.insert("create", status(&created));
    let id = created.json()["Id"].as_str().expect("an id").to_owned();
    observed.insert("list by id right after create", state(engine, &id));
    observed.insert("start with a chunked body", chunked_start(engine));
    observed.insert("start", status(&start(engine, &id)));
    observed.insert("start again", status(&start(engine, &id)));
    observed.insert("list of a running one", state(engine, &id));
    observed.insert("inspect of a running one", inspected(engine, &id, &name));
    observed.insert("stats of a running one", counted(engine, &id));
    let words = [
        "you cannot remove a running container",
        "container is running",
        "as it is running",
    ];
    let refused = remove(engine, &id);
    let message = refused.json()["message"].to_string().to_lowercase();
    let said = words.into_iter().find(|words| message.contains(words));
    let shown = format!("{} {}", refused.status, said.unwrap_or(&message));
    observed.insert("remove of a running one", shown);
    observed.insert("list after a refused removal", state(engine, &id));
    let removed = kill_and_remove(engine, &id);
    observed.insert("forced remove of a running one", status(&removed));
    observed.insert("list after a removal", state(engine, &id));
    let again = kill_and_remove(engine, &id);
    observed.insert("forced remove again", failure(&again));
    observed.insert("remove again", failure(&remove(engine, &id)));
    let created = engine.call("POST", &path, Some(body(&["sleep", "300"])));
    observed.insert("create with the name of a removed one", status(&created));
    let id = created.json()["Id"].as_str().expect("an id").to_owned();
    observed.insert("remove of a created one", status(&remove(engine, &id)));
}

/// What the component reads from an inspect.
fn inspected(engine: &RealEngine, id: &str, name: &str) -> String {
    let path = format!("/containers/{id}/json");
    let seen = engine.call("GET", &path, None).json();
    let is_named = seen["Id"] == id && seen["Name"] == format!("/{name}");
    let created = seen["Created"].as_str().unwrap_or_default();
    let is_known = is_named && created > "2020" && seen["Image"].is_string();
    let labels = &seen["Config"]["Labels"];
    let has_labels = is_known && (labels.is_object() || labels.is_null());
    match has_labels {
        true => format!("as listed, {}", seen["State"]["Status"]),
        false => seen.to_string(),
    }
}

/// The count of a container's processes.
fn counted(engine: &RealEngine, id: &str) -> String {
    let path = format!("/containers/{id}/stats?one-shot=true&stream=false");
    let stats = engine.call("GET", &path, None);
    format!("{} {}", stats.status, stats.json()["pids_stats"]["current"])
}

/// The answer to a start that does not declare its empty body's length.
fn chunked_start(engine: &RealEngine) -> String {
    let container = sleeper(engine);
    let path = format!("/containers/{}/start", container.id);
    let headers = [("transfer-encoding", "chunked")];
    let mut bytes = request("POST", &path, &headers, b"");
    bytes.extend_from_slice(b"0\r\n\r\n");
    let answer = engine.send(&bytes);
    match answer.status {
        204 => status(&answer),
        _ => said(&answer, "non-empty request body"),
    }
}

fn listed(engine: &RealEngine, observed: &mut Observed) {
    let (name, label) = (unique("conformance-"), unique("label-"));
    let mut body = body(&["sleep", "300"]);
    body["Labels"] = json!({ &label: "x" });
    let container = engine.foreign(&name, body);
    let by_label = states(engine, &json!({"label": [format!("{label}=x")]}));
    observed.insert("list by label right after create", by_label);
    let by_name = |name: &str| states(engine, &json!({"name": [format!("^/?{name}$")]}));
    observed.insert("list by name right after create", by_name(&name));
    let part = by_name(&name[..name.len() - 1]);
    observed.insert("list by a part of the name, anchored", part);
    let filters = list(&json!({"id": [container.id]}));
    let not_all = engine.call("GET", &filters.replace("&all=true", ""), None);
    let not_all = if not_all.body.trim() == "[]" {
        "nothing"
    } else {
        &not_all.body
    };
    observed.insert("list without all=true", not_all.to_owned());
    let unknown = engine.call("GET", &list(&json!({"no-such-key": ["x"]})), None);
    observed.insert("list by an unknown key", status(&unknown));
    let answer = engine.call("GET", &filters, None);
    let found = &answer.json()[0];
    let names = if found["Names"] == json!([format!("/{name}")]) {
        "with a slash"
    } else {
        ""
    };
    observed.insert("Names", names.to_owned());
    observed.insert("Created against Date", clocks(&answer));
}

/// Whether the container was created at most a minute before the answer.
fn clocks(answer: &Answer) -> String {
    let created = answer.json()[0]["Created"].as_i64().expect("a number");
    let date = answer.header("date").expect("a date");
    let now = std::process::Command::new("date")
        .args(["-u", "-d", date, "+%s"])
        .output();
    let now = String::from_utf8(now.expect("date is there").stdout).expect("text");
    let age = now.trim().parse::<i64>().expect("a number") - created;
    match age {
        0..60 => "the same clock".to_owned(),
        age => format!("an age of {age} s"),
    }
}

fn refused(engine: &RealEngine, observed: &mut Observed) {
    let name = unique("conformance-");
    let path = format!("/containers/create?name={name}");
    let _container = engine.foreign(&name, body(&["sleep", "300"]));
    let taken = engine.call("POST", &path, Some(body(&["sleep", "300"])));
    observed.insert(
        "create with a name in use",
        said(&taken, "is already in use"),
    );
    let path = format!("/containers/create?name={}", unique("conformance-"));
    let unknown = engine.call("POST", &path, Some(json!({"Image": "no-such-image"})));
    observed.insert(
        "create from an unknown image",
        said(&unknown, "no such image"),
    );
    observed.insert("start of an unknown id", failure(&start(engine, UNKNOWN)));
    let path = format!("/containers/{UNKNOWN}/json");
    let unknown = engine.call("GET", &path, None);
    observed.insert("inspect of an unknown id", failure(&unknown));
}

fn ended(engine: &RealEngine, observed: &mut Observed) {
    let body = body(&["sh", "-c", "exit 7"]);
    let container = engine.foreign(&unique("conformance-"), body);
    let id = &container.id;
    container.start();
    let wait_for_its_end = || {
        wait_for("the end of a container", || {
            let seen = engine.inspect(id)["State"].clone();
            (seen["Status"] == "exited").then_some(seen)
        })
    };
    let seen = wait_for_its_end();
    // Podman 5.8 shows it as stopped for a moment.
    let listed = wait_for("a list with its end", || {
        Some(state(engine, id)).filter(|state| state != "stopped")
    });
    observed.insert("list of an ended one", listed);
    let finished = seen["FinishedAt"].as_str().expect("a date");
    let is_date = finished.len() > 20 && finished.as_bytes()[10] == b'T' && finished > "2020";
    let form = if is_date { "RFC 3339" } else { finished };
    let ended = format!("exit code {}, {form}", seen["ExitCode"]);
    observed.insert("inspect of an ended one", ended);
    observed.insert("stats of an ended one", counted(engine, id));
    let path = format!("/containers/{}/json", &id[..12]);
    let by_part = engine.call("GET", &path, None);
    observed.insert("inspect by a part of the id", status(&by_part));
    observed.insert("start of an ended one", status(&start(engine, id)));
    wait_for_its_end();
    observed.insert("remove of an ended one", status(&remove(engine, id)));
}

fn failed(engine: &RealEngine, observed: &mut Observed) {
    let container = engine.foreign(&unique("conformance-"), body(&["/not/there"]));
    let started = start(engine, &container.id);
    observed.insert("start of what has no entrypoint", failure(&started));
    observed.insert("list after a failed start", state(engine, &container.id));
}

fn archived(engine: &RealEngine, observed: &mut Observed) {
    let container = sleeper(engine);
    let put = |id: &str, path: &str, content: &str| {
        let path = format!("/containers/{id}/archive?path={path}");
        engine.call_with("PUT", &path, &TAR, &archive_of("file", content))
    };
    let written = put(&container.id, "/run/dynamic-access", "content");
    let shown = format!("{} {} bytes", written.status, written.body.len());
    observed.insert("archive into a volume of a created one", shown);
    let unknown = put(UNKNOWN, "/run/dynamic-access", "content");
    observed.insert("archive into an unknown id", failure(&unknown));
    container.start();
    let read = engine.shell(&container.id, "cat /run/dynamic-access/file");
    observed.insert("a file of an archive after the start", read);
    let mut uncopied = body(&["sleep", "300"]);
    uncopied["Volumes"] = json!({});
    uncopied["HostConfig"]["Mounts"] = json!([{
        "Type": "volume",
        "Target": "/run/dynamic-access",
        "VolumeOptions": {"NoCopy": true},
    }]);
    let container = engine.foreign(&unique("conformance-"), uncopied);
    put(&container.id, "/run/dynamic-access", "content");
    container.start();
    let mode = engine.shell(&container.id, "stat --printf %a /run/dynamic-access");
    observed.insert("mode of a volume that does not copy its folder", mode);
}

fn stopped(engine: &RealEngine, observed: &mut Observed) {
    let container = engine.foreign(&unique("conformance-"), body(&["sleep", "300"]));
    container.start();
    let stop = |id: &str| engine.call("POST", &format!("/containers/{id}/stop?t=0"), None);
    observed.insert("stop of a running one", status(&stop(&container.id)));
    observed.insert("stop again", status(&stop(&container.id)));
    observed.insert("stop of an unknown id", failure(&stop(UNKNOWN)));
}

fn of_networks(engine: &RealEngine, observed: &mut Observed) {
    const ICC: &str = "com.docker.network.bridge.enable_icc";
    let network = Network::new(engine, json!({ICC: "false"}));
    let listed = |name: &str| engine.call("GET", &networks(name), None).json();
    let found = |list: &Value| {
        let mut all = list.as_array().into_iter().flatten();
        all.find(|entry| entry["Name"] == *network.name).cloned()
    };
    let by_name =
        found(&listed(&network.name)).map(|found| match found["Options"][ICC] == "false" {
            true => "the network, with its option".to_owned(),
            false => "the network, without its option".to_owned(),
        });
    let nothing = || "nothing".to_owned();
    observed.insert(
        "list of networks by the name",
        by_name.unwrap_or_else(nothing),
    );
    let (part, _) = network.name.split_at(network.name.len() - 1);
    let by_part = found(&listed(part)).map(|_| "the network".to_owned());
    observed.insert(
        "list of networks by a part of the name",
        by_part.unwrap_or_else(nothing),
    );
    let id = found(&listed(&network.name)).map(|found| found["Id"].clone());
    let id = id.as_ref().and_then(Value::as_str).expect("an id");
    let by_id = found(&listed(id)).map(|_| "the network".to_owned());
    observed.insert("list of networks by the id", by_id.unwrap_or_else(nothing));
    let default = match engine.kind() {
        Kind::Docker => "bridge",
        Kind::Podman => "podman",
    };
    let by_default = listed(default)[0]["Name"].as_str().map(str::to_owned);
    observed.insert(
        "list of networks by the default one's name",
        by_default.unwrap_or_else(nothing),
    );
}

/// Where a container with a port is, before and after its start.
fn published(engine: &RealEngine, observed: &mut Observed) {
    let whats = [
        "list of a created one with a port",
        "list of a published port",
        "inspect of a published port",
        "address of a running one",
    ];
    if engine.kind() == Kind::Podman {
        observed.extend(whats.map(|what| (what, super::NOT_TRIED.to_owned())));
        return;
    }
    let network = Network::new(engine, json!({}));
    let mut body = body(&["sleep", "300"]);
    body["ExposedPorts"] = json!({"7070/tcp": {}});
    body["HostConfig"] = json!({
        "NetworkMode": network.name,
        "PortBindings": {"7070/tcp": [{"HostIp": "127.0.0.1", "HostPort": ""}]},
    });
    let container = engine.foreign(&unique("conformance-"), body);
    let listed = || {
        let filters = list(&json!({"id": [container.id]}));
        engine.call("GET", &filters, None).json()[0].clone()
    };
    let is_published = |list: &Value| list["Ports"][0]["PublicPort"].is_u64();
    let before = listed();
    let seen = match is_published(&before) {
        true => before["Ports"].to_string(),
        false => "not published".to_owned(),
    };
    observed.insert(whats[0], seen);
    container.start();
    let (list, inspect) = (listed(), engine.inspect(&container.id));
    let port = &list["Ports"][0];
    let expected = json!({
        "IP": "127.0.0.1",
        "PrivatePort": 7070,
        "PublicPort": port["PublicPort"],
        "Type": "tcp",
    });
    let seen = match is_published(&list) && *port == expected {
        true => "IP, PrivatePort, PublicPort and Type".to_owned(),
        false => list["Ports"].to_string(),
    };
    observed.insert(whats[1], seen);
    let told = &inspect["NetworkSettings"]["Ports"];
    let same = json!([{"HostIp": "127.0.0.1", "HostPort": port["PublicPort"].to_string()}]);
    let seen = match *told == json!({ "7070/tcp": same }) {
        true => "HostIp and HostPort, as listed".to_owned(),
        false => told.to_string(),
    };
    observed.insert(whats[2], seen);
    let address = |of: &Value| {
        let network = &of["NetworkSettings"]["Networks"][&network.name];
        network["IPAddress"].as_str().map(str::to_owned)
    };
    let seen = match (address(&list), address(&inspect)) {
        (Some(one), Some(other)) if one == other && one.contains('.') => {
            "IPAddress, listed and inspected".to_owned()
        }
        other => format!("{other:?}"),
    };
    observed.insert(whats[3], seen);
}

fn images(engine: &RealEngine, observed: &mut Observed) {
    let path = format!("/images/{}/json", given("TEST_AGENT_IMAGE"));
    let found = engine.call("GET", &path, None);
    let id = if found.json()["Id"].is_string() {
        "Id"
    } else {
        ""
    };
    observed.insert("inspect of an image", format!("{} {id}", found.status));
    let unknown = engine.call("GET", "/images/no-such-image/json", None);
    observed.insert(
        "inspect of an unknown image",
        said(&unknown, "no such image"),
    );
    observed.insert("create with labels as the image has", merged_labels(engine));
}

/// The labels of a container whose image has labels too.
fn merged_labels(engine: &RealEngine) -> String {
    let image = unique("labelled-");
    let labels = "changes=LABEL%20both%3Dimage&changes=LABEL%20one%3Dimage";
    let path = format!("/images/create?fromSrc=-&repo={image}&tag=latest&{labels}");
    let imported = engine.call_with("POST", &path, &TAR, &archive_of("file", &image));
    assert_eq!(imported.status, 200);
    let body = json!({"Image": image, "Entrypoint": ["sleep", "1"], "Labels": {"both": "own"}});
    let container = engine.foreign(&unique("conformance-"), body);
    let answer = engine.call("GET", &list(&json!({"id": [container.id]})), None);
    let labels = answer.json()[0]["Labels"].clone();
    drop(container);
    let _ = engine.try_remove_image(&image);
    match labels["one"] == "image" && labels["both"] == "own" {
        true => "image's kept, own wins".to_owned(),
        false => labels.to_string(),
    }
}

fn of_volumes(engine: &RealEngine, observed: &mut Observed) {
    const LABEL: &str = "dynamic-access.deployment";
    let name = unique("conformance-");
    let create = |of: &str| {
        let body = json!({"Name": name, "Labels": {LABEL: of}});
        let answer = engine.call("POST", "/volumes/create", Some(body));
        let created = answer.json();
        let shown = match created["Labels"][LABEL].as_str() {
            _ if created["Name"] != *name => "without its name",
            Some(shown) if shown == of => "with its label",
            Some("first") => "with the label of the first",
            _ => "without a label",
        };
        format!("{} {shown}", answer.status)
    };
    observed.insert("create of a volume", create("first"));
    observed.insert("create of a volume with a name in use", create("second"));
    let listed = |of: &str| {
        let filters = json!({"label": [format!("{LABEL}={of}")]});
        let list = engine
            .call("GET", &filtered("volumes", &filters), None)
            .json();
        let volumes = list.as_object().and_then(|list| list.get("Volumes"));
        let shown = match volumes {
            Some(Value::Null) => "nothing",
            Some(Value::Array(volumes)) if volumes.is_empty() => "nothing",
            Some(Value::Array(volumes)) => {
                let found = volumes.iter().find(|one| one["Name"] == *name);
                match found.map(|one| is_recent(&one["CreatedAt"])) {
                    Some(true) => "the volume and when it was made",
                    Some(false) => "the volume",
                    None => "something else",
                }
            }
            _ => "something else",
        };
        shown.to_owned()
    };
    observed.insert("list of volumes by a label", listed("first"));
    observed.insert("list of volumes by another label", listed("second"));
    let remove = || engine.call("DELETE", &format!("/volumes/{name}"), None);
    observed.insert("remove of a volume", status(&remove()));
    observed.insert("remove of a volume again", failure(&remove()));
}

/// Whether a time in a reply is one of the last minute.
fn is_recent(moment: &Value) -> bool {
    let format = &time::format_description::well_known::Rfc3339;
    let made = time::OffsetDateTime::parse(moment.as_str().unwrap_or_default(), format);
    let minute = time::Duration::MINUTE;
    made.is_ok_and(|made| (time::OffsetDateTime::now_utc() - made).abs() < minute)
}
