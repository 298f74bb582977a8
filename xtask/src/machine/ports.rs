//! Addresses to listen on.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use anyhow::Result;

/// Checks that nobody else listens there, who would answer in our place. Port 0 becomes a free one.
pub fn free_address(listen: SocketAddr) -> Result<SocketAddr> {
    Ok(TcpListener::bind(listen)?.local_addr()?)
}

/// A server that listens everywhere is reached on loopback.
pub fn reachable(address: SocketAddr) -> SocketAddr {
    match address.ip().is_unspecified() {
        true => (Ipv4Addr::LOCALHOST, address.port()).into(),
        false => address,
    }
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
