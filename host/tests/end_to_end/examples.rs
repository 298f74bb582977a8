//! The folders of `examples/`, each used as its README says.

use std::os::unix::fs::symlink;
use std::time::Duration;

use headless_chrome::browser::tab::ModifierKey;
use test_support::example::{API_SECRET, Example, Person};
use test_support::free_address;
use test_support::prelude::*;

use crate::page::browser::Browser;

/// A notebook starts Python in some seconds, and on a busy machine in more than half a minute.
const PYTHON_WITHIN: Duration = Duration::from_secs(120);

/// An example, with a server that has its environment, as `cargo xtask up --example` starts it,
/// and a person who calls it.
struct Visit {
    _server: Server,
    deployment: Deployment,
    example: Example,
    person: Person,
}

impl Visit {
    fn to(name: &'static str) -> Self {
        let deployment = Deployment::given();
        let example = Example::on(&deployment.engine.docker(), name);
        let environments = example.environments().to_string();
        let server = deployment.server(&[
            ("api_secret", API_SECRET),
            ("environments", environments.as_str()),
        ]);
        server.health().check_done();
        Self {
            deployment,
            example,
            person: Person::at(server.address()),
            _server: server,
        }
    }
}

#[test]
fn the_readme_begins_with_the_ssh_box() {
    let readme = include_str!("../../../README.md");
    let (_, after) = readme.split_once("## A shell").expect("its first part");
    let commands = after.lines().filter_map(|line| line.strip_prefix("    "));
    let example = Example::on(&RealEngine::given().docker(), "ssh-box");
    let theirs = ["xtask up", "order.sh", "ssh -i"].map(|part| example.command(part));
    assert_eq!(commands.take(3).collect::<Vec<_>>(), theirs);
}

#[test]
fn ssh_reaches_its_box_alone_until_the_box_is_stopped() {
    let visit = Visit::to("ssh-box");
    let (example, person) = (&visit.example, &visit.person);
    person.must(&example.command("order.sh"));
    let ssh = example.command("ssh -i");
    wait_until("a box that listens", || person.run(&ssh).status.success());
    let look = "cat /run/dynamic-access/* /etc/dropbear-host-key 2>/dev/null; echo nothing";
    let _session = person.type_into(&ssh, &format!("id -un; {look}"));
    wait_until("the box's answer", || {
        person.read("said") == "box\nnothing\n"
    });
    check_strangers(person, &ssh);
    person.must(&example.command("DELETE"));
    wait_until("the end of the session", || person.read("code") == "255\n");
    let errors = person.read("errors");
    assert!(errors.contains("closed by remote host"), "{errors}");
    visit.deployment.check_empty();
}

/// Another key does not open the box, and another host key is noticed.
fn check_strangers(person: &Person, ssh: &str) {
    person.must("ssh-keygen -q -t ed25519 -N '' -f stranger");
    person.must("echo \"box $(cat stranger.pub)\" >other-hosts");
    for (right, wrong, reason) in [
        ("box/key", "stranger", "Permission denied"),
        ("box/known-hosts", "other-hosts", "key verification failed"),
    ] {
        let refused = person.run(&ssh.replace(right, wrong));
        let errors = String::from_utf8_lossy(&refused.stderr);
        let is_refused = !refused.status.success() && errors.contains(reason);
        assert!(is_refused, "{errors}");
    }
}

