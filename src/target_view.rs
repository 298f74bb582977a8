//! A target as callers and operators see it, from a list of containers.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use serde_json::{Map, Value};
use time::OffsetDateTime;

use crate::ages;
use crate::config::Config;
use crate::docker::ports::{self, Port};
use crate::docker::target::{State, Target};
use crate::docker::{TargetId, label};
use crate::environment_id::is_same;

/// The state of a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShownState {
    /// Its container is created and not started yet.
    Starting,
    /// Its container runs.
    Running,
    /// Its container has ended, or is being removed.
    Ended,
}

impl ShownState {
    /// The word for it in answers and metrics.
    pub fn word(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Ended => "ended",
        }
    }
}

impl From<State> for ShownState {
    fn from(state: State) -> Self {
        match state {
            State::Created | State::Starting => Self::Starting,
            // An unknown state does not mean that it has ended.
            State::Running | State::Stopping | State::Unknown => Self::Running,
            State::Ended | State::Removing | State::Dead => Self::Ended,
        }
    }
}

/// The condition that a caller waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Awaited {
    /// Its health check passes.
    Ready,
    /// It has ended.
    Ended,
}

impl Awaited {
    /// Whether the wait is over: the condition holds, or can never be seen.
    pub fn is_over(self, target: &TargetView) -> bool {
        match (self, target.state) {
            (_, ShownState::Ended) => true,
            (Self::Ended, _) | (Self::Ready, ShownState::Starting) => false,
            (Self::Ready, ShownState::Running) => target.ready != Some(false),
        }
    }
}

/// A target. It holds no secret: only its container has those.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetView {
    /// The id of its container.
    pub id: TargetId,
    /// The environment that it was started for, in its caller's spelling.
    pub environment: String,
    /// The reference of its image; the image's id if no reference is left.
    pub image: String,
    /// The id of its image, which is a digest.
    pub image_id: String,
    /// Its state.
    pub state: ShownState,
    /// The result of its health check; `None` if it is not known.
    pub ready: Option<bool>,
    /// Whether it counts towards `max_targets`.
    pub is_live: bool,
    /// When its container was created, by the Engine's own clock.
    pub created: OffsetDateTime,
    /// When it is removed, even if it runs.
    pub expires: OffsetDateTime,
    /// Its age by the Engine's own clock, if the reply has the Engine's time.
    pub age: Option<Duration>,
    /// The exit code of its first process, if it has ended and the code was asked for.
    pub exit_code: Option<i64>,
    /// The id of its node, on a Swarm.
    pub node: Option<String>,
    /// Its address in its network while it runs, which only its host reaches; not on a
    /// Swarm.
    pub address: Option<String>,
    /// Where callers reach its ports while it runs.
    pub endpoints: Vec<Endpoint>,
    /// Its owner, if its order has one.
    pub owner: Option<String>,
    /// The labels in its order; each value is a text.
    pub labels: Map<String, Value>,
}

/// A filter of targets: a list shows those that match all of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// The environment, in any spelling.
    pub environment: Option<String>,
    /// The owner.
    pub owner: Option<String>,
    /// A label of the caller's, and its value.
    pub label: Option<(String, String)>,
}

impl Filter {
    /// Whether a target matches.
    pub fn shows(&self, target: &TargetView) -> bool {
        let is_owners = |owner| target.owner.as_ref() == Some(owner);
        let has = |(key, value): &(String, String)| {
            target.labels.get(key).and_then(Value::as_str) == Some(value)
        };
        target.is_of(self.environment.as_deref())
            && self.owner.as_ref().is_none_or(is_owners)
            && self.label.as_ref().is_none_or(has)
    }
}

/// Where callers reach a port of a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// The container's port, with its name.
    pub port: Port,
    /// A host name, or an IP address without brackets.
    pub host: String,
    /// The number of the host's port.
    pub host_port: u16,
}

/// `ssh 192.0.2.1:40109/tcp`, for people.
impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (host, port) = (&self.host, self.host_port);
        let protocol = self.port.protocol.word();
        write!(f, "{} ", self.port.name)?;
        match host.contains(':') {
            true => write!(f, "[{host}]:{port}/{protocol}"),
            false => write!(f, "{host}:{port}/{protocol}"),
        }
    }
}

impl Endpoint {
    /// The endpoints of a container, as far as their hosts are known.
    fn of(container: &Target, config: &Config) -> Vec<Self> {
        let told = config.publication.host.as_deref();
        let endpoint = |port: Port| {
            let published = port.published(&container.published)?;
            let host = told.or(published.host.as_deref());
            Some(Self {
                host: host.filter(|host| can_be_reached(host))?.to_owned(),
                host_port: published.host_port,
                port,
            })
        };
        let ports = container.label(label::PORTS).unwrap_or_default();
        ports::of_label(ports).filter_map(endpoint).collect()
    }
}

/// Whether callers can use a host. It is `0.0.0.0` or `::` if `public_host` was set at
/// the create and is unset now.
fn can_be_reached(host: &str) -> bool {
    let is_any = |address: IpAddr| address.is_unspecified();
    !host.is_empty() && !host.parse().is_ok_and(is_any)
}

