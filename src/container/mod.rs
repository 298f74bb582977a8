//! The options of a target's container: safe defaults, changed by the operator's JSON
//! merge patches (RFC 7396).
//!
//! The result is the body of ContainerCreate, or of ServiceCreate on a Swarm, where
//! patches are for the template of a task. A body starts from `defaults` or `service`.
//! Patches add to the options in `additions` and change the others. Each option has a row
//! in `create_body` or `task_template`, with its path, type and accepted form. These
//! tables judge the merged body, so it does not matter how an option got there.
//!
//! `allowed` first takes out the capabilities and volumes that the operator allows by
//! name. An order may change a body further: `choices` has its command, `resources` its
//! limits. `variables` lists the environment variables that callers may not set.
//!
//! `table` has the notation of the tables, and `shape` the types. `forms`, `logs`,
//! `mounts` and `networks` say which values are safe.

mod additions;
mod allowed;
mod choices;
mod create_body;
mod defaults;
mod forms;
mod logs;
mod mounts;
mod networks;
mod resources;
mod service;
mod shape;
mod table;
mod task_template;
mod variables;

use std::net::IpAddr;
use std::time::Duration;

use serde_json::{Map, Value, json};

use additions::Additions;
pub use additions::{PerTarget, SecretsVolume};
pub use allowed::Allowed;
pub use choices::Choices;
pub use resources::Resources;
pub use variables::is_reserved as is_reserved_variable;

use crate::docker::ports::Port;
use crate::members::{self, Distinct};

/// Whether targets must be isolated from the host and from each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Isolation {
    /// Yes: a patch that weakens the isolation is an error.
    Kept,
    /// The operator takes responsibility for every patch.
    GivenUp,
}

/// A JSON merge patch over the create body of a container, or over the template of a
/// service's task.
#[derive(Debug, Clone)]
pub struct Patch(Map<String, Value>);

/// The longest patch. No body for Docker comes near it.
const PATCH_BYTES_MAX: usize = 64 * 1024;

impl Patch {
    /// Parses a patch.
    pub fn parse(text: &str) -> Result<Self, String> {
        let Distinct(value) = members::parse(text, PATCH_BYTES_MAX)?;
        Self::from_value(value)
    }

    /// Takes a patch that is already parsed.
    pub fn from_value(value: Value) -> Result<Self, String> {
        match value {
            Value::Object(members) => Ok(Self(members)),
            _ => Err("is not a JSON object".to_owned()),
        }
    }
}

/// The create body, without the values of a single target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body {
    merged: Value,
    additions: Additions,
    of: Of,
    /// The ports of a service, which are no part of its template.
    ports: Vec<Value>,
    isolation: Isolation,
    allowed: Allowed,
}

/// The kind of object that a body makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// A container, on an Engine.
    Container,
    /// A service, on a Swarm.
    Service,
}

impl Body {
    /// Applies patches to the defaults of a container, or to the template of a service's
    /// task, one after the other.
    ///
    /// Rules are applied only once types are right, and in a container's body also keys. Each
    /// problem has its path and contains no value.
    pub fn new(
        of: Of,
        patches: &[&Patch],
        isolation: Isolation,
        allowed: &Allowed,
    ) -> Result<Self, Vec<String>> {
        let mut problems = Vec::new();
        let mut additions = Additions::default();
        let mut merged = match of {
            Of::Container => defaults::body(),
            Of::Service => service::template(),
        };
        for Patch(patch) in patches {
            let mut patch = patch.clone();
            match of {
                Of::Container => additions.take_from(&mut patch, &mut problems),
                Of::Service => service::take_additions(&mut patch, &mut additions, &mut problems),
            }
            json_patch::merge(&mut merged, &Value::Object(patch));
        }
        if of == Of::Container {
            defaults::complete(&mut merged);
        }
        let body = Self {
            merged,
            additions,
            of,
            isolation,
            allowed: allowed.clone(),
            ports: Vec::new(),
        };
        body.check(&mut problems);
        match problems.is_empty() {
            true => Ok(body),
            false => Err(problems),
        }
    }

