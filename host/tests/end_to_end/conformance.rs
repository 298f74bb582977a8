//! Every behaviour of the Engine API that the component relies on, checked on a
//! real Engine and on Podman's Docker-compatible service.
//!
//! One table has the behaviour of both, and another the differences of later versions. A new
//! difference, or one that disappears, fails the test.

mod observe;

use std::collections::BTreeMap;

use test_support::engine::{Kind, RealEngine, networks};
use test_support::own::Network;
use test_support::podman::podman;
use test_support::{given, unique};

use serde_json::json;

/// The observation, Docker's behaviour, and Podman's if it differs.
type Reading = (&'static str, &'static str, Option<&'static str>);

/// The result for an Engine that cannot be observed.
const NOT_TRIED: &str = "not tried";

const READINGS: &[Reading] = &[
    // The component's `docker::create`.
    ("create", "201", None),
    (
        "create with a name in use",
        "409 is already in use",
        Some("500 is already in use"),
    ),
    ("create from an unknown image", "404 no such image", None),
    (
        "create with labels as the image has",
        "image's kept, own wins",
        None,
    ),
    // `docker::list`.
    ("list by id right after create", "created", None),
    ("list by name right after create", "created", None),
    ("list by label right after create", "created", None),
    ("list by a part of the name, anchored", "nothing", None),
    ("list without all=true", "nothing", None),
    ("list by an unknown key", "400", Some("500")),
    ("Created against Date", "the same clock", None),
    ("Names", "with a slash", None),
    // `docker::start`.
    (
        "start with a chunked body",
        "400 non-empty request body",
        Some("204"),
    ),
    ("start", "204", None),
    ("start again", "304", None),
    ("start of an unknown id", "404 message", None),
    ("list of a running one", "running", None),
    (
        "start of what has no entrypoint",
        "400 message",
        Some("500 message"),
    ),
    ("list after a failed start", "created", None),
    // `docker::inspect`.
    ("inspect of a running one", "as listed, \"running\"", None),
    // `docker::stats`.
    ("stats of a running one", "200 1", None),
    ("stats of an ended one", "200 null", None),
    ("list of an ended one", "exited", None),
    ("inspect of an ended one", "exit code 7, RFC 3339", None),
    ("inspect of an unknown id", "404 message", None),
    // The reason why the component never starts an ended container.
    ("start of an ended one", "204", None),
    // The reason why only full ids are used.
    ("inspect by a part of the id", "200", None),
    // `docker::remove`.
    (
        "remove of a running one",
        "409 you cannot remove a running container",
        Some("500 as it is running"),
    ),
    ("list after a refused removal", "running", None),
    ("forced remove of a running one", "204", None),
    ("list after a removal", "nothing", None),
    ("forced remove again", "404 message", None),
    ("remove again", "404 message", None),
    ("remove of a created one", "204", None),
    ("remove of an ended one", "204", None),
    ("create with the name of a removed one", "201", None),
    // `docker::ports`. Podman has no network in the tests.
    (
        "list of a created one with a port",
        "not published",
        Some(NOT_TRIED),
    ),
    (
        "list of a published port",
        "IP, PrivatePort, PublicPort and Type",
        Some(NOT_TRIED),
    ),
    (
        "inspect of a published port",
        "HostIp and HostPort, as listed",
        Some(NOT_TRIED),
    ),
    (
        "address of a running one",
        "IPAddress, listed and inspected",
        Some(NOT_TRIED),
    ),
    // `docker::image`.
    ("inspect of an image", "200 Id", None),
    ("inspect of an unknown image", "404 no such image", None),
    // `docker::archive`.
    (
        "archive into a volume of a created one",
        "200 0 bytes",
        None,
    ),
    ("archive into an unknown id", "404 message", None),
    ("a file of an archive after the start", "content", None),
    // Podman gives a volume the mode of the image's folder at the start, 0700 here.
    (
        "mode of a volume that does not copy its folder",
        "755",
        Some("700"),
    ),
    // `docker::stop`.
    ("stop of a running one", "204", None),
    ("stop again", "304", None),
    ("stop of an unknown id", "404 message", None),
    // `docker::network`.
    (
        "list of networks by the name",
        "the network, with its option",
        Some("the network, without its option"),
    ),
    (
        "list of networks by a part of the name",
        "the network",
        None,
    ),
    ("list of networks by the id", "nothing", None),
    (
        "list of networks by the default one's name",
        "bridge",
        // `docker::network` knows that it is `podman`.
        Some("bridge"),
    ),
    // `docker::volume`.
    ("create of a volume", "201 with its label", None),
    (
        "create of a volume with a name in use",
        "201 with the label of the first",
        None,
    ),
    (
        "list of volumes by a label",
        "the volume and when it was made",
        None,
    ),
    ("list of volumes by another label", "nothing", None),
    ("remove of a volume", "204", None),
    ("remove of a volume again", "404 message", None),
];

/// The differences of later versions: the observation, the Engine, and the first version, major and
/// minor.
type Later = (&'static str, Kind, (u32, u32), &'static str);

const LATER: &[Later] = &[(
    "remove of a running one",
    Kind::Docker,
    (25, 0),
    "409 container is running",
)];

#[track_caller]
fn check(engine: &RealEngine) {
    let (kind, version) = (engine.kind(), engine.release());
    let expected = |(what, docker, podman): &Reading| {
        let later = LATER
            .iter()
            .rfind(|later| later.0 == *what && later.1 == kind && later.2 <= version);
        match (later, kind) {
            (Some(later), _) => later.3,
            (None, Kind::Podman) => podman.unwrap_or(docker),
            (None, Kind::Docker) => docker,
        }
    };
    let observed = observe::all(engine);
    let expected: BTreeMap<_, _> = READINGS
        .iter()
        .map(|reading| (reading.0, expected(reading).to_owned()))
        .collect();
    let differences: Vec<_> = expected
        .iter()
        .filter(|(what, expected)| observed.get(*what) != Some(expected))
        .map(|(what, expected)| (what, expected, observed.get(what)))
        .collect();
    assert!(
        differences.is_empty(),
        "{kind:?} {version:?}: {differences:#?}"
    );
    assert_eq!(observed.len(), expected.len(), "{observed:#?}");
}

#[test]
fn the_engine_does_what_is_read_into_its_api() {
    check(&RealEngine::given());
}

// Podman's shows them.
#[test]
fn a_list_of_networks_shows_no_container_of_theirs() {
    let engine = RealEngine::given();
    let network = Network::new(&engine, json!({}));
    let body = json!({
        "Image": given("TEST_AGENT_IMAGE"),
        "Entrypoint": ["sleep", "300"],
        "HostConfig": {"NetworkMode": network.name},
    });
    let container = engine.foreign(&unique("conformance-"), body);
    container.start();
    let inspect = engine.call("GET", &format!("/networks/{}", network.name), None);
    assert!(inspect.body.contains(&container.id), "{inspect:?}");
    let list = engine.call("GET", &networks(&network.name), None);
    assert!(list.body.contains(&network.name), "{list:?}");
    assert!(!list.body.contains(&container.id), "{list:?}");
    drop(container);
}

#[test]
fn podman_differs_from_the_engine_only_where_it_is_known_to() {
    check(&podman());
}
