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

    fn path_for(flag: &str, url: &str) -> Option<PathBuf> {
        let sockets = [flag.parse().unwrap()];
        socket_for(&sockets, &url.parse().unwrap()).map(Path::to_path_buf)
    }

    #[test]
    fn only_plain_http_to_the_authority_goes_to_the_socket() {
        let flag = "127.0.0.1:2375=/run/docker.sock";
        let socket = Some(PathBuf::from("/run/docker.sock"));
        assert_eq!(path_for(flag, "http://127.0.0.1:2375/_ping"), socket);
        assert_eq!(path_for(flag, "https://127.0.0.1:2375/"), None);
        assert_eq!(path_for(flag, "http://127.0.0.1:2376/"), None);
        assert_eq!(path_for(flag, "http://localhost:2375/"), None);
    }

    #[test]
    fn a_port_left_out_is_80() {
        assert!(path_for("engine=/s", "http://engine:80/").is_some());
        assert!(path_for("engine:80=/s", "http://engine/").is_some());
    }

    #[test]
    fn anything_else_is_refused() {
        for flag in ["/run/docker.sock", "engine=", "a b=/s", "u@engine=/s"] {
            assert!(flag.parse::<UnixSocket>().is_err(), "{flag}");
        }
    }
}
