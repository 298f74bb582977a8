//! Maps authorities to unix sockets.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context, Result, ensure};
use http::Uri;
use http::uri::Authority;

/// One `--unix-socket AUTHORITY=PATH`: plain HTTP to the authority goes to the socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnixSocket {
    /// `host:port`.
    authority: String,
    path: PathBuf,
}

impl UnixSocket {
    /// Sends plain HTTP to `authority` (`host` or `host:port`) to the socket at `path`.
    pub fn new(authority: &str, path: impl Into<PathBuf>) -> Result<Self> {
        let authority: Authority = authority
            .parse()
            .context("--unix-socket takes AUTHORITY=PATH, with an authority HOST:PORT")?;
        ensure!(
            !authority.as_str().contains('@'),
            "--unix-socket: an authority is HOST:PORT, without a user"
        );
        Ok(Self {
            authority: with_port(&authority),
            path: path.into(),
        })
    }
}

impl FromStr for UnixSocket {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let (authority, path) = text
            .split_once('=')
            .context("--unix-socket takes AUTHORITY=PATH")?;
        ensure!(!path.is_empty(), "--unix-socket takes AUTHORITY=PATH");
        Self::new(authority, path)
    }
}

// Only plain HTTP goes to a socket, so the default port is 80.
fn with_port(authority: &Authority) -> String {
    let port = authority.port_u16().unwrap_or(80);
    format!("{}:{port}", authority.host())
}

/// The socket for `uri`, if there is one; a later one for the same authority wins.
pub fn socket_for<'a>(sockets: &'a [UnixSocket], uri: &Uri) -> Option<&'a Path> {
    if uri.scheme_str() != Some("http") {
        return None;
    }
    let authority = with_port(uri.authority()?);
    let mut latest_first = sockets.iter().rev();
    let socket = latest_first.find(|socket| socket.authority == authority)?;
    Some(&socket.path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_http_to_the_authority_goes_to_the_socket() {
        for (authority, url, is_for_it) in [
            ("127.0.0.1:2375", "http://127.0.0.1:2375/_ping", true),
            ("127.0.0.1:2375", "https://127.0.0.1:2375/", false),
            ("127.0.0.1:2375", "http://127.0.0.1:2376/", false),
            ("127.0.0.1:2375", "http://localhost:2375/", false),
            // A port left out is 80.
            ("engine", "http://engine:80/", true),
            ("engine:80", "http://engine/", true),
        ] {
            let sockets = [format!("{authority}=/run/docker.sock").parse().unwrap()];
            let path = socket_for(&sockets, &url.parse().unwrap());
            let expected = is_for_it.then_some(Path::new("/run/docker.sock"));
            assert_eq!(path, expected, "{authority} {url}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for flag in ["/run/docker.sock", "engine=", "a b=/s", "u@engine=/s"] {
            assert!(flag.parse::<UnixSocket>().is_err(), "{flag}");
        }
    }
}
