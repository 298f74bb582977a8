//! The requests to a Swarm's manager.

use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;

use super::service::WORKERS;
use crate::digest::digest;
use crate::model::op::{Filter, short};

/// A request, read as a manager reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Op {
    /// `POST /services/create`
    Create(Rc<Spec>),
    /// `POST /services/{id}/update`
    Update {
        id: String,
        version: u64,
        spec: Rc<Spec>,
    },
    /// `DELETE /services/{id}`
    Delete(String),
    /// `GET /services/{id}`
    Inspect(String),
    /// `GET /services`
    Services(Filter),
    /// `GET /tasks`
    Tasks(Filter),
    /// `POST /secrets/create`
    CreateSecret {
        name: String,
        labels: Labels,
        content: String,
    },
    /// `DELETE /secrets/{id}`
    DeleteSecret(String),
    /// `GET /secrets`
    Secrets(Filter),
    /// `GET /nodes`
    Nodes,
}

/// The option that an older manager does not know.
const OPTION: &str = "/TaskTemplate/ContainerSpec/Privileges/NoNewPrivileges";

pub type Labels = BTreeMap<String, String>;

/// The specification of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spec {
    pub name: String,
    pub labels: Labels,
    pub replicas: u64,
    /// The ids of the secrets that its task gets.
    pub secrets: Vec<String>,
    /// Whether its node publishes its ports.
    pub has_ports: bool,
    /// The template of its task.
    pub template: Value,
    /// All of it, as it was sent.
    pub text: String,
    /// A digest of all of it.
    pub digest: u64,
}

impl Spec {
    /// Reads a whole specification, or returns what the model does not know about it.
    pub fn read(body: &[u8]) -> Result<Rc<Self>, String> {
        let spec: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
        let template = &spec["TaskTemplate"];
        if template["RestartPolicy"]["Condition"] != "none" {
            return Err("the model does not know services that are restarted".to_owned());
        }
        let secrets = template["ContainerSpec"]["Secrets"].as_array();
        let secrets = secrets.into_iter().flatten();
        let secrets = secrets.map(|secret| text(secret, "SecretID"));
        let whole = spec.to_string();
        Ok(Rc::new(Self {
            name: text(&spec, "Name")?,
            labels: labels(&spec)?,
            replicas: spec["Mode"]["Replicated"]["Replicas"]
                .as_u64()
                .ok_or("a service without a number of replicas")?,
            secrets: secrets.collect::<Result<_, _>>()?,
            has_ports: spec["EndpointSpec"]["Ports"].is_array(),
            template: template.clone(),
            digest: digest(&whole),
            text: whole,
        }))
    }
}

impl Spec {
    /// The same without the option that an older manager does not know.
    pub fn as_older(&self) -> Rc<Self> {
        let mut spec: Value = serde_json::from_str(&self.text).expect("it was read");
        if let Some(privileges) = spec.pointer_mut(OPTION) {
            *privileges = Value::Null;
        }
        Self::read(spec.to_string().as_bytes()).expect("it was read")
    }

    /// The first worker that no constraint excludes; a start that tries another node
    /// excludes the one before.
    pub fn node(&self) -> Option<&'static str> {
        let constraints = &self.template["Placement"]["Constraints"];
        let constraints = constraints.as_array().map_or(&[][..], Vec::as_slice);
        let is_excluded = |node: &str| {
            let excludes = format!("node.id!={node}");
            constraints.iter().any(|constraint| *constraint == excludes)
        };
        WORKERS.into_iter().find(|node| !is_excluded(node))
    }
}

fn text(value: &Value, member: &str) -> Result<String, String> {
    let text = value[member].as_str().map(str::to_owned);
    text.ok_or_else(|| format!("no {member} in {value}"))
}

fn labels(value: &Value) -> Result<Labels, String> {
    let labels = value["Labels"].as_object();
    let labels = labels.ok_or("something is created without labels")?;
    labels
        .iter()
        .map(|(key, value)| {
            let value = value.as_str().ok_or("a label that is no text")?;
            Ok((key.clone(), value.to_owned()))
        })
        .collect()
}

