//! `deploy/spinkube`: its files have the form that Kubernetes and SpinKube's operator accept, and
//! fit together.

use std::path::{Path, PathBuf};

use k8s_openapi::api::core::v1::{EnvVarSource, ResourceRequirements, Secret, Volume, VolumeMount};
use k8s_openapi::api::networking::v1::{Ingress, NetworkPolicy, NetworkPolicyPort};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use test_support::folder::Folder;
use test_support::server::{Server, manifest};

/// SpinApp, as spin-operator 0.6.1 defines it (`core.spinkube.dev/v1alpha1`): of its members, those
/// that `app.yaml` has.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SpinApp {
    api_version: String,
    kind: String,
    metadata: ObjectMeta,
    spec: SpinAppSpec,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SpinAppSpec {
    executor: String,
    image: String,
    checks: Checks,
    replicas: i32,
    runtime_config: RuntimeConfig,
    volumes: Vec<Volume>,
    volume_mounts: Vec<VolumeMount>,
    variables: Vec<Variable>,
    // Limits and requests alone; Kubernetes' own has `claims` beside them.
    resources: ResourceRequirements,
}

#[derive(Serialize, Deserialize)]
struct Checks {
    readiness: Probe,
    liveness: Probe,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Probe {
    http_get: HttpGet,
    initial_delay_seconds: i32,
}

#[derive(Serialize, Deserialize)]
struct HttpGet {
    path: String,
}

/// Of which a Secret, if there is one, takes the place of all the rest.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RuntimeConfig {
    load_from_secret: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Variable {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value_from: Option<EnvVarSource>,
}

fn folder() -> PathBuf {
    manifest().with_file_name("deploy/spinkube")
}

#[track_caller]
fn read<T: Serialize + DeserializeOwned>(name: &str) -> T {
    let text = std::fs::read_to_string(folder().join(name)).expect(name);
    parse(&text).unwrap_or_else(|problem| panic!("{name}: {problem}"))
}

/// Reads a document whose every key is one of `T`'s: what `T` does not know it would not write
/// again.
fn parse<T: Serialize + DeserializeOwned>(text: &str) -> Result<T, String> {
    let whole: Value = serde_saphyr::from_str(text).map_err(|error| error.to_string())?;
    let typed: T = serde_json::from_value(whole.clone()).map_err(|error| error.to_string())?;
    let known = serde_json::to_value(&typed).map_err(|error| error.to_string())?;
    if known == whole {
        Ok(typed)
    } else {
        Err(format!("{whole} has more than {known}"))
    }
}

/// The text of a key of a Secret.
fn entry(secret: &Secret, key: &str) -> String {
    let entries = secret.string_data.as_ref().expect("text");
    entries[key].clone()
}

fn name(metadata: &ObjectMeta) -> &str {
    metadata.name.as_deref().expect("a name")
}

/// Where the application looks for the Engine.
fn docker_url(app: &SpinApp) -> &str {
    let mut variables = app.spec.variables.iter();
    let url = variables.find(|variable| variable.name == "docker_url");
    url.and_then(|variable| variable.value.as_deref())
        .expect("a URL")
}

/// The ports that a rule of a NetworkPolicy names, such as `TCP 80`.
fn ports(ports: Option<&[NetworkPolicyPort]>) -> Vec<String> {
    let ports = ports.unwrap_or_default().iter();
    let name = |port: &NetworkPolicyPort| match (&port.protocol, &port.port) {
        (Some(protocol), Some(IntOrString::Int(number))) => format!("{protocol} {number}"),
        _ => "more than one port".to_owned(),
    };
    ports.map(name).collect()
}

#[test]
fn every_document_has_the_form_of_its_kind() {
    let app: SpinApp = read("app.yaml");
    assert_eq!(app.api_version, "core.spinkube.dev/v1alpha1");
    assert_eq!(app.kind, "SpinApp");
    assert!(app.spec.resources.claims.is_none());
    // The operator refuses fewer, unless something else sets their number.
    assert!(app.spec.replicas >= 1);
    let _: Secret = read("variables.yaml");
    let _: Secret = read("runtime-config.yaml");
    let _: Ingress = read("ingress.yaml");
    let _: Ingress = read("ingress-operator.yaml");
    let policy: NetworkPolicy = read("network-policy.yaml");
    let pods = policy.spec.and_then(|spec| spec.pod_selector);
    let labels = pods.and_then(|pods| pods.match_labels).expect("labels");
    assert_eq!(labels["core.spinkube.dev/app-name"], name(&app.metadata));
    let entries = std::fs::read_dir(folder()).expect("a folder");
    let count = entries
        .flatten()
        .filter(|entry| entry.path().extension().is_some_and(|end| end == "yaml"))
        .count();
    assert_eq!(count, 6, "another document must be read here too");
}

#[test]
fn a_key_that_is_not_known_is_found_at_any_depth() {
    let refused = |file: &str, line: &str, misspelt: &str| {
        let text = std::fs::read_to_string(folder().join(file)).expect("a file");
        assert!(text.contains(line), "{line}");
        let changed = text.replace(line, misspelt);
        let is_refused = match file {
            "app.yaml" => parse::<SpinApp>(&changed).is_err(),
            "ingress.yaml" => parse::<Ingress>(&changed).is_err(),
            _ => parse::<NetworkPolicy>(&changed).is_err(),
        };
        assert!(is_refused, "{misspelt}");
    };
    for (file, line, misspelt) in [
        ("app.yaml", "  replicas: 2", "  replica: 2"),
        ("app.yaml", "  replicas: 2", "  replicas: two"),
        (
            "app.yaml",
            "      mountPath: /certs",
            "      mountpath: /certs",
        ),
        (
            "app.yaml",
            "  key: webhook_secret",
            "  keys: webhook_secret",
        ),
        ("app.yaml", "  path: /.well", "  paths: /.well"),
        ("app.yaml", "      readOnly: true", "      readonly: true"),
        ("network-policy.yaml", "cidr:", "cdir:"),
        ("ingress.yaml", "secretName:", "secretname:"),
    ] {
        refused(file, line, misspelt);
    }
}

#[test]
fn the_documents_fit_together_and_with_the_manifest() {
    let app: SpinApp = read("app.yaml");
    let variables: Secret = read("variables.yaml");
    let runtime_config: Secret = read("runtime-config.yaml");
    let spin_toml = std::fs::read_to_string(manifest()).expect("a manifest");
    for variable in &app.spec.variables {
        let declared = format!("\n{} = {{", variable.name);
        assert!(spin_toml.contains(&declared), "{}", variable.name);
        let Some(source) = &variable.value_from else {
            assert!(variable.value.is_some(), "{}", variable.name);
            continue;
        };
        let reference = source.secret_key_ref.as_ref().expect("a Secret");
        assert_eq!(reference.name, name(&variables.metadata));
        entry(&variables, &reference.key);
    }
    let loaded = &app.spec.runtime_config.load_from_secret;
    assert_eq!(loaded, name(&runtime_config.metadata));

    let config = entry(&runtime_config, "runtime-config.toml");
    let config: toml::Table = config.parse().expect("TOML");
    let tls = &config["client_tls"][0];
    let component = tls["component_ids"][0].as_str().expect("an id");
    assert!(spin_toml.contains(&format!("\n[component.{component}]\n")));
    let url = docker_url(&app);
    let host = tls["hosts"][0].as_str().expect("a host");
    assert_eq!(url, format!("https://{host}:2376"));
    let mount = Path::new(&app.spec.volume_mounts[0].mount_path);
    for file in [
        "ca_roots_file",
        "client_cert_file",
        "client_private_key_file",
    ] {
        let path = tls[file].as_str().expect("a path");
        assert_eq!(Path::new(path).parent(), Some(mount), "{file}");
    }
    assert_eq!(app.spec.volume_mounts[0].name, app.spec.volumes[0].name);
}

#[test]
fn the_network_policy_admits_the_ports_that_are_used() {
    let app: SpinApp = read("app.yaml");
    let policy: NetworkPolicy = read("network-policy.yaml");
    let spec = policy.spec.expect("a specification");
    let ingress = spec.ingress.expect("callers");
    assert_eq!(ingress.len(), 1);
    // Where the operator has Spin listen, and whither its service leads.
    assert_eq!(ports(ingress[0].ports.as_deref()), ["TCP 80"]);
    let egress = spec.egress.expect("who is called");
    let called: Vec<_> = egress
        .iter()
        .map(|rule| ports(rule.ports.as_deref()))
        .collect();
    let url = docker_url(&app);
    let (_, port) = url.rsplit_once(':').expect("a port");
    assert_eq!(called[0], ["UDP 53", "TCP 53"]);
    assert_eq!(called[1..], [[format!("TCP {port}")]]);
}

#[test]
fn the_certificates_are_made_under_the_names_that_are_mounted() {
    let app: SpinApp = read("app.yaml");
    let secret = app.spec.volumes[0].secret.as_ref().expect("a Secret");
    let secret = secret.secret_name.as_deref().expect("a name");
    let runtime_config: Secret = read("runtime-config.yaml");
    let config = entry(&runtime_config, "runtime-config.toml");
    let instructions = std::fs::read_to_string(folder().join("README.md")).expect("a file");
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
    let of_webhooks = ["Exact /start", "Exact /stop", "Exact /health"];
    assert_eq!(paths_of("ingress.yaml"), of_webhooks);
    let of_operators = ["Exact /", "Exact /metrics", "Prefix /v1/"];
    assert_eq!(paths_of("ingress-operator.yaml"), of_operators);
}

/// The paths that an ingress leads to the application.
#[track_caller]
fn paths_of(file: &str) -> Vec<String> {
    let app: SpinApp = read("app.yaml");
    let ingress: Ingress = read(file);
    let spec = ingress.spec.expect("a specification");
    let rules = spec.rules.expect("rules");
    assert_eq!(rules.len(), 1);
    let tls = spec.tls.expect("a certificate");
    let hosts = tls[0].hosts.as_ref().expect("hosts");
    assert_eq!(hosts.first(), rules[0].host.as_ref());
    let paths = &rules[0].http.as_ref().expect("paths").paths;
    paths
        .iter()
        .map(|path| {
            // The operator's service has the application's name, and this one port.
            let service = path.backend.service.as_ref().expect("a service");
            assert_eq!(service.name, name(&app.metadata));
            let port = service.port.as_ref().and_then(|port| port.number);
            assert_eq!(port, Some(80));
            let shown = path.path.as_deref().expect("a path");
            format!("{} {shown}", path.path_type)
        })
        .collect()
}

#[test]
fn the_runtime_configuration_is_one_that_a_server_starts_with() {
    let runtime_config: Secret = read("runtime-config.yaml");
    let folder = Folder::new("spinkube-");
    let config = entry(&runtime_config, "runtime-config.toml");
    let here = folder.path().display().to_string();
    let config = config.replace("\"/certs/", &format!("\"{here}/"));
    let authority = test_support::certificates::Authority::new("ca");
    authority.file(&folder);
    authority.client().files(&folder, "client");
    let file = folder.file("runtime-config.toml", &config);
    let answer = Server::over_tls(&[], &file).call("GET", "/nothing", "");
    assert_eq!(answer.status, 404, "{answer:?}");
}

#[test]
fn a_placeholder_opens_nothing() {
    let variables: Secret = read("variables.yaml");
    let placeholder = entry(&variables, "webhook_secret");
    let server = Server::over_tcp(&[("webhook_secret", &placeholder)]);
    let credentials = format!("Basic {placeholder}");
    let headers = [("authorization", credentials.as_str())];
    let answer = server.send("GET", "/nothing", &headers, b"");
    assert_eq!(answer.status, 500, "{answer:?}");
}
