//! `deploy/hosted`: the manifest for a platform that takes no variables in
//! `allowed_outbound_hosts`.

use std::path::PathBuf;
use std::process::Command;

use dev::process;
use test_support::prelude::*;

/// The URL that the instructions have in the place of the reader's own.
const EXAMPLE: &str = "https://docker.example.com:2376";

/// The manifest that the instructions' command makes for the Engine at `url`.
fn manifest_for(folder: &Folder, url: &str) -> PathBuf {
    let readme = shipped("deploy/hosted/README.md");
    let mut lines = readme.lines().map(str::trim);
    let command = lines.find(|line| line.starts_with("sed "));
    let command = command.expect("a command").replace(EXAMPLE, url);
    folder.file("spin.toml", &shipped("spin.toml"));
    let mut shell = Command::new("sh");
    shell
        .args(["-e", "-c", &command])
        .current_dir(folder.path());
    process::output(&mut shell).expect("a manifest");
    let name = command.rsplit('>').next().expect("it writes a file");
    folder.path().join(name)
}

#[test]
fn a_manifest_with_the_url_itself_reaches_that_engine() {
    let folder = Folder::new("hosted-");
    let engine = FakeEngine::answering("200 OK", "[]");
    let manifest = manifest_for(&folder, &engine.url());
    let text = std::fs::read_to_string(&manifest).expect("a manifest");
    let allowed: Vec<_> = text
        .lines()
        .filter(|line| line.contains("allowed_outbound_hosts"))
        .collect();
    let url = engine.url();
    assert_eq!(allowed, [format!("allowed_outbound_hosts = [\"{url}\"]")]);
    let server = Server::adjusted(&[("docker_url", &url)], |options| {
        options.manifest = manifest;
    });
    server.health();
    assert!(!engine.requests().is_empty());
}
