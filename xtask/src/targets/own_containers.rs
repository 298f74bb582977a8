//! Removes the containers of a run from an Engine that somebody else may own.

use dev::docker::Docker;

use dynamic_access_admin::progress::say;

/// The containers of a run's deployment; dropping it removes them.
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
