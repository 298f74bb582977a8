//! The hosts that `allowed_outbound_hosts` lets a component reach, by Spin's rules. An entry is one scheme, host and port:
//! wildcards, networks and ranges of ports are refused, because `docker_url` has none.

use anyhow::{Context, Result, ensure};
use http::Uri;

#[derive(Clone, Debug, Default)]
pub struct AllowedHosts(Vec<Place>);

/// A scheme, a host in lower case, and a port.
type Place = (String, String, u16);

impl AllowedHosts {
    /// Reads the entries. As in Spin, an entry that an empty variable leaves empty allows nothing and is not an error.
    pub fn parse(entries: impl IntoIterator<Item = String>) -> Result<Self> {
        let entries = entries.into_iter();
        let whole = entries.filter(|entry| !["", "http://", "https://"].contains(&entry.trim()));
        whole
            .map(|entry| parse(entry.trim()))
            .collect::<Result<_>>()
            .map(Self)
    }

    /// Whether a request may be sent to `uri`. As in Spin since 3.4, the case of a name does not count.
    pub fn allow(&self, uri: &Uri) -> bool {
        place(uri).is_some_and(|place| self.0.contains(&place))
    }
}

// Errors do not repeat the entry: it can hold the value of a variable.
fn parse(entry: &str) -> Result<Place> {
    const FORM: &str = "an entry has the form SCHEME://HOST[:PORT], with `http` or `https`";
    let uri: Uri = entry.parse().ok().context(FORM)?;
    let (scheme, host, port) = place(&uri).context(FORM)?;
    let authority = uri.authority().context(FORM)?.as_str();
    let is_whole = entry.strip_suffix('/').unwrap_or(entry) == format!("{scheme}://{authority}");
    let has_port = uri.port_u16().is_some() || authority.eq_ignore_ascii_case(&host);
    let is_host = !host.is_empty() && !authority.contains('@');
    ensure!(is_whole && is_host && has_port, FORM);
    ensure!(
        !host.contains('*') && host != "self" && !host.ends_with(".alt"),
        "this host supports no wildcards, and no requests of an application to itself (`self`)"
    );
    Ok((scheme, host, port))
}

fn place(uri: &Uri) -> Option<Place> {
    let (scheme, host) = (uri.scheme_str()?, uri.host()?);
    Some((scheme.to_owned(), host.to_ascii_lowercase(), port(uri)?))
}

/// The port of a URL, which may leave it out.
pub fn port(uri: &Uri) -> Option<u16> {
    let usual = match uri.scheme_str() {
        Some("http") => Some(80),
        Some("https") => Some(443),
        _ => None,
    };
    uri.port_u16().or(usual)
}

/// The parts of a URL to show: scheme, host and port, which hold no secret.
pub fn origin(uri: &Uri) -> String {
    let (scheme, host) = (uri.scheme_str().unwrap_or("?"), uri.host().unwrap_or("?"));
    match port(uri) {
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
