//! `/metrics`, read by the real Prometheus, and the rules of `deploy/observability`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use test_support::engine::RealEngine;
use test_support::folder::Folder;
use test_support::http;
use test_support::own::Deployment;
use test_support::server::{OPERATOR, SECRET, Server};
use test_support::wait::wait_for;
use test_support::{free_address, unique};

use crate::lifecycle::{expired, id_of};

/// A Prometheus, ended when it is dropped.
struct Prometheus {
    process: Child,
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
        let process = Command::new("prometheus")
            .arg(format!("--config.file={}", configuration.display()))
            .arg(format!(
                "--storage.tsdb.path={}",
                data.path().join("data").display()
            ))
            .arg(format!("--web.listen-address={address}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("`cargo xtask test` has installed prometheus");
        Self {
            process,
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

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
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
    let mut process = Command::new("promtool")
        .args(arguments)
        .current_dir(observability())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("`cargo xtask test` has installed promtool");
    let mut stdin = process.stdin.take().expect("it is piped");
    stdin.write_all(input.as_bytes()).expect("it reads");
    drop(stdin);
    let output = process.wait_with_output().expect("it ends");
    let told = [output.stdout, output.stderr].concat();
    let told = String::from_utf8_lossy(&told);
    assert!(output.status.success(), "{arguments:?}\n{told}");
}

fn server(deployment: &Deployment<'_>) -> Server {
    deployment.server(&[("environments", r#"{"team-a":{"max_targets":7}}"#)])
}

fn scrape(server: &Server) -> String {
    let bearer = format!("Bearer {OPERATOR}");
    let answer = server.send("GET", "/metrics", &[("authorization", &bearer)], b"");
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
fn a_scrape_has_the_form_that_promtool_checks_and_no_secret() {
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
}

#[test]
fn an_engine_that_is_down_is_a_gauge_and_not_a_failure() {
    let port = free_address();
    let server = Server::over_tcp(&[("docker_url", &format!("http://{port}"))]);
    let text = scrape(&server);
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
