//! Asks whether the public registry and the agent's package repository can be reached.

use std::process::Command;
use std::time::Duration;

use dev::process;

/// The registry of the Dockerfile's base image; without credentials it answers 401, which also shows that it is there.
const REGISTRY: &str = "https://registry-1.docker.io/v2/";

/// A file that every package repository has, in the Dockerfile's repository.
const AGENT_REPOSITORY: &str =
    "https://download-apt.bastionzero.com/production/apt-repo/dists/stable/Release";

/// Long enough for a slow network, and short enough if nothing answers.
const PROBE_BOUND: Duration = Duration::from_secs(4);

/// Whether the base image can be pulled.
pub fn registry() -> bool {
    matches!(status(REGISTRY), Some(200 | 401))
}

/// Whether the agent's package can be installed.
pub fn agent_repository() -> bool {
    status(AGENT_REPOSITORY) == Some(200)
}

fn status(url: &str) -> Option<u16> {
    let mut command = Command::new(process::program("curl")?);
    command
        .args(["--silent", "--location", "--output", "/dev/null"])
        .args(["--write-out", "%{http_code}"])
        .args(["--max-time", &PROBE_BOUND.as_secs().to_string()])
        .arg(url);
    process::output_within(&mut command, PROBE_BOUND * 2)
        .ok()?
        .trim()
        .parse()
        .ok()
}
