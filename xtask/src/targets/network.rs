//! Makes the network of the targets, which the server never does.

use anyhow::{Context, Result};
use dev::docker::Docker;
use serde_json::Value;

use dynamic_access_admin::progress::say;

/// The name of the network that a target joins unless the operator says otherwise.
pub const NETWORK: &str = "dynamic-access";

/// Makes the Engine drop traffic between targets, if it manages the machine's firewall rules.
const NO_TRAFFIC: &str = "com.docker.network.bridge.enable_icc=false";

/// What an Engine says of a network for targets.
#[derive(Debug, PartialEq, Eq)]
pub enum Isolation {
    /// There is no such network.
    Absent,
    /// Docker keeps its containers apart.
    Kept,
    /// Its containers can reach each other.
    Lacking,
    /// Its driver has rules of its own.
    Unknown(String),
}

/// Whether the containers of a network can reach each other.
pub fn isolation(docker: &Docker, name: &str) -> Isolation {
    let told = docker.ask(&["network", "inspect", "--format", "{{json .}}", name]);
    match told.ok().and_then(|told| serde_json::from_str(&told).ok()) {
        Some(network) if !docker.is_podman() => of_docker(&network),
        // Podman makes the network and ignores the option.
        Some(_) => Isolation::Lacking,
        None => Isolation::Absent,
    }
}

fn of_docker(network: &Value) -> Isolation {
    match network["Driver"].as_str() {
        Some("bridge") => {}
        driver => return Isolation::Unknown(driver.unwrap_or_default().to_owned()),
    }
    let option = &network["Options"]["com.docker.network.bridge.enable_icc"];
    // As Docker reads it: strconv.ParseBool.
    match option.as_str() {
        Some("false" | "False" | "FALSE" | "f" | "F" | "0") => Isolation::Kept,
        _ => Isolation::Lacking,
    }
}

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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_bridge_keeps_its_containers_apart_if_it_has_the_option() {
        let option = |value: &str| json!({"com.docker.network.bridge.enable_icc": value});
        for (options, expected) in [
            (option("false"), Isolation::Kept),
            (option("0"), Isolation::Kept),
            (option("true"), Isolation::Lacking),
            (json!({}), Isolation::Lacking),
            (json!(null), Isolation::Lacking),
        ] {
            let network = json!({"Driver": "bridge", "Options": options});
            assert_eq!(of_docker(&network), expected, "{network}");
        }
    }

    #[test]
    fn another_driver_is_not_judged() {
        let network = json!({"Driver": "macvlan", "Options": {}});
        assert_eq!(
            of_docker(&network),
            Isolation::Unknown("macvlan".to_owned())
        );
    }
}