impl TargetView {
    /// The target of a container. An Engine's list does not show the exit code.
    pub fn new(container: &Target, config: &Config) -> Self {
        let created = OffsetDateTime::from_unix_timestamp(container.created)
            .unwrap_or(OffsetDateTime::UNIX_EPOCH);
        let lifetime = ages::lifetime(container, config.max_lifetime);
        let text = |key| container.label(key).map(str::to_owned);
        let labels = container.label(label::LABELS);
        let labels = labels.and_then(|text| serde_json::from_str(text).ok());
        let lifetime = time::Duration::try_from(lifetime).unwrap_or(time::Duration::MAX);
        let state = ShownState::from(container.state);
        // Podman also lists the ports of containers that were not started or have ended.
        let runs = state == ShownState::Running;
        Self {
            id: container.id.clone(),
            environment: text(label::ENVIRONMENT_ID).unwrap_or_default(),
            image: container.image.clone(),
            image_id: container.image_id.clone(),
            state,
            ready: container.ready,
            is_live: ages::is_live(container),
            created,
            expires: created.saturating_add(lifetime),
            age: container.age,
            exit_code: container.ended.as_ref().and_then(|ended| ended.exit_code),
            node: container.node.clone(),
            address: container.address.clone().filter(|_| runs),
            endpoints: match runs {
                true => Endpoint::of(container, config),
                false => Vec::new(),
            },
            owner: text(label::OWNER).filter(|owner| !owner.is_empty()),
            labels: labels.unwrap_or_default(),
        }
    }

    /// Whether it belongs to this environment; `None` matches every target.
    pub fn is_of(&self, environment: Option<&str>) -> bool {
        environment.is_none_or(|environment| is_same(&self.environment, environment))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::config;
    use crate::docker::ports::Protocol;
    use crate::docker::ports::tests::published;
    use crate::docker::target::tests::aged;

    #[test]
    fn an_endpoint_is_a_named_port_that_its_host_publishes() {
        const HOST: &str = "targets.example.com";
        let ports = ("dynamic-access.ports", "dns=53/udp,ssh=22/tcp");
        let check = |public_host, state, label: &[_], binding: Option<&str>, expected| {
            let mut container = aged(state, None, label);
            container.address = Some("172.18.0.5".to_owned());
            container.published = vec![published(22, Protocol::Tcp, binding, 40109)];
            let target = TargetView::new(&container, &config(&[("public_host", public_host)]));
            assert_eq!(target.address.is_some(), state == "running");
            let told: Vec<_> = target.endpoints.iter().map(ToString::to_string).collect();
            assert_eq!(told, Vec::from_iter(expected), "{state} {binding:?}");
        };
        let (address, six) = (Some("192.0.2.1"), Some("::1"));
        let told = |host: &str| Some(format!("ssh {host}:40109/tcp"));
        check("", "running", &[ports], address, told("192.0.2.1"));
        check("", "running", &[ports], six, told("[::1]"));
        for any in [Some("0.0.0.0"), Some("::"), Some(""), None] {
            check("", "running", &[ports], any, None);
            check(HOST, "running", &[ports], any, told(HOST));
        }
        for state in ["created", "exited", "removing"] {
            check(HOST, state, &[ports], address, None);
        }
        // Without the label, as earlier versions and patches publish ports.
        check("", "running", &[], address, None);
    }

    #[test]
    fn a_filter_shows_what_has_all_of_it() {
        let config = config(&[]);
        let view = |owner, labels| {
            let labels = [
                ("dynamic-access.environment-id", "e"),
                ("dynamic-access.owner", owner),
                ("dynamic-access.labels", labels),
            ];
            TargetView::new(&aged("running", None, &labels), &config)
        };
        let target = view("o", r#"{"a":"1","b":""}"#);
        let text = |text: &str| Some(text.to_owned());
        let pair = |key: &str, value: &str| Some((key.to_owned(), value.to_owned()));
        for (environment, owner, label, is_shown) in [
            (None, None, None, true),
            (text("E"), text("o"), pair("a", "1"), true),
            (None, None, pair("b", ""), true),
            (text("f"), text("o"), pair("a", "1"), false),
            (text("e"), text("O"), pair("a", "1"), false),
            (text("e"), text("o"), pair("a", "2"), false),
            (None, None, pair("c", ""), false),
        ] {
            let filter = Filter {
                environment,
                owner,
                label,
            };
            assert_eq!(filter.shows(&target), is_shown, "{filter:?}");
        }
        assert_eq!(target.expires - target.created, time::Duration::days(8));
        // Targets without an owner, one of them with an invalid label.
        for (owner, labels) in [("", ""), ("", "planted")] {
            let target = view(owner, labels);
            assert_eq!((target.owner, target.labels.len()), (None, 0));
        }
    }

    #[test]
    fn a_time_beyond_the_calendar_is_cut() {
        let config = config(&[]);
        let lifetime = ("dynamic-access.max-lifetime", "18446744073709551615");
        let mut container = aged("running", None, &[lifetime]);
        container.created = i64::MAX;
        TargetView::new(&container, &config);
    }

    #[test]
    fn every_state_has_one_of_three_words() {
        for (states, word) in [
            ("created", "starting"),
            ("running paused sleeping", "running"),
            ("removing exited dead", "ended"),
        ] {
            for state in states.split(' ') {
                let state = ShownState::from(aged(state, None, &[]).state);
                assert_eq!(state.word(), word);
            }
        }
    }
}
