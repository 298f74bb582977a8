//! Makes the network of the targets, which the server never does, and removes the containers of a run.

use anyhow::{Context, Result};
use dev::docker::Docker;
use dynamic_access_admin::progress::say;

/// The name of the network that a target joins unless the operator says otherwise.
pub const NETWORK: &str = "dynamic-access";

/// The variable with the image of a target.
pub const AGENT_IMAGE: &str = "SPIN_VARIABLE_AGENT_IMAGE";

/// The variable with the places where agents may register.
pub const SERVICE_URLS: &str = "SPIN_VARIABLE_SERVICE_URLS";

/// Makes the Engine drop traffic between targets, if it manages the machine's firewall rules.
const NO_TRAFFIC: &str = "com.docker.network.bridge.enable_icc=false";

/// Makes the network unless it is there.
pub fn ensure_network(docker: &Docker) -> Result<()> {
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

/// The containers of a run's deployment, on an Engine that somebody else may own; dropping it removes them.
pub struct OwnContainers {
    docker: Docker,
    deployment_id: String,
}

impl OwnContainers {
    /// The containers of `deployment_id`, from this run or an earlier one.
    pub fn of(docker: &Docker, deployment_id: &str) -> Self {
        Self {
            docker: docker.clone(),
            deployment_id: deployment_id.to_owned(),
        }
    }
}

impl Drop for OwnContainers {
    fn drop(&mut self) {
        let label = format!("dynamic-access.deployment={}", self.deployment_id);
        match self.docker.remove_labelled(&label) {
            Ok(0) => {}
            Ok(n) => say(&format!("containers of this deployment removed: {n}")),
            Err(error) => say(&format!(
                "{error:#}\nremove what is left with: docker rm --force --volumes $(docker ps --all --quiet --filter label={label})"
            )),
        }
    }
}
