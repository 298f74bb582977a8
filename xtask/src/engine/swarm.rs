//! The Swarm of `up --swarm`: its nodes, with the agent's image and the targets' network on each.

use std::env;

use anyhow::{Result, ensure};
use clap::Args;
use dev::swarm::{COUNT_MAX, Nodes, Plan};
use dynamic_access_admin::progress::{say, timed};

use crate::engine::Engine;
use crate::engine::suite::{EngineArguments, ImageStore, Suite};
use crate::targets::{AGENT_IMAGE, NETWORK};

/// The variable with the operator's own changes of a target.
const PATCH: &str = "SPIN_VARIABLE_CONTAINER_PATCH";

/// Permits managers as nodes of targets, since all nodes here are managers.
const ANY_NODE: &str = r#"{"Placement":{"Constraints":[]}}"#;

/// Whether there is a Swarm.
#[derive(Args, Clone, Copy)]
pub struct SwarmArguments {
    /// Use a Swarm with this many managers on this machine, of Debian 13's Engine unless
    /// `--engine sid` is given
    #[arg(
        id = "swarm",
        long,
        value_name = "NODES",
        value_parser = clap::value_parser!(u8).range(1..=i64::from(COUNT_MAX)),
    )]
    pub count: Option<u8>,
}

impl SwarmArguments {
    /// The Engine to start, which must not be that of Debian 12 for a Swarm: it is too old.
    pub fn engine(self, asked: EngineArguments) -> Result<EngineArguments> {
        if self.count.is_none() {
            return Ok(asked);
        }
        ensure!(
            asked.image_store == ImageStore::default(),
            "the nodes of a Swarm keep their images in overlay2; leave out --image-store"
        );
        let suite = match asked.suite {
            Suite::Bookworm => Suite::Trixie,
            later => later,
        };
        Ok(EngineArguments { suite, ..asked })
    }
}

/// A Swarm; dropping it removes it, with its targets.
pub struct Swarm {
    pub nodes: Nodes,
    /// The id of the image that was loaded.
    pub image: Option<String>,
}

impl Swarm {
    /// Makes one beside a private Engine, and gives each node this image, if there is one. If the
    /// nodes listen on TCP, anyone who reaches them is root here, targets included.
    pub fn start(engine: &Engine, count: u8, image: Option<&str>, is_on_tcp: bool) -> Result<Self> {
        let nodes = timed("Swarm: make the nodes and join them", || {
            Nodes::start(Plan {
                place: engine.dir.swarm(),
                namespaces: engine.namespaces(),
                count,
                has_own: false,
                is_on_tcp,
            })
        })?;
        let load = |name| nodes.load_image(&engine.docker(), name);
        let image = image.map(|name| timed("Swarm: load the agent image", || load(name)));
        let image = image.transpose()?;
        nodes.make_network(NETWORK)?;
        say(&format!(
            "network: {NETWORK}, on each node without traffic between targets"
        ));
        Ok(Self { nodes, image })
    }

    pub fn variables(&self) -> Vec<(&'static str, String)> {
        let mut variables = vec![("SPIN_VARIABLE_SCHEDULER", "swarm".to_owned())];
        if let Some(image) = &self.image {
            variables.push((AGENT_IMAGE, image.clone()));
        }
        if env::var_os(PATCH).is_none() {
            variables.push((PATCH, ANY_NODE.to_owned()));
        }
        variables
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_swarm_has_an_engine_that_is_new_enough() {
        for (count, asked, expected) in [
            (Some(3), Suite::Bookworm, Suite::Trixie),
            (Some(3), Suite::Sid, Suite::Sid),
            (None, Suite::Bookworm, Suite::Bookworm),
        ] {
            let asked = EngineArguments {
                suite: asked,
                ..EngineArguments::default()
            };
            let engine = SwarmArguments { count }.engine(asked);
            assert_eq!(engine.expect("an Engine").suite, expected);
        }
    }
}
