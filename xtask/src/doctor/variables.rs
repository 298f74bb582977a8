//! The variables of a server that would be started here: the defaults of `spin.toml`, and the
//! environment over them.

use std::env;
use std::fs;

use anyhow::{Context, Result};
use dynamic_access::config::Config;
use toml::Table;

use crate::machine::workspace;

/// The variables of a server.
pub struct Variables {
    manifest: Table,
    environment: fn(&str) -> Option<String>,
}

/// Reads all of them.
pub fn read() -> Result<Variables> {
    let text = fs::read_to_string(workspace::root().join("spin.toml"))
        .context("failed to read spin.toml")?;
    let manifest = text.parse().context("spin.toml cannot be read")?;
    let environment = |name: &str| env::var(name).ok();
    Ok(Variables {
        manifest,
        environment,
    })
}

impl Variables {
    /// The value of one.
    pub fn get(&self, name: &str) -> Result<String, String> {
        let set = match name {
            // Another module chooses the Engine.
            "docker_url" => None,
            _ => (self.environment)(&format!("SPIN_VARIABLE_{}", name.to_uppercase())),
        };
        let declaration = self.manifest.get("variables").and_then(|all| all.get(name));
        let default = declaration.and_then(|declaration| declaration.get("default")?.as_str());
        let value = set.or_else(|| default.map(str::to_owned));
        value.ok_or_else(|| "is not set".to_owned())
    }

    /// The server's configuration from them.
    pub fn parse(&self) -> Result<Config> {
        Config::parse(&|name| self.get(name)).map_err(|problems| anyhow::anyhow!("{problems}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_goes_over_the_defaults() {
        let variables = Variables {
            environment: |name| match name {
                "SPIN_VARIABLE_AGENT_IMAGE" => Some("mine".to_owned()),
                "SPIN_VARIABLE_DOCKER_URL" => Some("/var/run/docker.sock".to_owned()),
                _ => None,
            },
            ..read().expect("the manifest has variables")
        };
        let config = variables.parse().expect("the defaults are right");
        assert_eq!(config.profiles.of("any").image.as_str(), "mine");
        assert_eq!(config.deployment_id.as_str(), "dynamic-access");
    }
}
