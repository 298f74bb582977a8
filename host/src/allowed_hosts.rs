//! The hosts that `allowed_outbound_hosts` lets a component reach, by Spin's rules. An entry is one scheme, host and port:
//! wildcards, networks and ranges of ports are refused, because `docker_url` has none.

use anyhow::{Context, Result, bail, ensure};
use http::Uri;
use http::uri::Authority;

/// A component's whole list of allowed hosts.
#[derive(Clone, Debug, Default)]
pub struct AllowedHosts(Vec<Entry>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    scheme: String,
    host: String,
    port: u16,
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
        // As in Spin since 3.4, the case of a name does not count.
        let allows = |entry: &Entry| {
            entry.scheme == scheme && entry.port == port && entry.host.eq_ignore_ascii_case(host)
        };
        self.0.iter().any(allows)
    }
}

impl Entry {
    // Errors do not repeat the entry: it can hold the value of a variable.
    fn parse(entry: &str) -> Result<Self> {
        const FORM: &str = "an entry has the form SCHEME://HOST[:PORT]";
        let (scheme, rest) = entry.split_once("://").context(FORM)?;
        let usual = default_port(scheme).context("the scheme of an entry is `http` or `https`")?;
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let authority: Authority = rest.parse().ok().context(FORM)?;
        let host = authority.host();
        let after_host = rest.strip_prefix(host).context(FORM)?;
        let is_whole = after_host.is_empty() || after_host.starts_with(':');
        ensure!(!host.is_empty() && is_whole, FORM);
        ensure!(
            !host.contains('*') && host != "self" && !host.ends_with(".alt"),
            "this host supports no wildcards, and no requests of an application to itself (`self`)"
        );
        let port = match authority.port_u16() {
            Some(port) => port,
            None if host == rest => usual,
            None => bail!("the port of an entry must be a number"),
        };
        Ok(Self {
            scheme: scheme.to_owned(),
            host: host.to_owned(),
            port,
        })
    }
}

/// The port of a URL that names none.
pub fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" => Some(80),
        "https" => Some(443),
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

    #[test]
    fn scheme_host_and_port_must_all_agree() {
        for (entry, url, is_allowed) in [
            ("http://engine:2375", "http://engine:2375/_ping", true),
            ("http://engine:2375", "https://engine:2375/", false),
            ("http://engine:2375", "http://engine2:2375/", false),
            ("http://engine:2375", "http://engine:2376/", false),
            ("http://engine:2375", "http://engine/", false),
            // The case of a name does not count.
            ("http://Engine.test:2375", "http://engine.test:2375/", true),
            ("http://Engine.test:2375", "http://ENGINE.test:2375/", true),
            // A port left out is the usual one of the scheme.
            ("http://engine", "http://engine:80/", true),
            ("http://engine:80", "http://engine/", true),
            ("https://engine/", "https://engine/", true),
            ("https://engine/", "https://engine:8443/", false),
            ("http://[::1]:2375", "http://[::1]:2375/", true),
            ("http://[::1]", "http://[::1]/", true),
            // An empty entry allows nothing.
            ("", "http://engine/", false),
            (" ", "http://engine/", false),
            ("http://", "http://engine/", false),
            ("https://", "http://engine/", false),
        ] {
            let hosts = AllowedHosts::parse([entry.to_owned()]).unwrap();
            let allows = hosts.allow(&url.parse().unwrap());
            assert_eq!(allows, is_allowed, "{entry} {url}");
        }
    }

    #[test]
    fn whatever_is_not_one_scheme_host_and_port_is_an_error_that_does_not_repeat_it() {
        for entry in [
            "hunter2",
            "hunter2:80",
            "://hunter2",
            "ftp://hunter2",
            "HTTP://hunter2",
            "http://hunter2/path",
            "http://hunter2?q",
            "http://user@hunter2",
            "http://hunter2:",
            "http://hunter2:x",
            "http://hunter2:2375..2377",
            "http://:80",
            "http://self",
            "http://*.hunter2",
            "*://*:*",
            "http://10.0.0.0/8",
        ] {
            let error = AllowedHosts::parse([entry.to_owned()]).expect_err(entry);
            assert!(!format!("{error:#}").contains("hunter2"), "{error:#}");
        }
    }
}
