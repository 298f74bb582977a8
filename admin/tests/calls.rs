//! A proxy in front of the Engine, or of a Swarm's managers, must admit exactly the requests that the component sends.

use std::time::Duration;

use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use serde_json::{Value, json};

use dynamic_access::docker::create::create;
use dynamic_access::docker::part::Part;
use dynamic_access::docker::swarm::versioned::{self, Versioned};
use dynamic_access::docker::swarm::{node, secret, service, task};
use dynamic_access::docker::{
    ContainerName, DeploymentId, ImageReference, Reply, TargetId, archive, image, inspect, list,
    network, pull, remove, start, stats, stop, volume,
};
use dynamic_access::platform::HttpRequest;
use dynamic_access::secret::Secret;
use dynamic_access_admin::proxy_config::calls::{Call, Scheduler, table};

/// A request, with the line that must admit it.
type Listed = (&'static str, HttpRequest);

/// The ids of deployments, from the shortest to the longest.
const DEPLOYMENTS: [&str; 4] = ["a", "00", "dynamic-access", "z9-aaaaaaaaaaaaaaaaa-0"];

/// References of every form; the first ones can be pulled.
const IMAGES: [&str; 12] = [
    "r.example.com/agent",
    "localhost/agent:1",
    "localhost:5000/agent",
    "registry:5000/a/b__c/d-e.f:1.2_3-rc.1",
    "192.0.2.1:5000/agent",
    "r.example.com/agent@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    "r.example.com:443/a:1@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    "dynamic-access-agent",
    "agent:1",
    "team/agent",
    "0123456789ab",
    "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
];

/// The names of the calls that admit a request.
fn admitting<'a>(calls: &'a [Call], request: &HttpRequest) -> Vec<&'a str> {
    let mut line = format!("{} {}", request.method(), request.uri());
    for content_type in request.headers().get_all(CONTENT_TYPE) {
        line.push_str(&format!(" {}", content_type.to_str().expect("text")));
    }
    let length = request.body().len().to_string();
    assert_eq!(request.headers()[CONTENT_LENGTH], length, "{line}");
    let is_typed = request.headers().contains_key(CONTENT_TYPE);
    assert!(is_typed || request.body().is_empty(), "{line}");
    let admit = |call: &&Call| call.admits(&line);
    calls.iter().filter(admit).map(|call| &*call.name).collect()
}

/// Checks that each request of each deployment is admitted by its line alone, and that each line admits one.
#[track_caller]
fn check_table(scheduler: Scheduler, requests: fn(&DeploymentId, ContainerName) -> Vec<Listed>) {
    let lines = table(scheduler).expect("a table");
    for deployment in DEPLOYMENTS {
        let deployment = DeploymentId::parse(deployment).expect("an id");
        let name = ContainerName::from_token(&deployment, &Secret::new("token"));
        let mut requests = requests(&deployment, name);
        requests.push(("network", network::find("dynamic-access").request));
        for (name, request) in &requests {
            let uri = request.uri();
            assert_eq!(admitting(&lines, request), [*name], "{uri}");
        }
        for line in &lines {
            let is_used = requests.iter().any(|(name, _)| *name == line.name);
            assert!(is_used, "{} admits what is never sent", line.name);
        }
    }
}

/// All requests to an Engine.
fn to_an_engine(deployment: &DeploymentId, name: ContainerName) -> Vec<Listed> {
    let id = &TargetId::parse(&"0123456789abcdef".repeat(4)).expect("an id");
    let file = archive::SecretFile {
        name: archive::ACTIVATION_TOKEN.to_owned(),
        content: Secret::new("token"),
        owner: None,
    };
    let whole = Part::whole();
    let part = whole.parts()[10].parts()[15].clone();
    let mut requests = vec![
        ("create", create(&name, &Value::Null).request),
        (
            "write-token",
            archive::write_secrets(id, &[file], 0).request,
        ),
        ("start", start::start(id).request),
        ("inspect", inspect::inspect(id).request),
        ("stats", stats::count(id).request),
        ("remove", remove::remove(id).request),
        ("kill", remove::kill_and_remove(id).request),
        ("list-by-id", list::find_by_id(id).request),
        ("list-by-name", list::find_by_name(&name).request),
        ("list-by-label", list::survey(deployment, &whole).request),
        ("list-by-label", list::survey(deployment, &part).request),
        ("list-volumes", volume::list(deployment).request),
    ];
    for grace in 0..=15 {
        let grace = Duration::from_secs(grace);
        requests.push(("stop", stop::stop(id, grace).request));
    }
    // The shortest and the longest lifetime.
    for lifetime in [60, 366 * 24 * 60 * 60] {
        let renewal = volume::Renewal::new(id.clone(), Duration::from_secs(lifetime));
        let (create, remove) = (volume::create, volume::remove);
        requests.push(("create-volume", create(deployment, &renewal).request));
        requests.push(("remove-volume", remove(deployment, &renewal).request));
    }
    for text in IMAGES {
        let image = ImageReference::parse(text).expect(text);
        requests.push(("image", image::inspect(&image).request));
        if image.has_registry() {
            requests.push(("pull", pull::pull(&image, None).request));
        }
    }
    requests
}

