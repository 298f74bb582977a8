//! `/metrics`, read by the real Prometheus, and the rules of `deploy/observability`.

use std::fs::File;
use std::process::Command;

use test_support::engine::encoded;
use test_support::http;
use test_support::prelude::*;
use test_support::program::Program;
use test_support::{checkout, free_address};

/// A Prometheus; dropping it ends it.
struct Prometheus {
    _process: Program,
    address: std::net::SocketAddr,
}

impl Prometheus {
    /// Scrapes a server with the operator's secret, as the shipped configuration does.
    fn of(server: &Server) -> Self {
        let address = free_address();
        let target = server.address().to_string();
        let data = as_an_operator_has_it(&[
            ("dynamic-access.internal.example.com", &target),
            ("scheme: https", "scheme: http"),
            ("scrape_interval: 30s", "scrape_interval: 1s"),
        ]);
        let mut command = Command::new("prometheus");
        command
            .current_dir(data.path())
            .args(["--config.file=prometheus.yml", "--storage.tsdb.path=data"])
            .arg(format!("--web.listen-address={address}"));
        Self {
            _process: Program::start(&mut command, data, &[address]),
            address,
        }
    }

    /// Waits until a query has one value.
    #[track_caller]
    fn wait_for(&self, query: &str, wanted: &str) {
        let path = format!("/api/v1/query?query={}", encoded(query));
        wait_until(query, || {
            let request = http::request("GET", &path, &[], b"");
            let answer = http::exchange(self.address, &request);
            // It is not ready at once.
            answer.status == 200 && answer.json()["data"]["result"][0]["value"][1] == wanted
        });
    }
}

/// A folder with the shipped configuration, changed in some places, and the rules and the secret
/// beside it.
fn as_an_operator_has_it(changes: &[(&str, &str)]) -> Folder {
    let read = |name| shipped(&format!("deploy/observability/{name}"));
    let folder = Folder::new("observability");
    let mut configuration = read("prometheus.yml");
    for (shipped, here) in changes {
        assert!(configuration.contains(shipped), "{configuration}");
        configuration = configuration.replace(shipped, here);
    }
    folder.file("prometheus.yml", &configuration);
    let rules = "dynamic-access-rules.yml";
    folder.file(rules, &read(rules));
    folder.file("operator-secret", OPERATOR);
    folder
}

fn promtool(arguments: &[&str], input: &str) {
    let folder = Folder::new("promtool-");
    let input = File::open(folder.file("input", input)).expect("a file");
    let mut command = Command::new("promtool");
    command
        .args(arguments)
        .current_dir(checkout("deploy/observability"));
    let output = command.stdin(input).output();
    let output = output.expect("`cargo xtask test` has installed promtool");
    assert!(output.status.success(), "{arguments:?}\n{output:?}");
}

fn scrape(server: &Server) -> String {
    let answer = server.by(OPERATOR, "GET", "/metrics", "").check(200);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    promtool(&["check", "metrics"], &answer.body);
    answer.body
}

#[test]
fn prometheus_sees_the_targets_that_there_are_and_no_secret() {
    let deployment = Deployment::given();
    let server = deployment.server(&[("environments", r#"{"team-a":{"max_targets":7}}"#)]);
    let prometheus = Prometheus::of(&server);
    let running = r#"dynamic_access_targets{environment="(other)",state="running"}"#;
    prometheus.wait_for("up", "1");
    prometheus.wait_for(running, "0");
    let token = unique("planted-token");
    let id = server.start_target(&token).unique_id();
    prometheus.wait_for(running, "1");
    for (query, wanted) in [
        (r#"targets_limit{environment=""}"#, "100"),
        (r#"targets_limit{environment="team-a"}"#, "7"),
        (r#"image_present{image="dynamic-access-agent"}"#, "1"),
    ] {
        prometheus.wait_for(&format!("dynamic_access_{query}"), wanted);
    }
    // The rules are loaded, and nothing is wrong.
    prometheus.wait_for("count(ALERTS) or vector(0)", "0");
    let due = deployment.expired();
    prometheus.wait_for(r#"dynamic_access_reapable_targets{reason="expired"}"#, "1");
    let text = scrape(&server);
    // A label that callers choose, such as the environment, would be a series for each of them.
    for hidden in [&token, &id, &due.id, OPERATOR, SECRET, "0f1e2d3c"] {
        assert!(!text.contains(hidden), "{text}");
    }
    server.stop_target(&id);
    drop(due);
    prometheus.wait_for(running, "0");
}

#[test]
fn an_engine_that_is_down_is_a_gauge_and_not_a_failure() {
    let text = scrape(&Server::over_tcp(&[("docker_url", "http://127.0.0.1:1")]));
    assert!(text.contains("\ndynamic_access_engine_up 0\n"), "{text}");
    assert!(!text.contains("dynamic_access_targets{"), "{text}");
}

#[test]
fn the_shipped_rules_and_configuration_are_valid_and_tested() {
    promtool(&["check", "rules", "dynamic-access-rules.yml"], "");
    promtool(&["test", "rules", "dynamic-access-rules-test.yml"], "");
    let folder = as_an_operator_has_it(&[]);
    let configuration = folder.path().join("prometheus.yml").display().to_string();
    promtool(&["check", "config", &configuration], "");
}
