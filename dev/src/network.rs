//! The network of this machine: addresses to listen on, its links and its firewall.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::Command;
use std::time::Duration;

use anyhow::Result;

use crate::process;

/// `ip` and `iptables` answer at once, unless another program holds the kernel's lock.
const BOUND: Duration = Duration::from_secs(10);

/// Checks that nobody else listens there, because they would answer in our place. Port 0 becomes a
/// free one.
///
/// # Errors
///
/// If somebody does.
pub fn free_address(listen: SocketAddr) -> Result<SocketAddr> {
    Ok(TcpListener::bind(listen)?.local_addr()?)
}

/// The address to call: loopback for a server that listens everywhere.
pub fn reachable(address: SocketAddr) -> SocketAddr {
    match address.ip().is_unspecified() {
        true => (Ipv4Addr::LOCALHOST, address.port()).into(),
        false => address,
    }
}

/// Calls `ip`, and returns what it printed.
pub fn ip(arguments: &[&str]) -> Result<String> {
    call("ip", arguments)
}

/// Calls `iptables`.
pub fn iptables(arguments: &[&str]) -> Result<()> {
    call("iptables", &[&["--wait", "5"], arguments].concat()).map(drop)
}

fn call(name: &str, arguments: &[&str]) -> Result<String> {
    let mut command = Command::new(name);
    command.args(arguments).env("PATH", process::path());
    process::output_within(&mut command, BOUND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_in_use_is_refused() {
        let taken = TcpListener::bind("127.0.0.1:0").expect("loopback is there");
        let address = taken.local_addr().expect("it is bound");
        assert!(free_address(address).is_err());
    }

    #[test]
    fn a_server_that_listens_everywhere_is_asked_on_loopback() {
        let everywhere = "0.0.0.0:3000".parse().expect("an address");
        assert_eq!(reachable(everywhere).to_string(), "127.0.0.1:3000");
    }
}
