//! The released program, as an operator calls it.

use std::path::Path;
use std::process::{Command, Output};

fn admin(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dynamic-access-admin"));
    command.args(arguments).output().expect("it was built")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn certs_makes_the_files_and_says_how_to_use_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("certs").display().to_string();
    let made = admin(&["certs", "engine.example.com", "--out", &out]);
    assert!(made.status.success(), "{}", text(&made.stderr));
    assert!(text(&made.stdout).contains("docker_url=https://engine.example.com:2376"));
    assert!(Path::new(&out).join("runtime-config.toml").exists());
}

#[test]
fn doctor_says_what_is_not_a_servers_url() {
    let asked = admin(&["doctor", "ftp://example.com"]);
    assert_eq!(asked.status.code(), Some(1));
    assert!(
        text(&asked.stderr).contains("http(s)://host"),
        "{}",
        text(&asked.stderr)
    );
}
