//! The OpenAPI document: whatever requests a tool makes from it, the server answers as it says.

use std::process::Command;

use test_support::prelude::*;

/// Other inputs than the usual ones: a number.
const SEED: &str = "TEST_SCHEMATHESIS_SEED";

/// A valid request may be refused because of earlier ones, or because its URL is not allowed. One
/// with too many members may be too long.
const CONFIGURATION: &str = r#"
[checks.positive_data_acceptance]
expected-statuses = [200, 201, 204, 400, 404, 409, 422, 429]
[checks.negative_data_rejection]
expected-statuses = [400, 401, 403, 404, 405, 406, 409, 413, 415, 422, 428, 429, "5xx"]
"#;

/// What it must not send.
const HOOKS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests");

#[test]
fn schemathesis_finds_no_fault_with_what_each_secret_opens() {
    let openings = [
        (
            API,
            "Bearer",
            "--include-tag targets --include-path /metrics",
        ),
        (
            OPERATOR,
            "Basic",
            "--include-method GET --exclude-path /health",
        ),
        (SECRET, "Basic", "--include-tag webhooks"),
    ];
    at_once(openings.len(), |number| {
        let (secret, scheme, operations) = openings[number];
        check(secret, scheme, operations);
    });
}

fn check(secret: &str, scheme: &str, operations: &str) {
    let deployment = Deployment::given();
    // Most starts are refused, which keeps the test short.
    let few = [("max_targets", "1"), ("service_urls", "http://192.0.2.1:9")];
    let server = deployment.server(&few);
    let folder = Folder::new("schemathesis");
    let document = concat!(env!("CARGO_MANIFEST_DIR"), "/../src/api/openapi.json");
    let configuration = folder.file("schemathesis.toml", CONFIGURATION);
    let seed = std::env::var(SEED).unwrap_or_else(|_| "1".to_owned());
    let output = Command::new(given("TEST_PYTHON_PROGRAMS") + "/schemathesis")
        .arg("--config-file")
        .arg(configuration)
        .args(["run", document, "--no-color", "--output-sanitize", "false"])
        .args(["--url", &format!("http://{}", server.address())])
        .args(["--header", &format!("Authorization: {scheme} {secret}")])
        .args(["--seed", &seed, "--max-examples", "20"])
        // Credentials of their own are the other tests'.
        .args(["--exclude-checks", "ignored_auth"])
        .args(operations.split(' '))
        .current_dir(folder.path())
        .env("SCHEMATHESIS_HOOKS", "schemathesis_hooks")
        .env("PYTHONPATH", HOOKS)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .expect("schemathesis");
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{SEED}={seed}\n{told}");
    for line in server.log() {
        let line: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}"));
        assert_ne!(line["status"], 500, "{line}");
    }
}
