//! The readings of the component's `docker::create`, `list`, `start`, `inspect`, `stats`, `remove`,
//! `stop` and `archive`.

use test_support::engine::{TAR, list};
use test_support::http::request;
use test_support::own::sleeper;
use test_support::prelude::*;
use test_support::registry::archive_of;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

use super::{Readings, UNKNOWN, body, is_recent};

pub fn read(seen: &mut Readings<'_>) {
    created_and_started(seen);
    listed(seen);
    refused(seen);
    ended(seen);
    archived(seen);
}

/// A container of a test's own, which is not started.
fn own(engine: &RealEngine, body: Value) -> Own {
    engine.foreign(&unique("conformance-"), body)
}

/// Creates a container, whose name may be taken.
fn create(engine: &RealEngine, name: &str, body: Value) -> Answer {
    let path = format!("/containers/create?name={name}");
    engine.call("POST", &path, Some(body))
}

/// The states in a list.
fn states(list: &Answer) -> Vec<Value> {
    let list = list.json();
    let list = list.as_array().expect("a list").iter();
    list.map(|listed| listed["State"].clone()).collect()
}

/// The states of the containers that match filters.
fn states_of(engine: &RealEngine, filters: &Value) -> Vec<Value> {
    states(&engine.call("GET", &list(filters), None))
}

fn created_and_started(seen: &mut Readings<'_>) {
    let engine = seen.engine;
    let chunked = engine.either((400, "non-empty request body"), (204, ""));
    seen.told("start with a chunked body", chunked, &chunked_start(engine));
    let name = unique("conformance-");
    let created = create(engine, &name, sleeper(&json!({})));
    seen.told("create", (201, ""), &created);
    let id = created.id();
    let path = |rest: &str| format!("/containers/{id}{rest}");
    let listed = || states_of(engine, &json!({"id": [id]}));
    seen.is("list by id right after create", ["created"], listed());
    seen.call("start", (204, ""), "POST", &path("/start"));
    seen.call("start again", (304, ""), "POST", &path("/start"));
    seen.is("list of a running one", ["running"], listed());
    inspected(seen, &id, &name);
    let count = counted(engine, &id);
    seen.is("stats of a running one", json!([200, 1]), count);
    let of_docker = match engine.release() < (25, 0) {
        true => "you cannot remove a running container",
        false => "container is running",
    };
    let refused = engine.either((409, of_docker), (500, "as it is running"));
    let (remove, kill) = (path("?v=true"), path("?force=true&v=true"));
    seen.call("remove of a running one", refused, "DELETE", &remove);
    seen.is("list after a refused removal", ["running"], listed());
    seen.call("forced remove of a running one", (204, ""), "DELETE", &kill);
    seen.is("list after a removal", json!([]), listed());
    seen.call("forced remove again", (404, ""), "DELETE", &kill);
    seen.call("remove again", (404, ""), "DELETE", &remove);
    // With the name of the removed one.
    let next = engine.foreign(&name, sleeper(&json!({})));
    let remove = format!("/containers/{}?v=true", next.id);
    seen.call("remove of a created one", (204, ""), "DELETE", &remove);
    let stopped = own(engine, sleeper(&json!({})));
    stopped.start();
    let stop = format!("/containers/{}/stop?t=0", stopped.id);
    seen.call("stop of a running one", (204, ""), "POST", &stop);
    seen.call("stop again", (304, ""), "POST", &stop);
}

/// What the component reads from an inspect.
fn inspected(seen: &mut Readings<'_>, id: &str, name: &str) {
    let shown = seen.engine.inspect(id);
    let read = json!([shown["Id"], shown["Name"], shown["State"]["Status"]]);
    let expected = json!([id, format!("/{name}"), "running"]);
    seen.is("inspect of a running one", expected, read);
    let labels = &shown["Config"]["Labels"];
    let has_labels = labels.is_object() || labels.is_null();
    let is_read = is_recent(&shown["Created"]) && shown["Image"].is_string() && has_labels;
    seen.is("Created, Image and Labels of an inspect", true, is_read);
}

/// The status and the count of a container's processes. Podman 4.3 sends an empty body for one that
/// has ended.
fn counted(engine: &RealEngine, id: &str) -> Value {
    let path = format!("/containers/{id}/stats?one-shot=true&stream=false");
    let answer = engine.call("GET", &path, None);
    let stats: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    json!([answer.status, stats["pids_stats"]["current"]])
}

/// The answer to a start that does not declare its empty body's length.
fn chunked_start(engine: &RealEngine) -> Answer {
    let container = own(engine, sleeper(&json!({})));
    let path = format!("/containers/{}/start", container.id);
    let headers = [("transfer-encoding", "chunked")];
    let mut bytes = request("POST", &path, &headers, b"");
    bytes.extend_from_slice(b"0\r\n\r\n");
    engine.send(&bytes)
}

