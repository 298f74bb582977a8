//! The ports of a target: their names, and where its host publishes them.

use std::fmt;

use serde_json::Value;

use super::says;

/// A port of a container that its environment names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Port {
    /// Its name: 1 to 32 lower-case letters, digits and dashes.
    pub(crate) name: String,
    /// Its number, which is not 0.
    pub(crate) number: u16,
    pub(crate) protocol: Protocol,
}

/// The protocols that are published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    Tcp,
    Udp,
}

impl Protocol {
    /// Reads a word of the API.
    fn parse(word: &str) -> Option<Self> {
        let mut all = [Self::Tcp, Self::Udp].into_iter();
        all.find(|known| known.word() == word)
    }

    /// Its word in the API.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }
}

/// `22/tcp`, as the API writes it.
impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.protocol.word())
    }
}

impl Port {
    /// A port with this name; `spec` is like `22/tcp`, and anything else is `None`.
    pub fn parse(name: &str, spec: &str) -> Option<Self> {
        let (number, protocol) = spec.split_once('/')?;
        Some(Self {
            name: name.to_owned(),
            number: crate::number::parse(number).filter(|port| *port > 0)?,
            protocol: Protocol::parse(protocol)?,
        })
    }

    /// The one among `all` published ports that leads to it, if there is one.
    pub fn published<'a>(&self, all: &'a [Published]) -> Option<&'a Published> {
        let is_it = |one: &&Published| (one.number, one.protocol) == (self.number, self.protocol);
        all.iter().find(is_it)
    }
}

/// The value of [`super::label::PORTS`]: `ssh=22/tcp,dns=53/udp`.
pub fn to_label(ports: &[Port]) -> String {
    let ports = ports.iter().map(|port| format!("{}={port}", port.name));
    ports.collect::<Vec<_>>().join(",")
}

/// Reads such a value.
pub fn of_label(label: &str) -> impl Iterator<Item = Port> + '_ {
    let ports = label.split(',').filter_map(|port| port.split_once('='));
    ports.filter_map(|(name, spec)| Port::parse(name, spec))
}

/// A port of a container that its host publishes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// The number of the container's port.
    pub(crate) number: u16,
    /// The protocol of both ports.
    pub(crate) protocol: Protocol,
    /// The address of the host; `None` if the reply does not show it. On a Swarm it is
    /// that of a node.
    pub(crate) host: Option<String>,
    pub(crate) host_port: u16,
}

/// The members of a port of a container in a list, for [`listed`].
pub(super) const OF_CONTAINER: [&str; 3] = ["PrivatePort", "Type", "PublicPort"];

/// The same in the status of a task, whose public port is one of its node's; the node's
/// address is not shown.
pub(super) const OF_TASK: [&str; 3] = ["TargetPort", "Protocol", "PublishedPort"];

/// The `Ports` of a container in a list, or in the status of a task, that are published.
/// The others have no port of the host.
pub(super) fn listed(ports: &Value, [own, protocol, public]: [&str; 3]) -> Vec<Published> {
    let number = |value: &Value| value.as_u64()?.try_into().ok().filter(|port| *port > 0);
    let published = |port: &Value| {
        Some(Published {
            number: number(&port[own])?,
            protocol: Protocol::parse(port[protocol].as_str()?)?,
            host: port["IP"].as_str().map(str::to_owned),
            host_port: number(&port[public])?,
        })
    };
    let ports = ports.as_array().into_iter().flatten();
    ports.filter_map(published).collect()
}

/// The `Ports` in an inspect: lists of bindings, by the container's port. The numbers of
/// the host's ports are texts there.
pub(super) fn inspected(ports: &Value) -> Vec<Published> {
    let published = |(spec, bindings): (&String, &Value)| {
        let port = Port::parse("", spec)?;
        let binding = &bindings[0];
        Some(Published {
            number: port.number,
            protocol: port.protocol,
            host: binding["HostIp"].as_str().map(str::to_owned),
            host_port: binding["HostPort"].as_str()?.parse().ok()?,
        })
    };
    let ports = ports.as_object().into_iter().flatten();
    ports.filter_map(published).collect()
}

/// The address of a container in the first of its networks that gives it one, IPv4 if it
/// has both. `networks` is `NetworkSettings.Networks` of a list or an inspect.
pub(super) fn address(networks: &Value) -> Option<String> {
    let networks = || networks.as_object().into_iter().flatten();
    let first = |key: &'static str| {
        let mut addresses = networks().filter_map(|(_, network)| network[key].as_str());
        addresses.find(|address| !address.is_empty())
    };
    let address = first("IPAddress").or_else(|| first("GlobalIPv6Address"));
    address.map(str::to_owned)
}

