//! Makes the network of the targets, which the server never does.

use anyhow::{Context, Result};
use dev::docker::Docker;
use dynamic_access_admin::progress::say;

/// The name of the network that a target joins unless the operator says otherwise.
pub const NETWORK: &str = "dynamic-access";

/// Makes the Engine drop traffic between targets, if it manages the machine's firewall rules.
const NO_TRAFFIC: &str = "com.docker.network.bridge.enable_icc=false";

/// The command that makes a network on which targets cannot reach each other.
pub fn how_to_make(name: &str) -> String {
    format!("docker network create --opt {NO_TRAFFIC} {name}")
}

/// Makes the network unless it is there.
pub fn ensure(docker: &Docker) -> Result<()> {
    if docker.ask(&["network", "inspect", NETWORK]).is_ok() {
        return Ok(());
    }
    docker
        .ask(&["network", "create", "--opt", NO_TRAFFIC, NETWORK])
        .with_context(|| format!("failed to make the network {NETWORK}"))?;
    say(&format!(
        "network: {NETWORK}, without traffic between targets"
    ));
    Ok(())
}
