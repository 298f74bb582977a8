//! The place of a Swarm's nodes: their folder, their addresses, and the names of their kernel
//! objects.
//!
//! All of it follows from the Engine beside them, so a later process finds it again.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use crate::network::{ip, iptables};
use crate::swarm::control_groups::{self, names_in};

/// The last of an Engine's sixteen networks, which nothing else uses.
const NETWORK: u32 = 15;

/// This machine's own address among those of the nodes.
const GATEWAY: u32 = 254;

/// The folder of all of their files, in the Engine's folder.
const FOLDER: &str = "swarm";

/// Where the nodes of one Swarm are.
#[derive(Debug, Clone)]
pub struct Place {
    dir: PathBuf,
    /// The network of the nodes' addresses.
    base: Ipv4Addr,
    /// The beginning of the names of kernel objects, which have at most 15 characters.
    name: String,
}

impl Place {
    /// The place beside the Engine with that folder, whose addresses begin with `block`.
    pub fn beside(engine_dir: &Path, block: Ipv4Addr) -> Self {
        let engine = engine_dir.file_name().unwrap_or_default();
        let engine = engine.to_string_lossy();
        Self {
            dir: engine_dir.join(FOLDER),
            base: Ipv4Addr::from_bits(block.to_bits() + (NETWORK << 8)),
            name: format!("sw{}", engine.trim_start_matches("dax-")),
        }
    }

    /// Removes the kernel objects, after the processes of the nodes have ended.
    ///
    /// Looks for what is there. Leaves the files, which go with the Engine's folder.
    pub fn remove(&self) {
        if !self.dir.exists() {
            return;
        }
        self.firewall("-D");
        // A namespace takes its end of a link with it, and with that the other end.
        for space in names_in(Path::new("/run/netns"), &self.name) {
            let _ = ip(&["netns", "delete", &space]);
        }
        for link in names_in(Path::new("/sys/class/net"), &self.name) {
            let _ = ip(&["link", "delete", &link]);
        }
        control_groups::remove(&self.name);
    }

    /// Inserts (`-I`) or deletes (`-D`) the rule that lets the bridge forward between its ports: an
    /// Engine elsewhere on this machine may have set the kernel to drop that.
    pub(crate) fn firewall(&self, change: &str) {
        let rule = [
            "FORWARD", "-i", &self.name, "-o", &self.name, "-j", "ACCEPT",
        ];
        // Without a firewall there is nothing to drop it either.
        let _ = iptables(&[&[change], &rule[..]].concat());
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// The name of the bridge that joins the nodes.
    pub(crate) fn bridge(&self) -> &str {
        &self.name
    }

    pub(crate) fn ip(&self, node: u8) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.base.to_bits() + u32::from(node))
    }

    /// This machine's address on the bridge.
    pub(crate) fn gateway(&self) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.base.to_bits() + GATEWAY)
    }

    pub(crate) fn dir_of(&self, node: u8) -> PathBuf {
        self.dir.join(node.to_string())
    }

    /// A node's network namespace, and its control group.
    pub(crate) fn space_of(&self, node: u8) -> String {
        format!("{}n{node}", self.name)
    }

    /// A node's port of the bridge.
    pub(crate) fn port_of(&self, node: u8) -> String {
        format!("{}p{node}", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_follows_from_the_engine() {
        let engine = Path::new("/var/tmp/dax-0123abcd");
        let place = Place::beside(engine, Ipv4Addr::new(10, 20, 16, 0));
        assert_eq!(place.ip(3), Ipv4Addr::new(10, 20, 31, 3));
        assert_eq!(place.gateway(), Ipv4Addr::new(10, 20, 31, 254));
        assert_eq!(place.dir_of(3), engine.join("swarm/3"));
        for name in [place.bridge(), &place.space_of(7), &place.port_of(7)] {
            assert!(name.starts_with("sw0123abcd") && name.len() <= 15, "{name}");
        }
    }
}
