//! `serviceUrl`: where an agent registers, and which URLs are allowed.
//!
//! The URL comes from the caller, and the agent sends the activation token to it. It is
//! therefore compared after parsing, never as text, and has only a scheme, a host and a
//! port.

use http::Uri;
use http::uri::{Authority, Scheme};

use crate::number;

/// `service_urls`: where agents may register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceUrls(Vec<Origin>);

impl ServiceUrls {
    /// The most patterns. Every start compares all of them.
    const PATTERNS_MAX: usize = 64;

    /// Parses patterns separated by spaces. A `*` stands for one label of the
    /// host, as in `https://*.bastionzero.com`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let patterns: Option<Vec<_>> = text.split_ascii_whitespace().map(Origin::parse).collect();
        patterns
            .filter(|patterns| (1..=Self::PATTERNS_MAX).contains(&patterns.len()))
            .map(Self)
            .ok_or_else(|| {
                format!(
                    "must be 1 to {} URLs with nothing but scheme, host and port, separated by spaces, such as https://*.bastionzero.com",
                    Self::PATTERNS_MAX
                )
            })
    }

    /// Whether `url` consists of the scheme, host and port of one of the patterns.
    pub fn allow(&self, url: &str) -> bool {
        Origin::parse(url).is_some_and(|origin| {
            !origin.host.contains('*') && self.0.iter().any(|pattern| pattern.covers(&origin))
        })
    }
}

/// Scheme, host in lower case, and port, which may be the scheme's default.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Origin {
    scheme: Scheme,
    host: String,
    port: u16,
}

impl Origin {
    fn parse(text: &str) -> Option<Self> {
        if text.contains(['#', '?', '@', '\\']) {
            return None;
        }
        let parts = text.parse::<Uri>().ok()?.into_parts();
        let (scheme, authority) = (parts.scheme?, parts.authority?);
        let default_port = match scheme.as_str() {
            "https" => 443,
            "http" => 80,
            _ => return None,
        };
        let is_bare = parts.path_and_query.is_none_or(|path| path == "/");
        let host = authority.host().to_ascii_lowercase();
        let port = port(&authority, default_port)?;
        (is_bare && is_host(&host)).then_some(Self { scheme, host, port })
    }

    /// Whether this pattern matches `other`.
    fn covers(&self, other: &Self) -> bool {
        self.scheme == other.scheme
            && self.port == other.port
            && self.host.split('.').count() == other.host.split('.').count()
            && self
                .host
                .split('.')
                .zip(other.host.split('.'))
                .all(|(pattern, label)| pattern == "*" || pattern == label)
    }
}

fn port(authority: &Authority, default: u16) -> Option<u16> {
    let text = &authority.as_str()[authority.host().len()..];
    let Some(digits) = text.strip_prefix(':') else {
        return Some(default);
    };
    number::parse(digits).filter(|port| *port != 0)
}

/// A DNS name, an IPv4 address, or an IPv6 address in brackets. In a pattern, a
/// whole label may be a `*`.
fn is_host(text: &str) -> bool {
    if let Some(address) = text.strip_prefix('[') {
        let address = address.strip_suffix(']').unwrap_or_default();
        return address.parse::<std::net::Ipv6Addr>().is_ok();
    }
    let mut labels = text.split('.');
    text.len() <= 253 && labels.all(|label| label == "*" || is_label(label))
}

/// Whether a text can be a part of a DNS name.
pub fn is_label(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let has_dash_outside = text.starts_with('-') || text.ends_with('-');
    (1..=63).contains(&text.len()) && !has_dash_outside && text.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks which URLs patterns allow and refuse; spaces separate them.
    #[track_caller]
    fn check(patterns: &str, allowed: &str, refused: &str) {
        let patterns = ServiceUrls::parse(patterns).expect(patterns);
        for (urls, expected) in [(allowed, true), (refused, false)] {
            for url in urls.split_whitespace() {
                assert_eq!(patterns.allow(url), expected, "{patterns:?} {url:?}");
            }
        }
    }

    #[test]
    fn a_star_stands_for_one_label() {
        check(
            "https://*.bastionzero.com",
            "https://cloud.bastionzero.com https://cloud.bastionzero.com/
             https://CLOUD.BastionZero.com:443",
            "http://cloud.bastionzero.com http://cloud.bastionzero.com:443
             https://cloud.bastionzero.com:8443 https://bastionzero.com
             https://a.b.bastionzero.com https://cloud.bastionzero.com.example.com
             https://cloudbastionzero.com https://cloud.bastionzero.co
             https://cloud-bastionzero.com",
        );
    }

    #[test]
    fn one_matching_pattern_is_enough() {
        check(
            " http://192.0.2.1:9  https://[2001:db8::1] ",
            "http://192.0.2.1:9 https://[2001:DB8::1]/",
            "http://192.0.2.1 http://192.0.2.2:9",
        );
    }

    #[test]
    fn a_url_with_more_than_an_origin_is_not_allowed() {
        let any = "https://* https://*:1 http://* https://*.*";
        check(
            any,
            "https://host",
            "cloud.bastionzero.com //cloud.bastionzero.com https:/host https:// https:///path
             ftp://host https://host/path https://host/. https://host// https://host?
             https://host/?q https://host# https://user@host https://user:password@host
             https://host: https://host:0 https://host:+1 https://host:65536
             https://host\\@other https://h\u{f6}st https://-host https://a..b https://host.
             https://%68ost https://[::1 https://[::x] https://$(reboot) https://*.host",
        );
        let patterns = ServiceUrls::parse(any).expect("patterns");
        for odd in ["", "https://ho st", "https://host\n"] {
            assert!(!patterns.allow(odd), "{odd:?}");
        }
    }
}