impl Op {
    /// Reads a request, or returns what the model does not know about it.
    pub fn parse(
        method: &str,
        parts: &[&str],
        query: &BTreeMap<String, String>,
        body: &[u8],
    ) -> Result<Self, String> {
        match (method, parts) {
            ("POST", ["services", "create"]) => Ok(Self::Create(Spec::read(body)?)),
            ("POST", ["services", id, "update"]) => {
                let version = query.get("version").and_then(|text| text.parse().ok());
                Ok(Self::Update {
                    id: (*id).to_owned(),
                    version: version.ok_or("an update without a version")?,
                    spec: Spec::read(body)?,
                })
            }
            ("DELETE", ["services", id]) => Ok(Self::Delete((*id).to_owned())),
            ("GET", ["services", id]) => Ok(Self::Inspect((*id).to_owned())),
            ("GET", ["services"]) => Ok(Self::Services(Filter::parse(query)?)),
            ("GET", ["tasks"]) => Ok(Self::Tasks(Filter::parse(query)?)),
            ("POST", ["secrets", "create"]) => Self::create_secret(body),
            ("DELETE", ["secrets", id]) => Ok(Self::DeleteSecret((*id).to_owned())),
            ("GET", ["secrets"]) => Ok(Self::Secrets(Filter::parse(query)?)),
            ("GET", ["nodes"]) => Ok(Self::Nodes),
            _ => Err(format!(
                "the model does not know {method} {parts:?} {query:?}"
            )),
        }
    }

    fn create_secret(body: &[u8]) -> Result<Self, String> {
        let body: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
        let data = BASE64_STANDARD.decode(text(&body, "Data")?);
        let data = data.map_err(|error| error.to_string())?;
        Ok(Self::CreateSecret {
            name: text(&body, "Name")?,
            labels: labels(&body)?,
            content: String::from_utf8(data).map_err(|error| error.to_string())?,
        })
    }

    /// Whether the request can change anything.
    pub fn is_change(&self) -> bool {
        match self {
            Self::Create(_)
            | Self::Update { .. }
            | Self::Delete(_)
            | Self::CreateSecret { .. }
            | Self::DeleteSecret(_) => true,
            Self::Inspect(_)
            | Self::Services(_)
            | Self::Tasks(_)
            | Self::Secrets(_)
            | Self::Nodes => false,
        }
    }

    /// The id that the path names.
    pub fn target(&self) -> Option<&str> {
        match self {
            Self::Update { id, .. }
            | Self::Delete(id)
            | Self::Inspect(id)
            | Self::DeleteSecret(id) => Some(id),
            _ => None,
        }
    }

    /// The name of the service that it creates.
    pub fn creates(&self) -> Option<&str> {
        match self {
            Self::Create(spec) => Some(&spec.name),
            _ => None,
        }
    }

    /// The secret that it carries.
    pub fn carries(&self) -> Option<&str> {
        match self {
            Self::CreateSecret { content, .. } => Some(content),
            _ => None,
        }
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Create(spec) => write!(f, "POST /services/create {}", spec.name),
            Self::Update { id, version, spec } => {
                let id = short(id);
                write!(f, "POST /services/{id}/update?version={version}")?;
                write!(f, " Replicas {}", spec.replicas)?;
                let late = ["vouched", "fenced"];
                let label = |label: &str| spec.labels.get(&format!("dynamic-access.{label}"));
                let has = |name: &&&str| label(name).is_some_and(|value| value == "true");
                late.iter()
                    .filter(has)
                    .try_for_each(|label| write!(f, " {label}"))
            }
            Self::Delete(id) => write!(f, "DELETE /services/{}", short(id)),
            Self::Inspect(id) => write!(f, "GET /services/{}", short(id)),
            Self::Services(filter) => write!(f, "GET /services {filter}"),
            Self::Tasks(filter) => write!(f, "GET /tasks {filter}"),
            Self::CreateSecret { name, .. } => write!(f, "POST /secrets/create {name}"),
            Self::DeleteSecret(id) => write!(f, "DELETE /secrets/{}", short(id)),
            Self::Secrets(filter) => write!(f, "GET /secrets {filter}"),
            Self::Nodes => write!(f, "GET /nodes"),
        }
    }
}
