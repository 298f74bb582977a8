//! The variables of a server that would be started here: the defaults of `spin.toml`, and the
//! environment over them.

use std::collections::BTreeMap;
use std::env;
use std::fs;

use anyhow::{Context, Result};
use dynamic_access::config::Config;
use toml::Table;

use crate::machine::workspace;

/// The values of the variables, by their names.
pub type Values = BTreeMap<String, String>;

/// Reads all of them.
pub fn read() -> Result<Values> {
    let text = fs::read_to_string(workspace::root().join("spin.toml"))
        .context("failed to read spin.toml")?;
    over(&text, |name| env::var(name).ok())
}

fn over(manifest: &str, environment: impl Fn(&str) -> Option<String>) -> Result<Values> {
    let manifest: Table = manifest.parse().context("spin.toml cannot be read")?;
    let declared = manifest.get("variables").and_then(toml::Value::as_table);
    let values = declared
        .into_iter()
        .flatten()
        .filter_map(|(name, declaration)| {
            let default = declaration.get("default").and_then(toml::Value::as_str);
            let value = match name.as_str() {
                // Another module chooses the Engine.
                "docker_url" => None,
                _ => environment(&format!("SPIN_VARIABLE_{}", name.to_uppercase())),
            };
            let value = value.or(default.map(str::to_owned))?;
            Some((name.clone(), value))
        });
    Ok(values.collect())
}

/// The server's configuration from them.
pub fn parse(values: &Values) -> Result<Config> {
    let lookup = |name: &'static str| {
        let value = values.get(name).cloned();
        value.ok_or_else(|| "is not set".to_owned())
    };
    Config::parse(&lookup).map_err(|problems| anyhow::anyhow!("{problems}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_goes_over_the_defaults() {
        let manifest = fs::read_to_string(workspace::root().join("spin.toml")).expect("a file");
        let values = over(&manifest, |name| match name {
            "SPIN_VARIABLE_AGENT_IMAGE" => Some("mine".to_owned()),
            "SPIN_VARIABLE_DOCKER_URL" => Some("/var/run/docker.sock".to_owned()),
            _ => None,
        })
        .expect("the manifest has variables");
        let config = parse(&values).expect("the defaults are right");
        assert_eq!(config.profiles.of("any").image.as_str(), "mine");
        assert_eq!(config.deployment_id.as_str(), "dynamic-access");
    }
}