#[test]
fn a_browser_types_into_a_notebook_through_the_proxy() {
    let visit = Visit::to("notebook");
    let (example, person) = (&visit.example, &visit.person);
    let listen = free_address();
    let proxy = format!("LISTEN={listen} SERVER=http://127.0.0.1:3000 exec ");
    let _proxy = person.leave_running(&(proxy + &example.command("proxy.sh")));
    let order = ["openssl", "Idempotency-Key", "printf"].map(|part| example.command(part));
    let told = person.must(&order.join("\n"));
    let link = told.lines().last().expect("a link");
    let link = link.replace(":8080/", &format!(":{}/", listen.port()));
    let target = person.target();
    let id = target["id"].as_str().expect("an id");
    let open = format!("curl --fail --silent --output page {link:?}");
    wait_until("the notebook", || person.run(&open).status.success());
    let browser = Browser::start();
    browser.open_url(&link);
    wait_within(PYTHON_WITHIN, "Python", || {
        let is_idle = browser.count("#kernel_indicator_icon.kernel_idle_icon") == 1;
        is_idle.then_some(())
    });
    let typed = unique("typed");
    // Enter begins to type into the cell, and Enter with Shift runs it.
    browser.press("Enter", &[]);
    browser.type_text(&format!("!id -u >{typed}"));
    browser.press("Enter", &[ModifierKey::Shift]);
    let script = format!("cat {typed} || true");
    wait_until("what was typed", || {
        visit.deployment.engine.shell(id, &script).trim() == "1000"
    });
    // Who has no token is asked for it, and who names no notebook finds none.
    let without = link.split('?').next().expect("a path");
    let status = |link: &str| {
        let ask = "curl --silent --output page --write-out '%{http_code}' ";
        person.must(&format!("{ask} {link:?}"))
    };
    assert_eq!(status(without), "302");
    let nobodys = without.replace("//", "//other-");
    assert_eq!(status(&nobodys), "404");
    person.must(&example.command("DELETE"));
    wait_until("a proxy without the notebook", || status(&link) == "404");
}

#[test]
fn the_exit_code_of_a_job_is_read_with_curl_alone() {
    let visit = Visit::to("worker");
    let (example, person) = (&visit.example, &visit.person);
    let steps = ["Idempotency-Key", "id=", "until", ".exitCode"].map(|part| example.command(part));
    let told = person.must(&steps.join("\n"));
    assert_eq!(told.lines().last(), Some("7"), "{told}");
    // A job runs once.
    let again =
        person.run(&(example.command("Idempotency-Key") + "; echo; jq .status target.json"));
    let again = String::from_utf8_lossy(&again.stdout).into_owned();
    assert_eq!(again.lines().last(), Some("409"), "{again}");
}

#[test]
fn clients_that_are_generated_from_the_served_document_run_jobs() {
    let visit = Visit::to("worker");
    let (example, person) = (&visit.example, &visit.person);
    let modules = person.path("node_modules");
    symlink(given("TEST_NODE_MODULES"), modules).expect("a link");
    let begin = format!(
        "export PATH={}:$PATH PYTHONDONTWRITEBYTECODE=1 SERVER=http://127.0.0.1:3000\n{}\n{}",
        given("TEST_PYTHON_PROGRAMS"),
        example.command("/v1/openapi.json"),
        example.command("API_SECRET=")
    );
    let run = |parts: &[&str]| {
        let steps = parts.iter().map(|part| example.command(part));
        let steps: Vec<String> = steps.collect();
        person.run(&format!("set -e\n{begin}\n{}", steps.join("\n")))
    };
    let python = run(&["openapi-python-client generate", "run.py"]);
    assert_eq!(python.status.code(), Some(7), "{python:?}");
    let document: Value = serde_json::from_str(&person.read("openapi.json")).expect("JSON");
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
    // The text of Prometheus is nothing to parse.
    let told = [&python.stderr[..], &python.stdout].concat();
    let told = String::from_utf8_lossy(&told);
    let warnings = told.lines().filter(|line| line.starts_with("WARNING"));
    let warnings: Vec<&str> = warnings.collect();
    assert_eq!(
        warnings,
        ["WARNING parsing GET /metrics within operator."],
        "{told}"
    );
    let typescript = run(&["npx openapi-typescript", "npx tsc", "node run.js"]);
    assert_eq!(typescript.status.code(), Some(7), "{typescript:?}");
}