/// A service as the component reads it before an update.
fn versioned(id: &TargetId, name: &ContainerName, version: u64) -> Versioned {
    let body = json!({
        "ID": id.as_str(),
        "Version": {"Index": version},
        "CreatedAt": "2026-11-25T10:00:00.5Z",
        "Spec": {
            "Name": name.as_str(),
            "Labels": {},
            "TaskTemplate": {"ContainerSpec": {"Image": "agent"}},
            "Mode": {"Replicated": {"Replicas": 0}},
        },
    });
    let response = http::Response::new(body.to_string().into_bytes());
    let read = versioned::inspect(id).read(&Reply::new(response));
    read.expect("a service").expect("it is there")
}

/// All requests to a Swarm's managers.
fn to_a_swarm(deployment: &DeploymentId, name: ContainerName) -> Vec<Listed> {
    let id = &TargetId::parse("0123456789abcdefghijklmnz").expect("an id");
    let token = Secret::new("token");
    let attempt = "0123456789abcdef0123456789abcdef";
    let secret_name = format!("{}-{attempt}-0", deployment.as_str());
    let made = service::create(&Value::Null, Some(&token)).request;
    let mut requests = vec![
        ("create", made),
        ("service", versioned::inspect(id).request),
        ("delete", service::delete(id).request),
        ("services-by-id", service::find_by_id(id).request),
        ("services-by-name", service::find_by_name(&name).request),
        ("tasks-by-name", task::of_name(name.as_str()).request),
        ("secret", secret::create(&secret_name, &[], &token).request),
        ("secrets-by-attempt", secret::of_attempt(attempt).request),
        // The ids of secrets have the form of those of services.
        ("unsecret", secret::delete(id.as_str()).request),
        ("nodes", node::list().request),
    ];
    for version in [0, u64::MAX] {
        let found = || versioned(id, &name, version);
        let renewed = found().renew(Duration::from_secs(60));
        let started = found().start(&[], &[], Some(&token));
        let updates = [started, found().vouch(), renewed, found().fence()];
        requests.extend(updates.map(|call| ("update", call.request)));
    }
    for part in [Part::whole(), Part::whole().parts()[15].parts()[0].clone()] {
        let services = service::of_deployment(deployment, &part).request;
        let unvouched = service::unvouched(deployment, &part).request;
        requests.extend([services, unvouched].map(|all| ("services-by-label", all)));
        let tasks = task::of_deployment(deployment, &part).request;
        requests.push(("tasks-by-label", tasks));
        let secrets = secret::of_deployment(deployment, &part).request;
        requests.push(("secrets-by-label", secrets));
    }
    requests
}

#[test]
fn each_line_of_the_tables_admits_a_call_and_no_call_is_left_out() {
    check_table(Scheduler::Engine, to_an_engine);
    check_table(Scheduler::Swarm, to_a_swarm);
}

#[test]
fn what_is_near_to_a_call_of_a_swarm_is_refused() {
    let lines = table(Scheduler::Swarm).expect("a table");
    let name = format!("da-{}", "0a".repeat(20));
    let neighbours = include_str!("refused.txt").lines();
    for neighbour in neighbours.filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let request = neighbour
            .replace("NAME", &name)
            .replace("ID", "0123456789abcdefghijklmnz");
        for body in ["", " application/json"] {
            let request = format!("{request}{body}");
            let admit: Vec<_> = lines.iter().filter(|line| line.admits(&request)).collect();
            assert!(admit.is_empty(), "{request}: {admit:?}");
        }
    }
}
