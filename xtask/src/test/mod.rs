//! Runs every test on a private Engine that is removed afterwards.

mod programs;

use std::env;
use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result};
use dev::docker::endpoint::Endpoint;
use dev::dockerd;
use dev::process;

use crate::engine::suite::EngineArguments;
use crate::engine::{Engine, Listen, podman};
use crate::image::{self, Agent, example};
use crate::machine::{setup, workspace};
use crate::targets::ensure_network;
use crate::wasm;
use dynamic_access_admin::progress::say;

/// How many tests of a binary run at once by default. Most of them wait for an Engine or a time
/// limit.
const TEST_THREADS: &str = "4";

/// Runs `cargo test` with further arguments and returns its exit code.
///
/// The Engine is always a private one: tests that kill containers must not run
/// on an Engine that a person is using.
pub fn test(which: EngineArguments, arguments: &[String]) -> Result<ExitCode> {
    let started = Instant::now();
    let setting_up = setup::alone()?;
    wasm::build()?;
    let engine = Engine::start(Listen::Tls, which)?;
    let podman = podman::socket(&engine);
    podman::start_beside(&engine, &Endpoint::Unix(podman.clone()))?;
    install_for_tests()?;
    let record = engine.dir().join("traffic");
    image::build(&engine.docker(), image::IMAGE, Agent::StandIn)?;
    ensure_network(&engine.docker())?;
    let modules = programs::node()?;
    let (tls, tls_config) = engine.tls().context("the Engine was started with TLS")?;
    let mut command = workspace::cargo();
    command.arg("test");
    if !names_package(arguments) {
        command.arg("--workspace");
    }
    command
        .args(arguments)
        .env("TEST_DOCKER_SOCKET", engine.socket())
        .env("TEST_DOCKER_TLS_URL", tls.to_string())
        .env("TEST_DOCKER_TLS_CONFIG", tls_config)
        .env("TEST_DOCKERD_PIDFILE", dockerd::pid_file(engine.dir()))
        .env("TEST_ENGINE_INIT", engine.namespaces().0.to_string())
        .env("TEST_PODMAN_SOCKET", podman)
        .env("TEST_AGENT_IMAGE", image::IMAGE)
        .env("TEST_PYTHON_PROGRAMS", programs::python()?)
        .env("TEST_AXE", modules.join("axe-core/axe.min.js"))
        .env("TEST_NODE_MODULES", modules)
        .env("TEST_TRAFFIC", &record)
        .env("TEST_XTASK", env::current_exe()?);
    if env::var_os("RUST_TEST_THREADS").is_none() {
        command.env("RUST_TEST_THREADS", TEST_THREADS);
    }
    for (variable, purpose, found) in [
        ("TEST_BROWSER", "the page", programs::browser()),
        (
            "TEST_EXAMPLES",
            "the examples",
            example::archives(&engine.docker()),
        ),
    ] {
        match found {
            Ok(path) => command.env(variable, path),
            Err(error) => {
                say(&format!("tests of {purpose} will fail: {error:#}"));
                command.env_remove(variable)
            }
        };
    }
    drop(setting_up);
    say("cargo test");
    let status = process::status(&mut command).context("the tests could not be run")?;
    let has_traffic = fs::metadata(&record).is_ok_and(|record| record.len() > 0);
    let traffic = match status.success() && (has_traffic || arguments.is_empty()) {
        true => check_traffic(&record, arguments.is_empty()).map(Some),
        false => Ok(None),
    };
    drop(engine);
    let verdict = match status.success() {
        true => "passed",
        false => "failed",
    };
    say(&format!(
        "tests: {verdict}, after {:.0} s with all set-up",
        started.elapsed().as_secs_f32()
    ));
    if let Some(summary) = traffic? {
        say(&format!("traffic: {summary}"));
    }
    // A program that was ended by a signal has no exit code.
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

/// Installs the programs that tests start.
fn install_for_tests() -> Result<()> {
    for (program, package, what_for) in [
        ("docker-registry", "docker-registry", "registries of images"),
        ("openssl", "openssl", "certificates by Docker's own recipe"),
        ("nginx", "nginx-light", "a proxy in front of an Engine"),
        ("haproxy", "haproxy", "another proxy in front of an Engine"),
        ("prometheus", "prometheus", "scrapes of the metrics"),
        ("gpg", "gnupg", "keys of the agent image"),
        ("ssh", "openssh-client", "a session in a box"),
        ("curl", "curl", "the commands of the examples"),
        ("jq", "jq", "the same commands"),
        ("systemd-analyze", "systemd", "the unit of deploy/systemd"),
        ("nft", "nftables", "the firewall on the page about it"),
    ] {
        if process::program(program).is_none() {
            setup::packages(what_for, &[package])?;
            // Each service has the name of its program.
            setup::run("keep-off", [program])?;
        }
    }
    Ok(())
}

/// Checks the requests that the component sent during the tests, and returns a summary; `is_complete` if all tests ran.
/// A separate program does it: its validator takes half a minute to compile, and only testers need it.
fn check_traffic(record: &Path, is_complete: bool) -> Result<String> {
    let mut command = workspace::cargo();
    command.args(["run", "--quiet", "--package", "dynamic-access-engine-api"]);
    command.arg("--").arg(record);
    if is_complete {
        command.arg("--complete");
    }
    Ok(process::output(&mut command)?.trim().to_owned())
}

/// Cargo takes either a package or the whole workspace. Its own arguments end at `--`.
fn names_package(arguments: &[String]) -> bool {
    arguments
        .iter()
        .take_while(|argument| *argument != "--")
        .any(|argument| argument.starts_with("-p") || argument.starts_with("--package"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_stands_in_for_the_workspace() {
        let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
        assert!(names_package(&words("-p xtask")));
        assert!(names_package(&words("--lib --package=xtask")));
        assert!(!names_package(&words("lifecycle -- -p")));
        assert!(!names_package(&[]));
    }
}