    /// The body with published ports. An Engine chooses a port of its host for each, on
    /// this address; a node of a Swarm publishes them on all of its addresses.
    pub fn publishing(mut self, ports: &[Port], address: IpAddr) -> Result<Self, String> {
        if self.of == Of::Service {
            self.ports = ports.iter().map(service::published).collect();
            return Ok(self);
        }
        let bindings = &self.merged["HostConfig"]["PortBindings"];
        if !ports.is_empty() && !forms::is_unset(bindings) {
            return Err(
                "HostConfig.PortBindings cannot be used together with ports; leave one of them out"
                    .to_owned(),
            );
        }
        for port in ports {
            let port = port.to_string();
            let chosen = json!([{"HostIp": address.to_string(), "HostPort": ""}]);
            self.merged["ExposedPorts"][&port] = json!({});
            self.merged["HostConfig"]["PortBindings"][port] = chosen;
        }
        Ok(self)
    }

    /// Adds the problems of the merged body.
    fn check(&self, problems: &mut Vec<String>) {
        let table = match self.of {
            Of::Container => &create_body::TABLE,
            Of::Service => &task_template::TABLE,
        };
        let judged = self.allowed.taken_out_of(self.of, self.merged.clone());
        table.check(&judged, self.isolation, problems);
    }

    /// The body with the values of one target.
    pub fn with(&self, target: &PerTarget<'_>) -> Value {
        if self.of == Of::Service {
            let mut body = service::body(&self.merged, &self.additions, target);
            if !self.ports.is_empty() {
                body["EndpointSpec"]["Ports"] = self.ports.clone().into();
            }
            return body;
        }
        let mut body = self.merged.clone();
        body["Image"] = target.image.into();
        self.additions.add_to(&mut body, target);
        body
    }

    /// The value of an option by its pointer in a container's body or in a task's template.
    fn option(&self, of_container: &str, of_service: &str) -> &Value {
        let pointer = match self.of {
            Of::Container => of_container,
            Of::Service => of_service,
        };
        self.merged.pointer(pointer).unwrap_or(&Value::Null)
    }

    /// The interval of the patch's health check, if it has one. The image may have
    /// another.
    pub fn health_check_interval(&self) -> Option<Duration> {
        let interval = self.option(
            "/Healthcheck/Interval",
            "/ContainerSpec/Healthcheck/Interval",
        );
        let interval = interval.as_u64();
        let interval = interval.filter(|nanoseconds| *nanoseconds > 0);
        interval.map(Duration::from_nanos)
    }

    /// Whether managers of a Swarm may run its targets too.
    pub fn permits_managers(&self) -> bool {
        let constraints = self.merged["Placement"]["Constraints"].as_array();
        let mut constraints = constraints.into_iter().flatten();
        !constraints.any(|constraint| constraint == service::WORKERS_ONLY)
    }

    /// The body without the values of a target, and without additions.
    pub fn value(&self) -> &Value {
        &self.merged
    }

    /// The networks that a target joins, by their names; first that of `NetworkMode`.
    pub fn networks(&self) -> Vec<&str> {
        let mode = self.option("/HostConfig/NetworkMode", "/Networks/0/Target");
        let endpoints = match self.of {
            Of::Container => &self.merged["NetworkingConfig"]["EndpointsConfig"],
            Of::Service => &Value::Null,
        };
        let is_name = |mode: &str| {
            !matches!(mode, "" | "default" | "none" | "host" | "nat") && !mode.contains(':')
        };
        let endpoints = endpoints.as_object().into_iter().flatten();
        let names = endpoints.map(|(name, _)| name.as_str());
        let names = mode.as_str().into_iter().chain(names);
        names.filter(|name| is_name(name)).collect()
    }

    /// Whether a target publishes every port that its image exposes.
    pub fn publishes_all(&self) -> bool {
        self.merged["HostConfig"]["PublishAllPorts"] == true
    }

    /// Whether there is a limit of processor time.
    pub fn limits_processors(&self) -> bool {
        let limit = self.option("/HostConfig/NanoCpus", "/Resources/Limits/NanoCPUs");
        let quota = self.option("/HostConfig/CpuQuota", "/Resources/Limits/NanoCPUs");
        let mut limits = [limit, quota].into_iter().filter_map(Value::as_i64);
        limits.any(|limit| limit > 0)
    }

    /// The user that a patch sets; empty for the image's own.
    pub fn user(&self) -> &str {
        let user = self.option("/User", "/ContainerSpec/User");
        user.as_str().unwrap_or_default()
    }

    /// Whether a patch sets this environment variable.
    pub fn sets_variable(&self, name: &str) -> bool {
        self.additions.set_variable(name)
    }
}

#[cfg(test)]
mod tests;
