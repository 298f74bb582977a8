//! Makes the Engines of the nodes a Swarm.

use anyhow::{Context, Result, ensure};

use crate::swarm::{JOIN_BOUND, Nodes, START_BOUND};
use crate::{interrupt, process};

impl Nodes {
    pub(super) fn join(&self) -> Result<()> {
        // Apart from the addresses of the machine and of the nodes.
        let pool = ["--default-addr-pool", "172.30.0.0/16"];
        let size = ["--default-addr-pool-mask-length", "24"];
        self.enter(1, "init", &[pool, size].concat())?;
        for node in 2..=self.0.count {
            self.join_one(node)?;
        }
        self.wait_until_joined(self.0.count)
    }

    /// Makes the node that runs this machine's own Docker a manager of the Swarm too, and returns its
    /// number.
    pub fn join_own(&self) -> Result<u8> {
        let node = *self.numbers().end();
        self.join_one(node)?;
        self.wait_until_joined(node)?;
        Ok(node)
    }

    fn join_one(&self, node: u8) -> Result<()> {
        let token = ["swarm", "join-token", "--quiet", "manager"];
        let token = self.docker(1).ask(&token)?;
        let first = format!("{}:2377", self.0.place.ip(1));
        self.enter(node, "join", &["--token", &token, &first])
    }

    /// Begins a Swarm or joins one.
    fn enter(&self, node: u8, how: &str, more: &[&str]) -> Result<()> {
        interrupt::check()?;
        let ip = self.0.place.ip(node).to_string();
        let listen = format!("{ip}:2377");
        let enter = ["swarm", how, "--listen-addr", &listen];
        let addresses = ["--advertise-addr", &ip, "--data-path-addr", &ip];
        let arguments = [&enter[..], &addresses, more].concat();
        let entered = self.docker(node).ask_within(&arguments, JOIN_BOUND);
        entered.map(drop).with_context(|| format!("node {node}"))
    }

    fn wait_until_joined(&self, count: u8) -> Result<()> {
        let list = ["node", "ls", "--format", "{{.Status}} {{.ManagerStatus}}"];
        process::wait_for(START_BOUND, "all nodes of the Swarm to be ready", || {
            let nodes = self.docker(1).ask(&list)?;
            let is_well = |node: &&str| matches!(*node, "Ready Leader" | "Ready Reachable");
            let well = nodes.lines().filter(is_well).count();
            ensure!(well == usize::from(count), "only {well} of {count} are");
            Ok(())
        })
    }
}
