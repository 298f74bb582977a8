//! Makes and removes the network bridge of a private Engine, and finds addresses that nobody uses.

use std::net::Ipv4Addr;
use std::path::Path;

use anyhow::{Context, Result, bail};
use dev::network::ip;
use ipnet::Ipv4Net;

use crate::machine::random;

/// The prefix length of all addresses of one private Engine: sixteen networks of 254 containers,
/// the first for the bridge, the others for networks that tests create.
const BLOCK_PREFIX: u8 = 20;

/// How many blocks are tried. A tenth of that finds a free one unless all of 10.0.0.0/8 is in use.
const ATTEMPTS_MAX: usize = 100;

/// Finds addresses that no route and no interface of this machine uses.
pub fn free_block() -> Result<Ipv4Net> {
    let used = blocks_in(&ip(&["-4", "route", "show", "table", "all"])?);
    for _ in 0..ATTEMPTS_MAX {
        let [second, third] = random::bytes()?;
        let first = Ipv4Addr::new(10, second, third, 0);
        let candidate = Ipv4Net::new(first, BLOCK_PREFIX)?.trunc();
        if !used.iter().any(|block| overlap(block, &candidate)) {
            return Ok(candidate);
        }
    }
    bail!("no free range of addresses in 10.0.0.0/8; `ip route` shows who uses it")
}

/// The address of this machine on the bridge of a block.
pub fn address(block: Ipv4Net) -> Ipv4Addr {
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
    let addresses = ip(&["-4", "-oneline", "address", "show"])?;
    for interface in interfaces_in(&addresses, block) {
        ip(&["link", "delete", &interface])?;
    }
    // A bridge that was not finished has no address yet.
    if Path::new("/sys/class/net").join(name).exists() {
        ip(&["link", "delete", name])?;
    }
    Ok(())
}

fn overlap(one: &Ipv4Net, other: &Ipv4Net) -> bool {
    one.contains(other) || other.contains(one)
}

/// Every destination in the output of `ip route`, except the default route.
fn blocks_in(routes: &str) -> Vec<Ipv4Net> {
    let parse = |word: &str| match word.parse::<Ipv4Addr>() {
        Ok(address) => Some(address.into()),
        Err(_) => word.parse::<Ipv4Net>().ok(),
    };
    routes
        .split_whitespace()
        .filter_map(parse)
        .filter(|block| block.prefix_len() > 0)
        .collect()
}

/// The interfaces in the output of `ip -oneline address` whose address is in a block.
fn interfaces_in(addresses: &str, block: Ipv4Net) -> Vec<String> {
    addresses
        .lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            let interface = words.nth(1)?;
            let address: Ipv4Net = words.nth(1)?.parse().ok()?;
            block
                .contains(&address.addr())
                .then(|| interface.to_owned())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(text: &str) -> Ipv4Net {
        text.parse().expect("a block")
    }

    #[test]
    fn routes_name_what_is_in_use() {
        let routes = "default via 192.0.2.1 dev eth0\n\
                      172.17.0.0/16 dev docker0 proto kernel scope link src 172.17.0.1 linkdown\n\
                      10.0.0.0/8 dev wg0\n\
                      local 127.0.0.1 dev lo table local";
        let used = blocks_in(routes);
        assert!(used.contains(&block("172.17.0.0/16")));
        assert!(used.contains(&block("127.0.0.1/32")));
        assert!(!used.iter().any(|block| block.prefix_len() == 0));
        let overlaps = |text| used.iter().any(|used| overlap(used, &block(text)));
        for taken in ["10.20.16.0/20", "172.16.0.0/12"] {
            assert!(overlaps(taken), "{taken}");
        }
        assert!(!overlaps("172.18.0.0/20"));
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
        let first = Ipv4Addr::new(10, 20, 16, 1);
        assert_eq!(address(block("10.20.16.0/20")), first);
    }
}