/// Whether a failure means that a port of the host cannot be used: another program has
/// taken it since the Engine chose it, or none is left (Docker, and Podman, which chooses
/// at the create and finds out at the start). The message about an address in use on a
/// network is similar, but has neither "bind" nor "listen".
pub fn is_taken(message: &str) -> bool {
    const NONE: [&str; 2] = ["port is already allocated", "all ports are allocated"];
    let is_about_socket = says(message, &["bind", "listen"]);
    (is_about_socket && says(message, &["address already in use"])) || says(message, &NONE)
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::json;

    use super::*;

    pub(crate) fn published(
        number: u16,
        protocol: Protocol,
        host: Option<&str>,
        host_port: u16,
    ) -> Published {
        Published {
            number,
            protocol,
            host: host.map(str::to_owned),
            host_port,
        }
    }

    #[test]
    fn a_label_holds_names_and_ports() {
        let ports = [("ssh", "22/tcp"), ("dns", "53/udp")];
        let ports = ports.map(|(name, spec)| Port::parse(name, spec).expect(spec));
        assert_eq!(to_label(&ports), "ssh=22/tcp,dns=53/udp");
        assert_eq!(of_label("ssh=22/tcp,dns=53/udp").collect::<Vec<_>>(), ports);
        assert_eq!(to_label(&[]), "");
        for label in ["", "ssh", "ssh=22", "ssh=0/tcp", "ssh=+1/tcp", "a=1/sctp"] {
            assert_eq!(of_label(label).count(), 0, "{label}");
        }
    }

    #[test]
    fn each_reply_tells_where_a_port_is_published() {
        let expected = [
            published(22, Protocol::Tcp, Some("127.0.0.1"), 40109),
            published(53, Protocol::Udp, Some("127.0.0.1"), 40110),
        ];
        let list = json!([
            {"IP": "127.0.0.1", "PrivatePort": 22, "PublicPort": 40109, "Type": "tcp"},
            {"IP": "127.0.0.1", "PrivatePort": 53, "PublicPort": 40110, "Type": "udp"},
            {"PrivatePort": 80, "Type": "tcp"},
        ]);
        assert_eq!(listed(&list, OF_CONTAINER), expected);
        let inspect = json!({
            "22/tcp": [{"HostIp": "127.0.0.1", "HostPort": "40109"}],
            "53/udp": [{"HostIp": "127.0.0.1", "HostPort": "40110"}],
            "80/tcp": null,
        });
        assert_eq!(inspected(&inspect), expected);
        let task = json!([
            {"Protocol": "tcp", "TargetPort": 22, "PublishedPort": 40109},
            {"Protocol": "udp", "TargetPort": 53, "PublishedPort": 40110},
            {"Protocol": "tcp", "TargetPort": 80, "PublishMode": "host"},
        ]);
        let without_host = expected.map(|one| Published { host: None, ..one });
        assert_eq!(listed(&task, OF_TASK), without_host);
    }

    #[test]
    fn what_is_not_a_list_of_ports_publishes_nothing() {
        for odd in [
            json!(null),
            json!([22]),
            json!([{"PrivatePort": 70000, "PublicPort": 1, "Type": "tcp"}]),
            json!([{"PrivatePort": 22, "PublicPort": 0, "Type": "tcp"}]),
            json!({"22": [{"HostIp": "127.0.0.1", "HostPort": "1"}]}),
            json!({"22/tcp": []}),
            json!({"22/tcp": [{"HostIp": "127.0.0.1", "HostPort": ""}]}),
        ] {
            for members in [OF_CONTAINER, OF_TASK] {
                assert_eq!(listed(&odd, members), [], "{odd}");
            }
            assert_eq!(inspected(&odd), [], "{odd}");
        }
    }

    #[test]
    fn an_address_is_that_of_the_first_network_with_one() {
        let network = |four: &str, six: &str| json!({"IPAddress": four, "GlobalIPv6Address": six});
        let (none, six) = (network("", ""), network("", "fd00::5"));
        let both = network("172.18.0.5", "fd00::5");
        for (networks, expected) in [
            (json!(null), None),
            (json!({"a": none}), None),
            (json!({"a": both}), Some("172.18.0.5")),
            (json!({"a": six}), Some("fd00::5")),
            (json!({"a": none, "b": both}), Some("172.18.0.5")),
        ] {
            assert_eq!(address(&networks).as_deref(), expected, "{networks}");
        }
    }

    #[test]
    fn a_port_that_is_taken_is_told_from_an_address_of_a_network() {
        for (message, expected) in [
            ("Bind for x failed: port is already allocated", true),
            ("listen tcp4 x: bind: address already in use", true),
            ("cannot listen on x: address already in use", true),
            ("all ports are allocated", true),
            ("failed to set up networking: Address already in use", false),
            ("no such container", false),
        ] {
            assert_eq!(is_taken(message), expected, "{message}");
        }
    }
}
