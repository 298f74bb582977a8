//! The hosts that `allowed_outbound_hosts` lets a component reach, by Spin's rules.

use std::net::IpAddr;

use anyhow::{Context, Result, bail, ensure};
use http::Uri;

/// A component's whole list of allowed hosts.
#[derive(Clone, Debug, Default)]
pub struct AllowedHosts(Vec<Entry>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    scheme: Option<String>,
    host: Host,
    port: Ports,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Host {
    Any,
    Exact(String),
    // The end of a name, with its leading dot.
    Subdomains(String),
    Network { address: IpAddr, bits: u32 },
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Ports {
    Any,
    // From the first port up to the second, which is excluded.
    Range(u32, u32),
}

impl AllowedHosts {
    /// Reads the entries. As in Spin, an entry that an empty variable leaves empty allows nothing and is not an error.
    pub fn parse(entries: impl IntoIterator<Item = String>) -> Result<Self> {
        let mut parsed = Vec::new();
        for entry in entries {
            let entry = entry.trim();
            if !["", "http://", "https://"].contains(&entry) {
                parsed.push(Entry::parse(entry)?);
            }
        }
        Ok(Self(parsed))
    }

    /// Whether a request may be sent to `uri`.
    pub fn allow(&self, uri: &Uri) -> bool {
        let (Some(scheme), Some(host)) = (uri.scheme_str(), uri.host()) else {
            return false;
        };
        let Some(port) = uri.port_u16().or_else(|| default_port(scheme)) else {
            return false;
        };
        self.0.iter().any(|entry| entry.allows(scheme, host, port))
    }
}

impl Entry {
    // Errors do not repeat the entry: it can hold the value of a variable.
    fn parse(entry: &str) -> Result<Self> {
        let (scheme, rest) = entry
            .split_once("://")
            .context("an entry has the form SCHEME://HOST[:PORT]; everything is `*://*:*`")?;
        ensure!(
            scheme == "*" || !scheme.is_empty() && scheme.chars().all(|c| c.is_ascii_alphabetic()),
            "the scheme of an entry is letters or `*`"
        );
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port) = split_port(rest);
        let port = match port {
            Some(port) => Ports::parse(port)?,
            None => {
                let port = default_port(scheme).context(
                    "an entry must name its port, because its scheme has no default port",
                )?;
                Ports::Range(port.into(), u32::from(port) + 1)
            }
        };
        Ok(Self {
            scheme: (scheme != "*").then(|| scheme.to_owned()),
            host: Host::parse(host)?,
            port,
        })
    }

    fn allows(&self, scheme: &str, host: &str, port: u16) -> bool {
        self.scheme
            .as_deref()
            .is_none_or(|allowed| allowed == scheme)
            && self.host.allows(host)
            && self.port.allow(port)
    }
}

// The colons inside the brackets of an IPv6 address belong to the host.
fn split_port(rest: &str) -> (&str, Option<&str>) {
    match rest.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (rest, None),
    }
}

impl Host {
    fn parse(host: &str) -> Result<Self> {
        ensure!(!host.is_empty(), "an entry has no host");
        if host == "self" || host.ends_with(".alt") {
            bail!("this host does not support requests of an application to itself (`self`)");
        }
        if let Some((address, bits)) = host.split_once('/') {
            return Self::network(address, bits);
        }
        if host == "*" {
            return Ok(Self::Any);
        }
        let (wildcard, name) = match host.strip_prefix("*.") {
            Some(name) => (true, name),
            None => (false, host),
        };
        ensure!(
            !name.is_empty() && !name.contains('*'),
            "a `*` stands for a whole host or for its first labels, as in `*.example.com`"
        );
        ensure!(
            !name.contains(['?', '#', '@']),
            "an entry is SCHEME://HOST[:PORT] and nothing more"
        );
        let name = name.to_ascii_lowercase();
        Ok(if wildcard {
            Self::Subdomains(format!(".{name}"))
        } else {
            Self::Exact(name)
        })
    }

    fn network(address: &str, bits: &str) -> Result<Self> {
        let (Some(address), Ok(bits)) = (ip_literal(address), bits.parse::<u32>()) else {
            bail!("an entry must not have a path");
        };
        let most = if address.is_ipv4() { 32 } else { 128 };
        ensure!(bits <= most, "a network has at most {most} bits");
        Ok(Self::Network { address, bits })
    }

    // As in Spin since 3.4, the case of a name does not count, neither in the entry nor in the request.
    fn allows(&self, host: &str) -> bool {
        let host = &host.to_ascii_lowercase();
        match self {
            Self::Any => true,
            Self::Exact(name) => name == host,
            Self::Subdomains(suffix) => host.ends_with(suffix.as_str()),
            // Only literal addresses match; names are not resolved.
            Self::Network { address, bits } => {
                ip_literal(host).is_some_and(|ip| same_network(*address, ip, *bits))
            }
        }
    }
}

fn ip_literal(host: &str) -> Option<IpAddr> {
    let host = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host);
    host.parse().ok()
}

fn same_network(network: IpAddr, address: IpAddr, bits: u32) -> bool {
    match (network, address) {
        (IpAddr::V4(a), IpAddr::V4(b)) => {
            let differing = a.to_bits() ^ b.to_bits();
            differing.checked_shr(32 - bits).unwrap_or(0) == 0
        }
        (IpAddr::V6(a), IpAddr::V6(b)) => {
            let differing = a.to_bits() ^ b.to_bits();
            differing.checked_shr(128 - bits).unwrap_or(0) == 0
        }
        _ => false,
    }
}

