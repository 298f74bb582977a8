//! `examples/worker`: a job by curl alone, and by clients that generators make of the served
//! document.

use std::os::unix::fs::symlink;

use test_support::given;

use crate::examples::Visit;

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
