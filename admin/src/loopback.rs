//! Recognises this machine's own addresses.

use std::net::IpAddr;

use http::uri::Authority;

/// Whether `host` or `host:port` is within this machine: a loopback address, or `localhost`.
///
/// Secrets go unencrypted to the addresses that this accepts, so whatever cannot be parsed counts as elsewhere.
#[must_use]
pub fn is_loopback(authority: &str) -> bool {
    let Ok(authority) = authority.parse::<Authority>() else {
        return false;
    };
    let host = authority.host();
    let address = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(host);
    host.eq_ignore_ascii_case("localhost")
        || address
            .parse()
            .is_ok_and(|address: IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_told_from_elsewhere() {
        for authority in [
            "127.0.0.1:2375",
            "127.0.0.2",
            "localhost:2375",
            "LOCALHOST",
            "[::1]:2375",
            "[::1]",
        ] {
            assert!(is_loopback(authority), "{authority}");
        }
        for authority in [
            "10.0.0.1:2375",
            "0.0.0.0:2375",
            "engine:2375",
            "[fe80::1]:2375",
            // Anybody may register these names.
            "127.example.com:2375",
            "127.0.0.1.example.com",
            "localhost.example.com",
            "localhost@example.com",
            "127.0.0.1:80@example.com",
            "",
        ] {
            assert!(!is_loopback(authority), "{authority}");
        }
    }
}
