//! `deploy/spinkube`: its files have the form that Kubernetes and SpinKube's operator accept, and
//! fit together.

use std::path::{Path, PathBuf};

use k8s_openapi::api::core::v1::{EnvVar, ResourceRequirements, Secret, Volume, VolumeMount};
use k8s_openapi::api::networking::v1::{Ingress, NetworkPolicy};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Serialize;
use serde::de::DeserializeOwned;
use test_support::certificates::Authority;
use test_support::checkout;
use test_support::prelude::*;

#[track_caller]
fn read(name: &str) -> Value {
    let text = shipped(&format!("deploy/spinkube/{name}"));
    serde_saphyr::from_str(&text).expect(name)
}

/// Checks that every key of a value is one of `T`'s: what `T` does not know it would not write
/// again.
#[track_caller]
fn check_form<T: Serialize + DeserializeOwned>(whole: &Value) {
    let typed: T = serde_json::from_value(whole.clone()).expect("the types of its kind");
    assert_eq!(serde_json::to_value(&typed).expect("JSON"), *whole);
}

/// Checks that an object has these members and no others.
#[track_caller]
fn check_names(object: &Value, names: &[&str]) {
    let members = object.as_object().expect("an object");
    assert_eq!(Vec::from_iter(members.keys()), names);
}

/// The text of a key of a Secret.
#[track_caller]
fn entry(file: &str, key: &str) -> String {
    let text = read(file)["stringData"][key].as_str().map(str::to_owned);
    text.unwrap_or_else(|| panic!("{file} has no {key}"))
}

/// Where the application looks for the Engine.
fn docker_url(app: &Value) -> &str {
    let mut variables = app["spec"]["variables"].as_array().into_iter().flatten();
    let url = variables.find(|variable| variable["name"] == "docker_url");
    url.and_then(|variable| variable["value"].as_str())
        .expect("a URL")
}

#[test]
fn every_document_has_the_form_of_its_kind() {
    check_form::<Secret>(&read("variables.yaml"));
    check_form::<Secret>(&read("runtime-config.yaml"));
    check_form::<Ingress>(&read("ingress.yaml"));
    check_form::<Ingress>(&read("ingress-operator.yaml"));
    check_form::<NetworkPolicy>(&read("network-policy.yaml"));
    let entries = std::fs::read_dir(checkout("deploy/spinkube"))
        .expect("a folder")
        .flatten();
    let is_yaml = |path: PathBuf| path.extension().is_some_and(|end| end == "yaml");
    let count = entries.filter(|entry| is_yaml(entry.path())).count();
    assert_eq!(count, 6, "another document must be read here too");
}

/// SpinApp, as spin-operator 0.6.1 defines it (`core.spinkube.dev/v1alpha1`): of its members, those
/// that `app.yaml` has.
#[test]
fn the_application_has_the_form_that_spinkubes_operator_accepts() {
    let app = read("app.yaml");
    check_names(&app, &["apiVersion", "kind", "metadata", "spec"]);
    let kind = json!({"apiVersion": "core.spinkube.dev/v1alpha1", "kind": "SpinApp"});
    check_members(&app, &kind);
    check_form::<ObjectMeta>(&app["metadata"]);
    let spec = &app["spec"];
    let names =
        "checks executor image replicas resources runtimeConfig variables volumeMounts volumes";
    check_names(spec, &Vec::from_iter(names.split(' ')));
    assert!(spec["executor"].is_string() && spec["image"].is_string());
    // The operator refuses fewer, unless something else sets their number.
    assert!(spec["replicas"].as_u64() >= Some(1));
    check_names(&spec["checks"], &["liveness", "readiness"]);
    for probe in ["liveness", "readiness"].map(|probe| &spec["checks"][probe]) {
        check_names(probe, &["httpGet", "initialDelaySeconds"]);
        check_names(&probe["httpGet"], &["path"]);
        assert!(probe["initialDelaySeconds"].is_u64() && probe["httpGet"]["path"].is_string());
    }
    // A Secret, if there is one, takes the place of all the rest.
    check_names(&spec["runtimeConfig"], &["loadFromSecret"]);
    // Limits and requests alone; Kubernetes' own has `claims` beside them.
    check_form::<ResourceRequirements>(&spec["resources"]);
    assert_eq!(spec["resources"]["claims"], Value::Null);
    check_form::<Vec<EnvVar>>(&spec["variables"]);
    check_form::<Vec<Volume>>(&spec["volumes"]);
    check_form::<Vec<VolumeMount>>(&spec["volumeMounts"]);
}

