//! `GET /networks` (Engine API, NetworkList).
//!
//! An inspect would show the ids of all containers on the network, whoever owns them. A
//! list shows only the options, since API 1.28; Podman's shows both.

use serde::Deserialize;
use serde_json::{Value, json};

use super::Reply;
use super::call::Call;
use crate::fault::Fault;

/// Docker's option that lets the containers of a bridge reach each other.
const ENABLE_ICC: &str = "com.docker.network.bridge.enable_icc";

/// A network that the Engine has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    /// Whether it keeps its containers from reaching each other. Podman accepts Docker's
    /// option, ignores it, and does not show it.
    pub isolates: bool,
}

/// Finds the network with exactly this name; the filter also matches parts of names.
/// Docker itself notices a missing network only at the start of a container.
pub fn find(name: &str) -> Call<Option<Network>> {
    let filters = json!({"name": [name]});
    let name = name.to_owned();
    Call::list("network", "/networks?", &filters, move |reply| {
        found(reply, &name)
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct NetworkSummary {
    name: String,
    #[serde(default)]
    options: Value,
}

fn found(reply: &Reply, name: &str) -> Result<Option<Network>, Fault> {
    let mut networks: Vec<NetworkSummary> = reply.listed()?;
    networks.retain(|network| is_named(&network.name, name));
    match &networks[..] {
        // Podman's filter finds its default network by its own name alone, and Podman has
        // no such option.
        [] if name == "bridge" => Ok(Some(Network { isolates: false })),
        [] => Ok(None),
        [network] => Ok(Some(Network {
            isolates: is_false(network.options[ENABLE_ICC].as_str().unwrap_or_default()),
        })),
        // A start could not choose between them (moby, daemon/network.go).
        _ => Err(Fault::Nonsense(format!("several networks {name}"))),
    }
}

/// Whether a list shows a network under this name. Podman lists its default network,
/// `podman`, as `bridge`.
fn is_named(listed: &str, name: &str) -> bool {
    listed == name || (listed == "bridge" && name == "podman")
}

/// Whether the Engine reads a text as false, as Go's `strconv.ParseBool` does.
fn is_false(text: &str) -> bool {
    matches!(text, "0" | "f" | "F" | "false" | "False" | "FALSE")
}
