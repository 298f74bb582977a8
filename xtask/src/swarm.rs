//! The Swarm of `up --swarm`: its nodes, with the agent's image and the targets' network on each.

use std::env;

use anyhow::{Context, Result};
use clap::Args;
use dynamic_access_admin::progress::{say, timed};
use swarm_nodes::{COUNT_MAX, Nodes, Plan};

use crate::choice::Chosen;
use crate::docker::Docker;
use crate::interrupt;
use crate::network;
use crate::suite::{EngineArguments, Suite};

/// The variable with the operator's own changes of a target.
const PATCH: &str = "SPIN_VARIABLE_CONTAINER_PATCH";

/// Permits managers as nodes of targets, since all nodes here are managers.
const ANY_NODE: &str = r#"{"Placement":{"Constraints":[]}}"#;

/// Whether there is a Swarm.
#[derive(Args, Clone, Copy)]
pub struct SwarmArguments {
    /// Serve on a Swarm of that many managers on this machine, with the Engine of Debian 13 unless `--engine` says sid
    #[arg(
        long = "swarm",
        value_name = "NODES",
        value_parser = clap::value_parser!(u8).range(1..=i64::from(COUNT_MAX)),
        conflicts_with_all = ["docker_url", "tls", "runtime_config_file", "image_store"],
    )]
    pub count: Option<u8>,
}

impl SwarmArguments {
    /// The Engine to start, which must not be that of Debian 12 for a Swarm: it is too old.
    pub fn engine(self, asked: EngineArguments) -> EngineArguments {
        match (self.count, asked.suite) {
            (Some(_), Suite::Bookworm) => EngineArguments {
                suite: Suite::Trixie,
                ..asked
            },
            _ => asked,
        }
    }
}

/// A Swarm; dropping it removes it, with its targets.
pub struct Swarm {
    nodes: Nodes,
    image: Option<String>,
}

impl Swarm {
    /// Makes one beside a private Engine, and gives each node the image of that name, if there is one.
    pub fn start(beside: &Chosen, count: u8, image: Option<&str>) -> Result<Self> {
        let engine = beside.private().context("a Swarm needs a private Engine")?;
        let nodes = timed("Swarm: make the nodes and join them", || {
            Nodes::start(Plan {
                place: engine.swarm(),
                init: engine.init(),
                count,
                // Targets would reach it too, and be root here.
                is_on_tcp: false,
                go_on: interrupt::check,
            })
        })?;
        let load = |name| nodes.load_image(&engine.socket(), name);
        let image = image.map(|name| timed("Swarm: load the agent image", || load(name)));
        let image = image.transpose()?;
        nodes.make_network(network::NETWORK)?;
        say(&format!(
            "network: {}, on each node without traffic between targets",
            network::NETWORK
        ));
        Ok(Self { nodes, image })
    }

    /// The Docker CLI's view of the first node.
    pub fn docker(&self) -> Docker {
        Docker::private(&self.nodes.socket(1))
    }

    /// The server's variables for it.
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        let mut variables = vec![("scheduler", "swarm".to_owned())];
        if let Some(image) = &self.image {
            variables.push(("agent_image", image.clone()));
        }
        if env::var_os(PATCH).is_none() {
            variables.push(("container_patch", ANY_NODE.to_owned()));
        }
        variables
    }

    /// The nodes, as `docker node ls` shows them.
    pub fn table(&self) -> Result<String> {
        self.docker().ask(&["node", "ls"])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_swarm_has_an_engine_that_is_new_enough() {
        let suite = |count, suite| {
            let asked = EngineArguments {
                suite,
                ..EngineArguments::default()
            };
            SwarmArguments { count }.engine(asked).suite
        };
        assert_eq!(suite(Some(3), Suite::Bookworm), Suite::Trixie);
        assert_eq!(suite(Some(3), Suite::Sid), Suite::Sid);
        assert_eq!(suite(None, Suite::Bookworm), Suite::Bookworm);
    }
}
