//! Where the Engine listens.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use http::Uri;
use http::uri::{Authority, Scheme};

/// `docker_url`: where the Engine listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineUrl {
    scheme: Scheme,
    authority: Authority,
}

impl EngineUrl {
    /// Parses `http(s)://host:port`, also the form of Spin's `allowed_outbound_hosts`,
    /// and lower-cases the host.
    ///
    /// Case does not matter in host names, but Spin compares the host of a request with
    /// the `hosts` of `[[client_tls]]` as text. With a capital in it, Spin would find
    /// nothing and send no client certificate.
    pub fn parse(text: &str) -> Result<Self, String> {
        const FORM: &str = "is not http://host:port or https://host:port";
        let parts = text
            .parse::<Uri>()
            .map_err(|_| FORM.to_owned())?
            .into_parts();
        let (Some(scheme), Some(authority)) = (parts.scheme, parts.authority) else {
            return Err(FORM.to_owned());
        };
        let has_path = parts.path_and_query.is_some_and(|path| path != "/");
        let has_fragment = text.contains('#');
        // No user info, no sign before the port, and only characters of host names.
        let is_plain = authority
            .as_str()
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte));
        let is_http = scheme == Scheme::HTTP || scheme == Scheme::HTTPS;
        // Spin compares schemes as text, so it would deny every request to `HTTP://…`.
        let is_lower_scheme = text.starts_with(scheme.as_str());
        // The parser lets text through on both sides of an address in brackets.
        let host = authority.host();
        let is_ipv6 = |address: &str| address.parse::<Ipv6Addr>().is_ok();
        let has_host = match host.strip_prefix('[') {
            Some(rest) => rest.strip_suffix(']').is_some_and(is_ipv6),
            None => !host.is_empty() && !host.contains(['[', ']']),
        };
        let rest = authority.as_str().strip_prefix(host);
        let has_more = rest.is_none_or(|rest| !rest.is_empty() && !rest.starts_with(':'));
        let is_of_http = is_http && is_lower_scheme;
        if has_path || has_fragment || !is_plain || !is_of_http || !has_host || has_more {
            return Err(FORM.to_owned());
        }
        // Zeros before the port are for `join`.
        let has_zero = |port: http::uri::Port<&str>| port.as_str().starts_with('0');
        if authority.port().is_none_or(has_zero) {
            return Err("has no port; Docker's are 2375 for http and 2376 for https".to_owned());
        }
        let authority = authority.as_str().to_ascii_lowercase();
        let authority = authority.parse().map_err(|_| FORM.to_owned())?;
        Ok(Self { scheme, authority })
    }

    /// Whether it uses TLS.
    pub fn is_https(&self) -> bool {
        self.scheme == Scheme::HTTPS
    }

    /// Whether it is unencrypted and leaves this machine.
    pub fn is_plaintext_beyond_loopback(&self) -> bool {
        let host = self.authority.host();
        let address = host.trim_start_matches('[').trim_end_matches(']');
        let is_loopback = host.eq_ignore_ascii_case("localhost")
            || address.parse().is_ok_and(|address: IpAddr| match address {
                IpAddr::V4(address) => address.is_loopback() && address != Ipv4Addr::UNSPECIFIED,
                IpAddr::V6(address) => address.is_loopback(),
            });
        self.scheme == Scheme::HTTP && !is_loopback
    }

    /// The full URI for a path of the Engine API, with as many zeros before the port as
    /// `spelling` says. All spellings reach the same Engine with the same `Host`, but
    /// Spin, which pools connections by the text of the authority, shares none between
    /// them.
    pub fn join(&self, path_and_query: http::uri::PathAndQuery, spelling: usize) -> Uri {
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(self.scheme.clone());
        parts.authority = Some(self.spelt(spelling));
        parts.path_and_query = Some(path_and_query);
        Uri::from_parts(parts).expect("scheme, authority and path are all there")
    }

    fn spelt(&self, spelling: usize) -> Authority {
        let (host, port) = (self.authority.host(), self.authority.port_u16());
        let port = port.expect("an EngineUrl has a port");
        let spelt = format!("{host}:{}{port}", "0".repeat(spelling));
        spelt.parse().expect("zeros change no number")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_not_scheme_host_and_port_is_no_engine_url() {
        let others = "
            / 127.0.0.1:2375 tcp://127.0.0.1:2375 unix:///var/run/docker.sock http://
            http://:2375 http://host http://host:0 http://host:02375 http://[]:1 http://[::1]a:1 http://a[::1]:1
            http://a[b]:1 http://[x]:1 http://host:+1 http://+:1 http://host:2375#x
            http://host:65536 http://host:2375/v1.41 http://host:2375?x
            http://user:password@host:2375 HTTP://host:2375 Https://host:2376";
        for text in others
            .split_whitespace()
            .chain(["", "http://host name:2375"])
        {
            EngineUrl::parse(text).expect_err(text);
        }
    }

    #[test]
    fn the_host_of_an_engine_url_is_in_lower_case() {
        for text in ["https://Docker.Example.COM:2376", "https://[FD00::A]:2376/"] {
            let url = EngineUrl::parse(text).expect(text);
            let joined = url.join("/_ping".parse().expect("a path"), 0).to_string();
            let expected = format!("{}/_ping", text.to_lowercase().trim_end_matches('/'));
            assert_eq!(joined, expected);
        }
    }

    #[test]
    fn each_spelling_of_an_engine_url_is_another_text_for_the_same_address() {
        for text in ["http://127.0.0.1:2375", "https://[fd00::a]:443"] {
            let url = EngineUrl::parse(text).expect(text);
            let spelt = |spelling| url.join("/_ping".parse().expect("a path"), spelling);
            let (usual, other) = (spelt(0), spelt(2));
            assert_ne!(usual.authority(), other.authority());
            assert_eq!(usual.host(), other.host());
            assert_eq!(usual.port_u16(), other.port_u16());
        }
    }

    #[test]
    fn only_loopback_is_reached_in_the_clear_without_leave() {
        let beyond = |text| {
            let url = EngineUrl::parse(text).expect(text);
            url.is_plaintext_beyond_loopback()
        };
        let loopback = "
            http://127.0.0.1:2375 http://127.9.9.9:2375 http://LocalHost:2375 http://[::1]:2375
            https://192.0.2.1:2376";
        for text in loopback.split_whitespace() {
            assert!(!beyond(text), "{text}");
        }
        let others = "
            http://192.0.2.1:2375 http://0.0.0.0:2375 http://127.0.0.1.example.com:2375
            http://localhost.example.com:2375 http://[::ffff:127.0.0.1]:2375";
        for text in others.split_whitespace() {
            assert!(beyond(text), "{text}");
        }
    }
}
