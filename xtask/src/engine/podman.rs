//! Starts Podman's Docker-compatible service, the second Engine of the tests and the bench.
//!
//! It lives in the folder and the namespaces of a private Engine, and goes with it.

use std::fs;
use std::path::PathBuf;

use anyhow::Result;
use dev::docker::Docker;
use dev::docker::endpoint::Endpoint;
use dev::process;

use crate::engine::Engine;
use crate::machine::setup;

/// Podman's default network would write firewall rules on this machine. Its default limits are the
/// highest possible, which not every root may set. Its preferred runtime refuses limits if both
/// versions of control groups are mounted.
const CONF: &str = r#"[containers]
netns = "none"
default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
init_path = "/usr/bin/catatonit"
[engine]
runtime = "runc"
"#;

/// Podman trusts no registry without TLS. Docker trusts those of this machine.
const REGISTRIES: &str = r#"[[registry]]
location = "127.0.0.1"
insecure = true
"#;

pub fn socket(engine: &Engine) -> PathBuf {
    engine.dir().join("podman.sock")
}

/// Starts the service beside `engine`, and waits until it answers at `endpoint`.
pub fn start_beside(engine: &Engine, endpoint: &Endpoint) -> Result<Docker> {
    let needed = ["podman", "catatonit", "slirp4netns"];
    if engine.root.is_none() && needed.iter().any(|name| process::program(name).is_none()) {
        let packages = ["podman", "runc", "catatonit", "slirp4netns"];
        setup::packages("Podman's service", &packages)?;
    }
    let dir = engine.dir();
    fs::write(dir.join("podman.conf"), CONF)?;
    fs::write(dir.join("registries.conf"), REGISTRIES)?;
    let mut command = engine.namespaces().daemon("podman");
    command
        .env("CONTAINERS_CONF", dir.join("podman.conf"))
        .env("CONTAINERS_REGISTRIES_CONF", dir.join("registries.conf"))
        .env("TMPDIR", dir)
        .args([
            engine.option("root", "podman"),
            engine.option("runroot", "podman-state"),
            engine.option("tmpdir", "podman-tmp"),
        ])
        .args(["--cgroup-manager=cgroupfs", "system", "service", "--time=0"])
        .arg(endpoint.docker_host());
    let docker = Docker::at(endpoint.clone());
    engine.spawn(&mut command, "podman", || docker.ping())?;
    Ok(docker)
}
