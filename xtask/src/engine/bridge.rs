//! Makes and removes the network bridge of a private Engine, and finds addresses that nobody uses.

use std::net::Ipv4Addr;
use std::path::Path;

use anyhow::{Context, Result, bail};
use dev::network::ip;
use ipnet::Ipv4Net;

use dynamic_access_admin::random;

/// The prefix length of all addresses of one private Engine: sixteen networks of 254 containers,
/// the first for the bridge, the others for networks that tests create.
const BLOCK_PREFIX: u8 = 20;

/// How many blocks are tried. A tenth of that finds a free one unless all of 10.0.0.0/8 is in use.
const ATTEMPTS_MAX: usize = 100;

/// Finds addresses that no route and no interface of this machine uses.
pub fn free_block() -> Result<Ipv4Net> {
    for _ in 0..ATTEMPTS_MAX {
        let [second, third] = random::bytes()?;
        let first = Ipv4Addr::new(10, second, third, 0);
        let candidate = Ipv4Net::new(first, BLOCK_PREFIX)?.trunc();
        if is_free(candidate)? {
            return Ok(candidate);
        }
    }
    bail!("no free range of addresses in 10.0.0.0/8; `ip route` shows who uses it")
}

/// Whether no route leads into a block or is around it, except the default route.
fn is_free(block: Ipv4Net) -> Result<bool> {
    let block = block.to_string();
    let routes = |which| ip(&["-4", "route", "show", "table", "all", which, &block]);
    let (within, around) = (routes("root")?, routes("match")?);
    Ok(within.is_empty() && around.lines().all(|route| route.contains("default ")))
}

/// The address of this machine on the bridge of a block.
fn address(block: Ipv4Net) -> Ipv4Addr {
    Ipv4Addr::from_bits(block.network().to_bits() + 1)
}

/// Makes a bridge with the first network of a block.
pub fn create(name: &str, block: Ipv4Net) -> Result<()> {
    let hardware = hardware_address(address(block));
    let address = format!("{}/24", address(block));
    ip(&[
        "link", "add", "name", name, "address", &hardware, "type", "bridge",
    ])
    .and_then(|_| ip(&["address", "add", &address, "dev", name]))
    .and_then(|_| ip(&["link", "set", name, "up"]))
    .with_context(|| format!("failed to make the bridge {name}"))?;
    Ok(())
}

/// Without an address of its own, a bridge takes the lowest one of its containers. That changes as
/// they come and go, and packets to the old one are lost. Docker makes up addresses in the same
/// way.
fn hardware_address(address: Ipv4Addr) -> String {
    let [a, b, c, d] = address.octets();
    format!("02:42:{a:02x}:{b:02x}:{c:02x}:{d:02x}")
}

/// Removes a bridge, and those of networks that the Engine had made in the block.
pub fn remove(name: &str, block: Ipv4Net) -> Result<()> {
    let block = block.to_string();
    let lines = ip(&["-4", "-oneline", "address", "show", "to", &block])?;
    let interfaces = lines
        .lines()
        .filter_map(|line| line.split_whitespace().nth(1));
    for interface in interfaces {
        ip(&["link", "delete", interface])?;
    }
    // A bridge that was not finished has no address yet.
    if Path::new("/sys/class/net").join(name).exists() {
        ip(&["link", "delete", name])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(text: &str) -> Ipv4Net {
        text.parse().expect("a block")
    }

    #[test]
    fn a_block_within_or_around_a_route_is_not_free() {
        let is_free = |text| is_free(block(text)).expect("routes");
        // Loopback's route is that of 127.0.0.0/8, and the default route is around everything.
        for taken in ["127.0.16.0/20", "127.0.0.1/32", "126.0.0.0/7"] {
            assert!(!is_free(taken), "{taken}");
        }
        // For documentation (RFC 5737).
        assert!(is_free("203.0.113.0/24"));
    }

    #[test]
    fn the_bridge_takes_the_first_address_and_a_hardware_address_that_nobody_was_sold() {
        let first = Ipv4Addr::new(10, 20, 16, 1);
        assert_eq!(address(block("10.20.16.0/20")), first);
        assert_eq!(hardware_address(first), "02:42:0a:14:10:01");
    }
}
