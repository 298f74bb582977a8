//! `/metrics`, read by the real Prometheus, and the rules of `deploy/observability`.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use dev::process::Group;
use serde_json::Value;
use test_support::engine::RealEngine;
use test_support::folder::Folder;
use test_support::http;
use test_support::own::Deployment;
use test_support::server::{OPERATOR, SECRET, Server};
use test_support::wait::wait_for;
use test_support::{free_address, unique};

use crate::lifecycle::{expired, id_of};

/// A Prometheus; dropping it ends it.
struct Prometheus {
    _process: Group,
    address: std::net::SocketAddr,
    _data: Folder,
}

impl Prometheus {
    /// Scrapes a server with the operator's secret, as the shipped configuration does.
    fn of(server: &Server) -> Self {
        let data = Folder::new("prometheus");
        let shipped = std::fs::read_to_string(observability().join("prometheus.yml"));
        let configuration = shipped
            .expect("a file")
            .replace(
                "dynamic-access.internal.example.com",
                &server.address().to_string(),
            )
            .replace("scheme: https", "scheme: http")
            .replace("scrape_interval: 30s", "scrape_interval: 1s");
        let rules = std::fs::read_to_string(observability().join("dynamic-access-rules.yml"));
        data.file("dynamic-access-rules.yml", &rules.expect("a file"));
        data.file("operator-secret", OPERATOR);
        let configuration = data.file("prometheus.yml", &configuration);
        let address = free_address();
        let mut command = Command::new("prometheus");
        command
            .arg(format!("--config.file={}", configuration.display()))
            .arg(format!(
                "--storage.tsdb.path={}",
                data.path().join("data").display()
            ))
            .arg(format!("--web.listen-address={address}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        Self {
            _process: Group::spawn(&mut command).expect("`cargo xtask test` has installed it"),
            address,
            _data: data,
        }
    }

    /// Waits until a query has one value, and returns it.
    #[track_caller]
    fn wait_for(&self, query: &str, wanted: &str) {
        let path = format!("/api/v1/query?query={}", encoded(query));
        wait_for(query, || {
            let stream = std::net::TcpStream::connect(self.address).ok()?;
            let request = http::request("GET", &path, &[], b"");
            (&stream).write_all(&request).ok()?;
            let answer = http::try_read_answer(&stream)?;
            let answer: Value = serde_json::from_str(&answer.body).ok()?;
            let value = answer["data"]["result"][0]["value"][1].as_str()?.to_owned();
            (value == wanted).then_some(())
        });
    }
}

fn observability() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/observability")
}

/// A query in the form of a URL's query.
fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

fn promtool(arguments: &[&str], input: &str) {
    let folder = Folder::new("promtool-");
    let input = File::open(folder.file("input", input)).expect("a file");
    let mut command = Command::new("promtool");
    command.args(arguments).current_dir(observability());
    let output = command.stdin(input).output();
    let output = output.expect("`cargo xtask test` has installed promtool");
    assert!(output.status.success(), "{arguments:?}\n{output:?}");
}

fn server(deployment: &Deployment<'_>) -> Server {
    deployment.server(&[("environments", r#"{"team-a":{"max_targets":7}}"#)])
}

fn scrape(server: &Server) -> String {
    let answer = server.by(OPERATOR, "GET", "/metrics", "");
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    answer.body
}

#[test]
fn prometheus_sees_the_targets_that_there_are() {
    let engine = RealEngine::given();
    let deployment = Deployment::new(&engine);
    let server = server(&deployment);
    let prometheus = Prometheus::of(&server);
    let running = r#"dynamic_access_targets{environment="(other)",state="running"}"#;
    prometheus.wait_for("up", "1");
    prometheus.wait_for(running, "0");
    let id = id_of(&server.start_target(&unique("token")));
    prometheus.wait_for(running, "1");
    prometheus.wait_for(r#"dynamic_access_targets_limit{environment=""}"#, "100");
    prometheus.wait_for(r#"dynamic_access_targets_limit{environment="team-a"}"#, "7");
    prometheus.wait_for(
        r#"dynamic_access_image_present{image="dynamic-access-agent"}"#,
        "1",
    );
    // The rules are loaded, and nothing is wrong.
    prometheus.wait_for("count(ALERTS) or vector(0)", "0");
    server.stop_target(&id);
    prometheus.wait_for(running, "0");
}

#[test]
fn a_scrape_has_the_form_that_promtool_checks_and_no_secret_also_while_the_engine_is_down() {
    let engine = RealEngine::given();
    let deployment = Deployment::new(&engine);
    let server = server(&deployment);
    let token = unique("planted-token");
    let id = id_of(&server.start_target(&token));
    let due = expired(&engine, &deployment);
    let reapable = r#"dynamic_access_reapable_targets{reason="expired"} 1"#;
    let text = wait_for("a target that is due", || {
        Some(scrape(&server)).filter(|text| text.contains(reapable))
    });
    promtool(&["check", "metrics"], &text);
    for hidden in [&token, &id, &due.id, OPERATOR, SECRET] {
        assert!(!text.contains(hidden), "{text}");
    }
    // A label that callers choose would be a series for each of them.
    assert!(!text.contains("0f1e2d3c"), "{text}");
    // An Engine that is down is a gauge, and not a failure.
    let nobody = format!("http://{}", free_address());
    let text = scrape(&Server::over_tcp(&[("docker_url", &nobody)]));
    assert!(text.contains("\ndynamic_access_engine_up 0\n"), "{text}");
    assert!(!text.contains("dynamic_access_targets{"), "{text}");
    promtool(&["check", "metrics"], &text);
}

#[test]
fn the_shipped_rules_and_configuration_are_valid_and_tested() {
    promtool(&["check", "rules", "dynamic-access-rules.yml"], "");
    promtool(&["test", "rules", "dynamic-access-rules-test.yml"], "");
    // As an operator has it: the rules and the secret are beside the configuration.
    let folder = Folder::new("observability");
    for name in ["prometheus.yml", "dynamic-access-rules.yml"] {
        let shipped = std::fs::read_to_string(observability().join(name));
        folder.file(name, &shipped.expect("a file"));
    }
    folder.file("operator-secret", OPERATOR);
    let configuration = folder.path().join("prometheus.yml").display().to_string();
    promtool(&["check", "config", &configuration], "");
}