fn listed(seen: &mut Readings<'_>) {
    let engine = seen.engine;
    let (name, label) = (unique("conformance-"), unique("label-"));
    let container = engine.foreign(&name, sleeper(&json!({ &label: "x" })));
    let [own, other] = ["x", "y"].map(|value| format!("{label}={value}"));
    let begun = format!("^/?{}", &name[..name.len() - 1]);
    let (whole, part) = (format!("^/?{name}$"), format!("{begun}$"));
    for (filters, count) in [
        (json!({"label": [own]}), 1),
        (json!({"name": [whole]}), 1),
        (json!({"name": [part]}), 0),
        (json!({"label": [own], "name": [begun]}), 1),
        (json!({"label": [other], "name": [begun]}), 0),
    ] {
        let states = states_of(engine, &filters);
        let what = format!("list right after create by {filters}");
        seen.is(&what, vec!["created"; count], states);
    }
    let by_id = list(&json!({"id": [container.id]}));
    let not_all = engine.call("GET", &by_id.replace("&all=true", ""), None);
    seen.is("list without all=true", json!([]), states(&not_all));
    let unknown = list(&json!({"no-such-key": ["x"]}));
    let refused = engine.either((400, ""), (500, ""));
    seen.call("list by an unknown key", refused, "GET", &unknown);
    let answer = engine.call("GET", &by_id, None);
    let found = &answer.json()[0];
    seen.is("Names", json!([format!("/{name}")]), found["Names"].clone());
    // Both are by the same clock.
    let date = answer.header("date").expect("a date");
    let date = OffsetDateTime::parse(date, &Rfc2822).expect("a date");
    let created = found["Created"].as_i64().expect("a number");
    let age = date.unix_timestamp() - created;
    seen.is("Created against Date", true, (0..60).contains(&age));
}

fn refused(seen: &mut Readings<'_>) {
    const TAKEN: &str = "is already in use";
    let engine = seen.engine;
    let name = unique("conformance-");
    let _container = engine.foreign(&name, sleeper(&json!({})));
    let taken = engine.either((409, TAKEN), (500, TAKEN));
    let answer = create(engine, &name, sleeper(&json!({})));
    seen.told("create with a name in use", taken, &answer);
    let unknown = json!({"Image": "no-such-image"});
    let answer = create(engine, &unique("conformance-"), unknown);
    let missing = (404, "no such image");
    seen.told("create from an unknown image", missing, &answer);
    for (method, rest) in [("POST", "/start"), ("POST", "/stop?t=0"), ("GET", "/json")] {
        let what = format!("{rest} of an unknown id");
        let path = format!("/containers/{UNKNOWN}{rest}");
        seen.call(&what, (404, ""), method, &path);
    }
    let container = own(engine, body(&["/not/there"]));
    let refused = engine.either((400, ""), (500, ""));
    let start = format!("/containers/{}/start", container.id);
    seen.call("start of what has no entrypoint", refused, "POST", &start);
    let after = states_of(engine, &json!({"id": [container.id]}));
    seen.is("list after a failed start", ["created"], after);
}

fn ended(seen: &mut Readings<'_>) {
    let engine = seen.engine;
    let container = own(engine, body(&["sh", "-c", "exit 7"]));
    let id = &container.id;
    container.start();
    let wait_for_its_end = || {
        wait_for("the end of a container", || {
            let shown = engine.inspect(id)["State"].clone();
            (shown["Status"] == "exited").then_some(shown)
        })
    };
    let shown = wait_for_its_end();
    // Podman 5.8 shows it as stopped for a moment.
    let listed = wait_for("a list with its end", || {
        let states = states_of(engine, &json!({"id": [id]}));
        (states != ["stopped"]).then_some(states)
    });
    seen.is("list of an ended one", ["exited"], listed);
    seen.is("exit code of an ended one", 7, shown["ExitCode"].clone());
    let finished = is_recent(&shown["FinishedAt"]);
    seen.is("FinishedAt of an ended one, as RFC 3339", true, finished);
    let count = counted(engine, id);
    seen.is("stats of an ended one", json!([200, null]), count);
    // The reason why only full ids are used.
    let by_part = format!("/containers/{}/json", &id[..12]);
    seen.call("inspect by a part of the id", (200, ""), "GET", &by_part);
    // The reason why the component never starts an ended container.
    let start = format!("/containers/{id}/start");
    seen.call("start of an ended one", (204, ""), "POST", &start);
    wait_for_its_end();
    let remove = format!("/containers/{id}?v=true");
    seen.call("remove of an ended one", (204, ""), "DELETE", &remove);
}

fn archived(seen: &mut Readings<'_>) {
    let engine = seen.engine;
    let put = |id: &str| {
        let path = format!("/containers/{id}/archive?path=/run/dynamic-access");
        engine.call_with("PUT", &path, &TAR, &archive_of("file", "content"))
    };
    let container = own(engine, body(&["sleep", "300"]));
    let Answer {
        status, body: told, ..
    } = put(&container.id);
    let what = "archive into a volume of a created one";
    seen.is(what, json!([200, ""]), json!([status, told]));
    seen.told("archive into an unknown id", (404, ""), &put(UNKNOWN));
    container.start();
    let file = engine.shell(&container.id, "cat /run/dynamic-access/file");
    seen.is("a file of an archive after the start", "content", file);
    let mut uncopied = sleeper(&json!({}));
    uncopied["HostConfig"]["Mounts"] = json!([{
        "Type": "volume",
        "Target": "/run/dynamic-access",
        "VolumeOptions": {"NoCopy": true},
    }]);
    let container = own(engine, uncopied);
    put(&container.id);
    container.start();
    let mode = engine.shell(&container.id, "stat --printf %a /run/dynamic-access");
    // Podman gives a volume the mode of the image's folder at the start, 0700 here.
    let expected = engine.either("755", "700");
    let what = "mode of a volume that does not copy its folder";
    seen.is(what, expected, mode);
}
