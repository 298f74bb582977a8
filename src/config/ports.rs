//! `ports`, `publish_address` and `public_host`: where callers reach a target.

use std::net::IpAddr;

use serde_json::Value;

use super::values::SchedulerKind;
use crate::docker::ports::Port;
use crate::members::{self, Distinct};

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
    ///
    /// # Errors
    ///
    /// Which variable must be set, and why.
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
    let is_label = |label: &str| {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(is_plain)
    };
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
    if text.len() > PORTS_BYTES_MAX {
        return Err(format!("is larger than {} KiB", PORTS_BYTES_MAX / 1024));
    }
    let Distinct(value) = serde_json::from_str(text).map_err(|error| members::problem(&error))?;
    ports_of(&value)
}

/// Reads an object of names and ports, each a number or a text such as `53/udp`.
///
/// # Errors
///
/// The first problem, with the name of its port.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::config::tests::variables;

    fn specs(text: &str) -> Result<Vec<String>, String> {
        let ports = parse_ports(text)?;
        let spec = |port: &Port| format!("{} {port}", port.name);
        Ok(ports.iter().map(spec).collect())
    }

    #[test]
    fn a_port_is_a_number_or_has_its_protocol() {
        let found = specs(r#"{"ssh":22,"web-2":"8080/tcp","dns":"53/udp"}"#);
        let expected = ["dns 53/udp", "ssh 22/tcp", "web-2 8080/tcp"];
        assert_eq!(found.expect("ports"), expected);
        assert_eq!(specs("{}"), Ok(Vec::new()));
        assert_eq!(specs(r#"{"a":1,"b":65535}"#).expect("ports").len(), 2);
        // One number with two protocols is two ports.
        specs(r#"{"a":53,"b":"53/udp"}"#).expect("ports");
    }

    #[test]
    fn whatever_else_is_refused_with_its_place_and_without_its_value() {
        let long = format!(r#"{{"{}":1}}"#, "a".repeat(33));
        let many: Vec<_> = (1..=17)
            .map(|port| format!(r#""a{port}":{port}"#))
            .collect();
        let many = format!("{{{}}}", many.join(","));
        let large = format!("{{{}}}", " ".repeat(5000));
        for (text, told) in [
            ("", "is not JSON"),
            ("[]", "is not a JSON object"),
            (r#"{"a":1,"a":1}"#, "has a key twice"),
            (r#"{"a":"22/planted"}"#, "at a is not a port"),
            (r#"{"a":"22-planted/tcp"}"#, "at a is not a port"),
            (r#"{"":1}"#, "has a name that is not"),
            (r#"{"A":1}"#, "has a name that is not"),
            (r#"{"a\n":1}"#, "has a name that is not"),
            (r#"{"planted,b":1}"#, "has a name that is not"),
            (&long, "has a name that is not"),
            (r#"{"a":22,"b":"22/tcp"}"#, "at b and at a: the same port"),
            (&many, "has more than 16 ports"),
            (&large, "is larger than 4 KiB"),
        ] {
            let problem = specs(text).expect_err(text);
            assert!(problem.starts_with(told), "{text}: {problem}");
            assert!(!problem.contains("planted"), "{problem}");
        }
        for port in [
            "0",
            "65536",
            "-1",
            "22.5",
            "1e2",
            r#""22""#,
            r#""+2/tcp""#,
            "null",
            "[22]",
        ] {
            let problem = specs(&format!(r#"{{"a":{port}}}"#)).expect_err(port);
            assert!(problem.starts_with("at a is not a port"), "{problem}");
        }
    }

    #[test]
    fn a_host_is_a_name_or_an_address_that_can_be_reached() {
        for host in ["targets.example.com", "host", "192.0.2.1", "2001:db8::1"] {
            assert_eq!(parse_public_host(host), Ok(Some(host.to_owned())));
        }
        assert_eq!(parse_public_host(""), Ok(None));
        let long = ["a"; 128].join(".");
        for odd in [
            "0.0.0.0", "::", "[::1]", "host:22", "http://a", "a b", "-a", "a-", "a..b", "a_b",
            "a\n", &long,
        ] {
            parse_public_host(odd).expect_err(odd);
        }
        for odd in ["", "localhost", "127.0.0.1:22", "[::1]", "127.0.0"] {
            parse_publish_address(odd).expect_err(odd);
        }
        parse_publish_address("::1").expect("an address");
    }

    #[track_caller]
    fn check(changes: &[(&'static str, &'static str)], problem: Option<&str>) {
        let outcome = Config::parse(&variables(changes));
        let found = outcome.err().map(|problems| problems.to_string());
        match (found, problem) {
            (Some(found), Some(problem)) => assert!(found.contains(problem), "{found}"),
            (found, problem) => assert_eq!(found.as_deref(), problem, "{changes:?}"),
        }
    }

    #[test]
    fn an_address_where_nobody_reaches_a_port_is_refused() {
        let ports = ("ports", r#"{"ssh":22}"#);
        let of_one = ("environments", r#"{"e":{"ports":{"ssh":22}}}"#);
        for any in ["0.0.0.0", "::"] {
            let any = ("publish_address", any);
            check(&[any], None);
            for ports in [ports, of_one] {
                check(&[ports, any], Some("public_host must be set"));
                check(&[ports, any, ("public_host", "host")], None);
            }
        }
        check(&[ports, ("publish_address", "192.0.2.1")], None);
    }

    #[test]
    fn a_swarm_publishes_on_all_addresses_or_not_at_all() {
        const PINNED: &str =
            "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
        let swarm = [("scheduler", "swarm"), ("agent_image", PINNED)];
        let ports = ("ports", r#"{"ssh":22}"#);
        let with = |more: &[(&'static str, &'static str)]| [&swarm[..], more].concat();
        check(&with(&[]), None);
        let problem = Some("publish_address must be 0.0.0.0");
        check(&with(&[ports]), problem);
        check(&with(&[ports, ("publish_address", "::")]), problem);
        check(&with(&[ports, ("publish_address", "0.0.0.0")]), None);
    }

    #[test]
    fn a_patch_and_ports_do_not_both_publish() {
        let patch = r#"{"HostConfig":{"PortBindings":{"80/tcp":[{"HostPort":"8080"}]}}}"#;
        let (patch, ports) = (("container_patch", patch), ("ports", r#"{"ssh":22}"#));
        check(&[patch], None);
        check(
            &[patch, ports],
            Some("container_patch: HostConfig.PortBindings"),
        );
        let without = ("environments", r#"{"e":{"ports":{}}}"#);
        check(&[patch, without], None);
    }
}
