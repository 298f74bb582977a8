//! The ways to name an Engine: `DOCKER_HOST`, `docker_url`, the path of a socket.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

/// Where an Engine listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// A unix socket of this machine.
    Unix(PathBuf),
    /// Plain HTTP over TCP: `host:port`.
    Tcp(String),
    /// HTTP over TLS: `host:port`.
    Tls(String),
}

impl Endpoint {
    /// Parses `unix:///path`, `/path`, `tcp://host:port`, `http://host:port` or `https://host:port`.
    pub fn parse(text: &str) -> Result<Self> {
        let (scheme, rest) = text.split_once("://").unwrap_or(("unix", text));
        let authority = rest.trim_end_matches('/');
        match scheme {
            "unix" if Path::new(rest).is_absolute() => Ok(Self::Unix(rest.into())),
            "tcp" | "http" | "https"
                if authority.is_empty() || authority.contains(['/', '@', '?', '#']) =>
            {
                bail!("`{text}` is not an Engine; expected {scheme}://host:port")
            }
            "tcp" | "http" => Ok(Self::Tcp(with_port(authority, "2375"))),
            "https" => Ok(Self::Tls(with_port(authority, "2376"))),
            _ => bail!(
                "`{text}` cannot be used as an Engine; use unix:///path, tcp://host:port, http://host:port or https://host:port"
            ),
        }
    }

    /// As [`Endpoint::parse`], but `tcp` means TLS, as it does with `DOCKER_TLS_VERIFY`.
    pub fn parse_verified(text: &str) -> Result<Self> {
        Ok(match Self::parse(text)? {
            Self::Tcp(authority) => Self::Tls(authority),
            other => other,
        })
    }

    /// In the form that `docker --host` takes.
    pub fn docker_host(&self) -> String {
        match self {
            Self::Unix(path) => format!("unix://{}", path.display()),
            Self::Tcp(authority) | Self::Tls(authority) => format!("tcp://{authority}"),
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(formatter, "unix://{}", path.display()),
            Self::Tcp(authority) => write!(formatter, "http://{authority}"),
            Self::Tls(authority) => write!(formatter, "https://{authority}"),
        }
    }
}

fn with_port(authority: &str, default: &str) -> String {
    let after_host = authority.rsplit(']').next().unwrap_or(authority);
    match after_host.contains(':') {
        true => authority.to_owned(),
        false => format!("{authority}:{default}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_name_an_engine_is_understood() {
        let (socket, tcp) = ("unix:///var/run/docker.sock", "tcp://127.0.0.1:2375");
        for (text, shown, docker_host) in [
            (socket, socket, socket),
            ("/var/run/docker.sock", socket, socket),
            (tcp, "http://127.0.0.1:2375", tcp),
            ("http://127.0.0.1/", "http://127.0.0.1:2375", tcp),
            ("https://engine", "https://engine:2376", "tcp://engine:2376"),
            ("http://[::1]", "http://[::1]:2375", "tcp://[::1]:2375"),
        ] {
            let endpoint = Endpoint::parse(text).expect(text);
            assert_eq!(endpoint.to_string(), shown);
            assert_eq!(endpoint.docker_host(), docker_host);
        }
        let verified = Endpoint::parse_verified("tcp://engine:2376").expect("an endpoint");
        assert_eq!(verified, Endpoint::Tls("engine:2376".to_owned()));
    }

    #[test]
    fn what_cannot_be_used_is_refused() {
        for text in [
            "ssh://host",
            "npipe:////./pipe/docker",
            "unix://relative",
            "tcp://",
            "http://a/b",
        ] {
            assert!(Endpoint::parse(text).is_err(), "{text}");
        }
    }
}