impl Ports {
    fn parse(port: &str) -> Result<Self> {
        if port == "*" {
            return Ok(Self::Any);
        }
        let number = |text: &str| {
            text.parse::<u16>()
                .map(u32::from)
                .context("a port is a number, a range `FIRST..END` or `*`")
        };
        Ok(match port.split_once("..") {
            Some((first, end)) => Self::Range(number(first)?, number(end)?),
            None => {
                let port = number(port)?;
                Self::Range(port, port + 1)
            }
        })
    }

    fn allow(&self, port: u16) -> bool {
        match self {
            Self::Any => true,
            Self::Range(first, end) => (*first..*end).contains(&port.into()),
        }
    }
}

/// The port of a URL that names none.
pub fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" => Some(80),
        "https" => Some(443),
        "redis" => Some(6379),
        "mysql" => Some(3306),
        "postgres" => Some(5432),
        "mqtt" => Some(1883),
        _ => None,
    }
}

/// The parts of a URL to show: scheme, host and port, which hold no secret.
pub fn origin(uri: &Uri) -> String {
    let scheme = uri.scheme_str().unwrap_or("?");
    let host = uri.host().unwrap_or("?");
    match uri.port_u16().or_else(|| default_port(scheme)) {
        Some(port) => format!("{scheme}://{host}:{port}"),
        None => format!("{scheme}://{host}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(entry: &str, url: &str) -> bool {
        AllowedHosts::parse([entry.to_owned()])
            .unwrap()
            .allow(&url.parse().unwrap())
    }

    fn refused(entry: &str) -> bool {
        AllowedHosts::parse([entry.to_owned()]).is_err()
    }

    #[test]
    fn scheme_host_and_port_must_all_agree() {
        let entry = "http://engine:2375";
        assert!(allows(entry, "http://engine:2375/_ping"));
        assert!(!allows(entry, "https://engine:2375/"));
        assert!(!allows(entry, "http://engine2:2375/"));
        assert!(!allows(entry, "http://engine:2376/"));
        assert!(!allows(entry, "http://engine/"));
    }

    #[test]
    fn the_case_of_a_name_does_not_count_and_that_of_a_scheme_does() {
        for entry in ["http://Engine.test:2375", "http://*.TEST:2375"] {
            assert!(allows(entry, "http://engine.test:2375/"), "{entry}");
            assert!(allows(entry, "http://ENGINE.test:2375/"), "{entry}");
        }
        assert!(!allows("HTTP://engine:2375", "http://engine:2375/"));
    }

    #[test]
    fn a_port_left_out_is_the_usual_one_of_the_scheme() {
        assert!(allows("http://engine", "http://engine:80/"));
        assert!(allows("http://engine:80", "http://engine/"));
        assert!(allows("https://engine/", "https://engine/"));
        assert!(!allows("https://engine", "https://engine:8443/"));
        assert!(refused("*://engine"));
        assert!(refused("ftp://engine"));
    }

    #[test]
    fn a_star_stands_for_any_scheme_host_or_port() {
        assert!(allows("*://*:*", "https://anything.example:1234/"));
        assert!(allows("http://*:80", "http://anything.example/"));
        assert!(!allows("http://*:80", "http://anything.example:81/"));
        assert!(refused("*"));
    }

    #[test]
    fn a_wildcard_domain_covers_its_subdomains_only() {
        let entry = "https://*.example.com";
        assert!(allows(entry, "https://a.example.com/"));
        assert!(allows(entry, "https://a.b.example.com/"));
        assert!(!allows(entry, "https://example.com/"));
        assert!(!allows(entry, "https://badexample.com/"));
        assert!(refused("https://a.*.example.com"));
    }

    #[test]
    fn the_end_of_a_range_of_ports_is_outside() {
        let entry = "http://engine:2375..2377";
        assert!(!allows(entry, "http://engine:2374/"));
        assert!(allows(entry, "http://engine:2375/"));
        assert!(allows(entry, "http://engine:2376/"));
        assert!(!allows(entry, "http://engine:2377/"));
    }

    #[test]
    fn a_network_covers_its_literal_addresses() {
        assert!(allows("http://10.0.0.0/8", "http://10.200.3.4/"));
        assert!(!allows("http://10.0.0.0/8", "http://11.0.0.1/"));
        assert!(!allows("http://10.0.0.0/8", "http://ten.example/"));
        assert!(allows("http://0.0.0.0/0:8080", "http://1.2.3.4:8080/"));
        assert!(allows("http://[fd00::]/8:80", "http://[fd12::1]/"));
        assert!(!allows("http://10.0.0.0/8", "http://[fd12::1]/"));
        assert!(refused("http://10.0.0.0/33"));
    }

    #[test]
    fn an_ipv6_address_keeps_its_colons() {
        assert!(allows("http://[::1]:2375", "http://[::1]:2375/"));
        assert!(allows("http://[::1]", "http://[::1]/"));
    }

    #[test]
    fn a_path_a_query_or_a_missing_scheme_is_an_error() {
        for entry in ["http://a/path", "http://a?q", "a:80", "http://u@a", "://a"] {
            assert!(refused(entry), "{entry}");
        }
    }

    #[test]
    fn an_error_does_not_repeat_the_entry() {
        let error = AllowedHosts::parse(["hunter2".to_owned()]).unwrap_err();
        assert!(!format!("{error:#}").contains("hunter2"));
    }

    #[test]
    fn an_empty_entry_allows_nothing() {
        for entry in ["", " ", "http://", "https://"] {
            assert!(!allows(entry, "http://engine/"), "{entry:?}");
        }
    }
}
