//! `docs/portal.md`: the page's image is built, and its client is run.

use std::process::{Command, Output};

use dev::process;
use test_support::markdown;
use test_support::prelude::*;

const PAGE: &str = include_str!("../../../docs/portal.md");

/// The page's block in a language.
fn block(language: &str) -> &'static str {
    markdown::block(PAGE, language, "")
}

/// Builds the page's image, on a base that needs no registry.
fn build(engine: &RealEngine, folder: &Folder) -> String {
    let base = format!("FROM {}", given("TEST_AGENT_IMAGE"));
    let dockerfile = block("dockerfile").replace("FROM debian:12-slim", &base);
    assert!(dockerfile.contains(&base), "{dockerfile}");
    folder.file("Dockerfile", &dockerfile);
    folder.file("entrypoint.sh", block("sh"));
    let image = unique("lab");
    let mut command = engine.docker().command();
    command.args(["build", "--tag", &image]).arg(folder.path());
    process::output(&mut command).expect("the page's image");
    image
}

/// Runs the page's client.
fn ask(folder: &Folder, server: &Server, visit: &str, password: &str) -> Output {
    let client = folder.file("client.py", block("python"));
    Command::new(given("TEST_PYTHON_PROGRAMS") + "/python3")
        .arg(client)
        .args([visit, password])
        .env("SERVER", format!("http://{}", server.address()))
        .env("API_SECRET", API)
        .output()
        .expect("Python")
}

#[test]
fn the_pages_client_gets_one_target_of_the_pages_image_for_a_visit() {
    let deployment = Deployment::given();
    let engine = deployment.engine.clone();
    let folder = Folder::new("portal-");
    let image = build(&engine, &folder);
    let server = deployment.server(&[("agent_image", &image)]);
    let visit = unique("visit");
    let told: Vec<String> = (0..2)
        .map(|_| {
            let output = ask(&folder, &server, &visit, "a-password-of-24-letters");
            assert!(output.status.success(), "{output:?}");
            String::from_utf8(output.stdout).expect("text")
        })
        .collect();
    assert_eq!(told[0], told[1]);
    let (id, state) = told[0].trim().split_once(' ').expect("an id and a state");
    assert_eq!(state, "running");
    deployment.check_has(&[id]);
    let says = "a lab of lab, with a password of 24 characters";
    wait_until("the image's own line", || engine.log(id).contains(says));
    assert_eq!(engine.shell(id, "ls /run/dynamic-access"), "");
    // The client shows a refusal in the server's words.
    let refused = ask(&folder, &server, "a key with spaces", "x");
    let errors = String::from_utf8_lossy(&refused.stderr);
    assert!(errors.contains("Idempotency-Key"), "{errors}");
    drop(deployment);
    let path = format!("/images/{image}?force=true");
    engine.call("DELETE", &path, None).check(200);
}
