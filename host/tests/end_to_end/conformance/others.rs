//! The readings of the component's `docker::image`, `network`, `ports` and `volume`.

use test_support::engine::{filtered, list, networks};
use test_support::prelude::*;

use super::{Readings, body, is_recent};

pub fn read(seen: &mut Readings<'_>) {
    images(seen);
    of_networks(seen);
    of_volumes(seen);
    // Podman has no network in the tests.
    if !seen.engine.is_podman {
        published(seen);
    }
}

fn images(seen: &mut Readings<'_>) {
    let engine = seen.engine;
    let inspect = |image: &str| engine.call("GET", &format!("/images/{image}/json"), None);
    let found = inspect(&given("TEST_AGENT_IMAGE"));
    let told = json!([found.status, found.json()["Id"].is_string()]);
    seen.is("inspect of an image", json!([200, true]), told);
    let missing = (404, "no such image");
    let unknown = inspect("no-such-image");
    seen.told("inspect of an unknown image", missing, &unknown);
    let image = engine.image_of_agent("LABEL both=image\nLABEL one=image");
    let mut body = body(&["sleep", "300"]);
    body["Image"] = json!(image.id);
    body["Labels"] = json!({"both": ""});
    let container = engine.foreign(&unique("conformance-"), body);
    let answer = engine.call("GET", &list(&json!({"id": [container.id]})), None);
    let labels = answer.json()[0]["Labels"].clone();
    let what = "labels of a container beside those of its image";
    seen.is(what, ["", "image"], json!([labels["both"], labels["one"]]));
}

fn of_networks(seen: &mut Readings<'_>) {
    const ICC: &str = "com.docker.network.bridge.enable_icc";
    let engine = seen.engine;
    let network = engine.network(json!({"Options": {ICC: "false"}}));
    let listed = |name: &str| engine.call("GET", &networks(name), None).json();
    let found = |by: &str| {
        let list = listed(by);
        let mut all = list.as_array().into_iter().flatten();
        all.find(|entry| entry["Name"] == *network.id).cloned()
    };
    let by_name = found(&network.id).expect("a list by the name has it");
    let isolates = engine.either(true, false);
    let what = "a network's option in a list";
    seen.is(what, isolates, by_name["Options"][ICC] == "false");
    let part = &network.id[..network.id.len() - 1];
    let by_part = found(part).is_some();
    seen.is("list of networks by a part of the name", true, by_part);
    let id = by_name["Id"].as_str().expect("an id");
    let by_id = found(id).is_some();
    seen.is("list of networks by the id", false, by_id);
    // `docker::network` knows that Podman's own is shown under Docker's name.
    let default = listed(engine.either("bridge", "podman"))[0]["Name"].clone();
    let what = "list of networks by the default one's name";
    seen.is(what, "bridge", default);
    // Nor does Podman find it by that name.
    let is_bridge = |entry: &Value| entry["Name"] == "bridge";
    let listed = listed("bridge");
    let is_listed = listed.as_array().into_iter().flatten().any(is_bridge);
    let expected = engine.either(true, false);
    seen.is("list of networks by the name bridge", expected, is_listed);
}

/// Where a container with a port is, before and after its start.
fn published(seen: &mut Readings<'_>) {
    let engine = seen.engine;
    let network = engine.network(json!({}));
    let mut body = body(&["sleep", "300"]);
    body["ExposedPorts"] = json!({"7070/tcp": {}});
    body["HostConfig"] = json!({
        "NetworkMode": network.id,
        "PortBindings": {"7070/tcp": [{"HostIp": "127.0.0.1", "HostPort": ""}]},
    });
    let container = engine.foreign(&unique("conformance-"), body);
    let listed = || {
        let filters = list(&json!({"id": [container.id]}));
        engine.call("GET", &filters, None).json()[0].clone()
    };
    let public = |list: &Value| list["Ports"][0]["PublicPort"].clone();
    let what = "list of a created one with a port";
    seen.is(what, Value::Null, public(&listed()));
    container.start();
    let (list, inspect) = (listed(), engine.inspect(&container.id));
    let port = public(&list).as_u64();
    let port = port.expect("a list shows the port of a running one");
    seen.is(
        "list of a published port",
        json!({"IP": "127.0.0.1", "PrivatePort": 7070, "PublicPort": port, "Type": "tcp"}),
        list["Ports"][0].clone(),
    );
    seen.is(
        "inspect of a published port",
        json!({"7070/tcp": [{"HostIp": "127.0.0.1", "HostPort": port.to_string()}]}),
        inspect["NetworkSettings"]["Ports"].clone(),
    );
    let address = |of: &Value| of["NetworkSettings"]["Networks"][&network.id]["IPAddress"].clone();
    let what = "address of a running one, listed and inspected";
    seen.is(what, address(&list), address(&inspect));
    let is_address = address(&list).as_str().is_some_and(|it| it.contains('.'));
    seen.is("address of a running one", true, is_address);
    // A list of networks does not have their containers, unlike Podman's and an inspect.
    let shows = |path: &str| engine.call("GET", path, None).body.contains(&container.id);
    let inspected = shows(&format!("/networks/{}", network.id));
    let listed = shows(&networks(&network.id));
    let what = "a network's containers, inspected and listed";
    seen.is(what, json!([true, false]), json!([inspected, listed]));
}

fn of_volumes(seen: &mut Readings<'_>) {
    const LABEL: &str = "dynamic-access.deployment";
    let engine = seen.engine;
    let name = unique("conformance-");
    let other = unique("other-");
    let create = |of: &str| {
        let body = json!({"Name": name, "Labels": {LABEL: of}});
        let answer = engine.call("POST", "/volumes/create", Some(body));
        let created = answer.json();
        json!([answer.status, created["Name"], created["Labels"][LABEL]])
    };
    let first = json!([201, name, name]);
    seen.is("create of a volume", first.clone(), create(&name));
    let what = "create of a volume with a name in use";
    seen.is(what, first, create(&other));
    let listed = |of: &str| {
        let filters = json!({"label": [format!("{LABEL}={of}")]});
        let list = engine.call("GET", &filtered("volumes", &filters), None);
        let list = list.json();
        let volumes = list.get("Volumes").expect("a list").as_array();
        let volumes = volumes.into_iter().flatten();
        let shown = volumes.map(|one| json!([one["Name"], is_recent(&one["CreatedAt"])]));
        shown.collect::<Vec<_>>()
    };
    let the_one = json!([[name, true]]);
    let what = "list of volumes by a label, with their age";
    seen.is(what, the_one, listed(&name));
    let what = "list of volumes by another label";
    seen.is(what, json!([]), listed(&other));
    let path = format!("/volumes/{name}");
    seen.call("remove of a volume", (204, ""), "DELETE", &path);
    seen.call("remove of a volume again", (404, ""), "DELETE", &path);
}
