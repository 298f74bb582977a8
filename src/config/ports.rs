//! `ports`, `publish_address` and `public_host`: where callers reach a target.

use std::net::IpAddr;

use serde_json::Value;

use super::values::SchedulerKind;
use crate::docker::ports::Port;
use crate::members::{self, Distinct};
use crate::service_url::is_label;

/// The most ports of a target. A Swarm repeats them in each list, and an Engine runs a
/// process for each of them.
const PORTS_MAX: usize = 16;

/// The longest name of a port. Labels and answers repeat it.
const NAME_MAX: usize = 32;

/// The longest `ports`: 16 with room for white space.
const PORTS_BYTES_MAX: usize = 4 * 1024;

/// `publish_address` and `public_host`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    /// `publish_address`: the address of the Engine's host on which ports are published.
    pub address: IpAddr,
    /// `public_host`: the host that callers see instead of that address, or instead of the
    /// address of a Swarm's node.
    pub host: Option<String>,
}

impl Publication {
    /// Checks that callers get an address at which they reach the ports.
    pub fn check(&self, scheduler: SchedulerKind) -> Result<(), String> {
        let is_any = self.address.is_unspecified();
        match scheduler {
            SchedulerKind::Swarm if !is_any || self.address.is_ipv6() => Err(
                "publish_address must be 0.0.0.0 for ports on a Swarm, whose nodes publish them on all of their addresses".to_owned(),
            ),
            SchedulerKind::Engine if is_any && self.host.is_none() => Err(format!(
                "public_host must be set: ports are published on publish_address {}, where nobody can reach them",
                self.address
            )),
            SchedulerKind::Swarm | SchedulerKind::Engine => Ok(()),
        }
    }
}

pub fn parse_publish_address(text: &str) -> Result<IpAddr, String> {
    text.parse()
        .map_err(|_| "must be an IP address, such as 127.0.0.1".to_owned())
}

/// Parses `public_host`. An IPv6 address has no brackets, as in an answer.
pub fn parse_public_host(text: &str) -> Result<Option<String>, String> {
    let is_host = match text.parse::<IpAddr>() {
        Ok(address) => !address.is_unspecified(),
        Err(_) => text.len() <= 253 && text.split('.').all(is_label),
    };
    match text {
        "" => Ok(None),
        host if is_host => Ok(Some(host.to_owned())),
        _ => Err("must be a host name or an IP address that callers can use".to_owned()),
    }
}

/// Parses `ports`.
pub fn parse_ports(text: &str) -> Result<Vec<Port>, String> {
    let Distinct(value) = members::parse(text, PORTS_BYTES_MAX)?;
    ports_of(&value)
}

/// Reads an object of names and ports, each a number or a text such as `53/udp`.
pub fn ports_of(value: &Value) -> Result<Vec<Port>, String> {
    let members = value.as_object().ok_or("is not a JSON object")?;
    if members.len() > PORTS_MAX {
        return Err(format!("has more than {PORTS_MAX} ports"));
    }
    let mut ports: Vec<Port> = Vec::new();
    for (name, value) in members {
        let is_plain =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if !(1..=NAME_MAX).contains(&name.len()) || !name.bytes().all(is_plain) {
            return Err(format!(
                "has a name that is not 1 to {NAME_MAX} lower-case letters, digits and dashes"
            ));
        }
        let spec = match value {
            Value::Number(number) => format!("{number}/tcp"),
            other => other.as_str().unwrap_or_default().to_owned(),
        };
        let port = Port::parse(name, &spec).ok_or_else(|| {
            format!("at {name} is not a port from 1 to 65535, nor one with its protocol, such as \"53/udp\"")
        })?;
        if let Some(same) = ports
            .iter()
            .find(|known| known.to_string() == port.to_string())
        {
            return Err(format!("at {name} and at {}: the same port", same.name));
        }
        ports.push(port);
    }
    Ok(ports)
}