#[test]
fn the_documents_fit_together_and_with_the_manifest() {
    let app = read("app.yaml");
    let spec = &app["spec"];
    let spin_toml = shipped("spin.toml");
    for variable in spec["variables"].as_array().expect("variables") {
        let name = variable["name"].as_str().expect("a name");
        assert!(spin_toml.contains(&format!("\n{name} = {{")), "{name}");
        let reference = &variable["valueFrom"]["secretKeyRef"];
        if let Some(key) = reference["key"].as_str() {
            assert_eq!(
                reference["name"],
                read("variables.yaml")["metadata"]["name"]
            );
            entry("variables.yaml", key);
        } else {
            assert!(variable["value"].is_string(), "{name}");
        }
    }
    let loaded = &spec["runtimeConfig"]["loadFromSecret"];
    assert_eq!(*loaded, read("runtime-config.yaml")["metadata"]["name"]);
    let policy = read("network-policy.yaml");
    let labels = &policy["spec"]["podSelector"]["matchLabels"];
    assert_eq!(
        labels["core.spinkube.dev/app-name"],
        app["metadata"]["name"]
    );

    let config = entry("runtime-config.yaml", "runtime-config.toml");
    let config: toml::Table = config.parse().expect("TOML");
    let tls = &config["client_tls"][0];
    let component = tls["component_ids"][0].as_str().expect("an id");
    assert!(spin_toml.contains(&format!("\n[component.{component}]\n")));
    let host = tls["hosts"][0].as_str().expect("a host");
    assert_eq!(docker_url(&app), format!("https://{host}:2376"));
    let mount = &spec["volumeMounts"][0];
    assert_eq!(mount["name"], spec["volumes"][0]["name"]);
    let mount = Path::new(mount["mountPath"].as_str().expect("a path"));
    for part in ["ca_roots", "client_cert", "client_private_key"] {
        let path = tls[&format!("{part}_file")].as_str().expect("a path");
        assert_eq!(Path::new(path).parent(), Some(mount), "{part}");
    }
}

#[test]
fn the_network_policy_admits_the_ports_that_are_used() {
    let app = read("app.yaml");
    let policy = read("network-policy.yaml");
    let spec = &policy["spec"];
    let (_, engine) = docker_url(&app).rsplit_once(':').expect("a port");
    let engine: u16 = engine.parse().expect("a number");
    let ports = |rule: &Value| rule["ports"].clone();
    // Where the operator has Spin listen, and whither its service leads.
    let callers = json!([{"protocol": "TCP", "port": 80}]);
    let ingress = spec["ingress"].as_array().expect("callers").iter();
    assert_eq!(ingress.map(ports).collect::<Vec<_>>(), [callers]);
    let names = json!([{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}]);
    let engine = json!([{"protocol": "TCP", "port": engine}]);
    let egress = spec["egress"].as_array().expect("who is called").iter();
    assert_eq!(egress.map(ports).collect::<Vec<_>>(), [names, engine]);
}

#[test]
fn the_certificates_are_made_under_the_names_that_are_mounted() {
    let app = read("app.yaml");
    let secret = &app["spec"]["volumes"][0]["secret"]["secretName"];
    let secret = secret.as_str().expect("a name");
    let config = entry("runtime-config.yaml", "runtime-config.toml");
    let instructions = shipped("deploy/spinkube/README.md");
    let (_, command) = instructions
        .split_once(&format!("create secret generic {secret} "))
        .expect("a command");
    let (command, _) = command.split_once("\n\n").expect("an end");
    let files: Vec<_> = command.split("--from-file certs/").skip(1).collect();
    assert_eq!(files.len(), 3, "{command}");
    for file in files {
        let mounted = format!("\"/certs/{}\"", file.trim_end_matches([' ', '\\', '\n']));
        assert!(config.contains(&mounted), "{mounted}");
    }
}

#[test]
fn each_ingress_leads_to_its_callers_routes_alone() {
    let app = read("app.yaml");
    // The operator's service has the application's name, and this one port.
    let service = json!({"service": {"name": app["metadata"]["name"], "port": {"number": 80}}});
    let path = |(kind, path)| json!({"pathType": kind, "path": path, "backend": service});
    let of_webhooks = [
        ("Exact", "/start"),
        ("Exact", "/stop"),
        ("Exact", "/health"),
    ];
    let of_operators = [("Exact", "/"), ("Exact", "/metrics"), ("Prefix", "/v1/")];
    for (file, paths) in [
        ("ingress.yaml", of_webhooks),
        ("ingress-operator.yaml", of_operators),
    ] {
        let spec = &read(file)["spec"];
        let rules = spec["rules"].as_array().expect("rules");
        assert_eq!(rules.len(), 1);
        assert!(rules[0]["host"].is_string(), "{file}");
        assert_eq!(rules[0]["host"], spec["tls"][0]["hosts"][0], "{file}");
        assert_eq!(rules[0]["http"]["paths"], json!(paths.map(path)), "{file}");
    }
}

#[test]
fn a_server_starts_with_the_runtime_configuration_and_a_placeholder_opens_nothing() {
    let folder = Folder::new("spinkube-");
    let config = entry("runtime-config.yaml", "runtime-config.toml");
    let here = folder.path().display().to_string();
    let config = config.replace("\"/certs/", &format!("\"{here}/"));
    let authority = Authority::new("ca");
    authority.file(&folder);
    authority.client().files(&folder, "client");
    let file = Some(folder.file("runtime-config.toml", &config));
    let placeholder = entry("variables.yaml", "webhook_secret");
    let server = Server::adjusted(&[("webhook_secret", &placeholder)], |options| {
        options.runtime_config = file;
    });
    let answer = server.with_basic(&placeholder, "GET", "/nothing", "");
    server.check_failed(&answer, 500, "webhook_secret");
}
