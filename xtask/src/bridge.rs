//! Makes the network of a private Engine: a bridge of its own, with addresses that nobody uses.
//!
//! Never `docker0`: an Engine that is already running may be using it.

use std::net::Ipv4Addr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::process;
use crate::random;
use crate::workspace;

/// The prefix length of all addresses of one private Engine: sixteen networks of 254 containers,
/// the first for the bridge, the others for networks that tests create.
const BLOCK_PREFIX: u8 = 20;

/// How many blocks are tried; a tenth of that finds a free one unless 10.0.0.0/8 is all in use.
const ATTEMPTS_MAX: usize = 100;

/// `ip` answers at once, unless the kernel's network lock is held.
const IP_BOUND: Duration = Duration::from_secs(10);

/// A range of IPv4 addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    first: Ipv4Addr,
    prefix: u8,
}

impl Block {
    /// Parses `10.1.0.0/20`, or one address.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = text.split_once('/').unwrap_or((text, "32"));
        let prefix = prefix.parse().ok().filter(|prefix| *prefix <= 32)?;
        let address: Ipv4Addr = address.parse().ok()?;
        Some(Self {
            first: Ipv4Addr::from_bits(address.to_bits() & mask(prefix)),
            prefix,
        })
    }

    /// The address of this machine on the bridge.
    pub fn bridge_address(self) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.first.to_bits() + 1)
    }

    fn overlaps(self, other: Self) -> bool {
        let mask = mask(self.prefix.min(other.prefix));
        self.first.to_bits() & mask == other.first.to_bits() & mask
    }
}

impl std::fmt::Display for Block {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}/{}", self.first, self.prefix)
    }
}

/// Finds addresses that no route and no interface of this machine uses.
pub fn free_block() -> Result<Block> {
    let used = blocks_in(&ip(&["-4", "route", "show", "table", "all"])?);
    for _ in 0..ATTEMPTS_MAX {
        let [second, third] = random::bytes()?;
        let candidate = Block {
            first: Ipv4Addr::new(10, second, third & 0xf0, 0),
            prefix: BLOCK_PREFIX,
        };
        if !used.iter().any(|block| block.overlaps(candidate)) {
            return Ok(candidate);
        }
    }
    bail!("no free range of addresses in 10.0.0.0/8; `ip route` shows who uses it")
}

/// Makes a bridge with the first network of a block.
pub fn create(name: &str, block: Block) -> Result<()> {
    let address = format!("{}/24", block.bridge_address());
    let hardware = hardware_address(block.bridge_address());
    ip(&[
        "link", "add", "name", name, "address", &hardware, "type", "bridge",
    ])
    .and_then(|_| ip(&["address", "add", &address, "dev", name]))
    .and_then(|_| ip(&["link", "set", name, "up"]))
    .with_context(|| format!("failed to make the bridge {name}"))?;
    Ok(())
}

/// Without an address of its own a bridge takes the lowest one among its containers', so that it changes as they come
/// and go, and what the others send to the last one is lost. This is how Docker makes up its own.
fn hardware_address(address: Ipv4Addr) -> String {
    let [a, b, c, d] = address.octets();
    format!("02:42:{a:02x}:{b:02x}:{c:02x}:{d:02x}")
}

/// Removes a bridge, and those of networks that the Engine had made in the block.
pub fn remove(name: &str, block: Block) -> Result<()> {
    let addresses = ip(&["-4", "-oneline", "address", "show"])?;
    for interface in interfaces_in(&addresses, block) {
        ip(&["link", "delete", &interface])?;
    }
    // A bridge whose making was cut short has no address yet.
    if Path::new("/sys/class/net").join(name).exists() {
        ip(&["link", "delete", name])?;
    }
    Ok(())
}

fn ip(arguments: &[&str]) -> Result<String> {
    let program = workspace::program("ip").unwrap_or_else(|| "ip".into());
    process::output_within(Command::new(program).args(arguments), IP_BOUND)
}

/// Every destination in the output of `ip route`, but for the default route.
fn blocks_in(routes: &str) -> Vec<Block> {
    routes
        .split_whitespace()
        .filter_map(Block::parse)
        .filter(|block| block.prefix > 0)
        .collect()
}

/// The interfaces in the output of `ip -oneline address` whose address lies in a block.
fn interfaces_in(addresses: &str, block: Block) -> Vec<String> {
    addresses
        .lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            let interface = words.nth(1)?;
            let address = Block::parse(words.nth(1)?.split('/').next()?)?;
            block.overlaps(address).then(|| interface.to_owned())
        })
        .collect()
}

fn mask(prefix: u8) -> u32 {
    u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(text: &str) -> Block {
        Block::parse(text).expect("a block")
    }

    #[test]
    fn blocks_overlap_when_one_holds_the_other() {
        let ours = block("10.20.16.0/20");
        for other in ["10.0.0.0/8", "10.20.31.7", "10.20.16.0/20", "10.20.17.0/24"] {
            assert!(ours.overlaps(block(other)), "{other}");
            assert!(block(other).overlaps(ours), "{other}");
        }
        for other in ["10.20.32.0/20", "10.20.15.255", "172.17.0.0/16"] {
            assert!(!ours.overlaps(block(other)), "{other}");
        }
    }

    #[test]
    fn routes_name_what_is_in_use() {
        let routes = "default via 192.0.2.1 dev eth0\n\
                      172.17.0.0/16 dev docker0 proto kernel scope link src 172.17.0.1 linkdown\n\
                      local 127.0.0.1 dev lo table local";
        let used = blocks_in(routes);
        assert!(used.contains(&block("172.17.0.0/16")));
        assert!(used.contains(&block("127.0.0.1")));
        assert!(!used.iter().any(|block| block.prefix == 0));
    }

    #[test]
    fn only_interfaces_with_an_address_of_the_block_are_its_own() {
        let addresses = "1: lo    inet 127.0.0.1/8 scope host lo\n\
                         7: dax0    inet 10.20.16.1/24 scope global dax0\n\
                         8: br-12    inet 10.20.17.1/24 brd 10.20.17.255 scope global br-12\n\
                         9: docker0    inet 172.17.0.1/16 scope global docker0";
        assert_eq!(
            interfaces_in(addresses, block("10.20.16.0/20")),
            ["dax0", "br-12"]
        );
    }

    #[test]
    fn a_hardware_address_is_one_that_nobody_was_sold() {
        let address = hardware_address(Ipv4Addr::new(10, 20, 16, 1));
        assert_eq!(address, "02:42:0a:14:10:01");
    }

    #[test]
    fn the_bridge_takes_the_first_address() {
        assert_eq!(
            block("10.20.16.0/20").bridge_address(),
            Ipv4Addr::new(10, 20, 16, 1)
        );
    }
}
