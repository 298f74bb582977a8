//! The requests to an Engine.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

use crate::model::op::{Filter, short};

/// The folder of a token's file.
const TOKEN_DIR: &str = "/run/dynamic-access";

/// A request, read as an Engine reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Op {
    /// `POST /containers/create`
    Create {
        name: String,
        labels: BTreeMap<String, String>,
        env: String,
        has_check: bool,
    },
    /// `PUT /containers/{id}/archive`
    Archive { id: String, content: String },
    /// `POST /containers/{id}/start`
    Start(String),
    /// `DELETE /containers/{id}`
    Remove { id: String, force: bool },
    /// `GET /containers/json`
    List(Filter),
    /// `GET /containers/{id}/json`
    Inspect(String),
    /// `GET /containers/{id}/stats`
    Stats(String),
    /// `GET /images/{reference}/json`
    Image(String),
    /// `GET /networks`, by a name
    Network(String),
    /// `POST /volumes/create`
    CreateVolume { name: String, deployment: String },
    /// `GET /volumes`
    Volumes(Filter),
    /// `DELETE /volumes/{name}`
    RemoveVolume(String),
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
            ("POST", ["containers", "create"]) => Self::create(body, query),
            ("POST", ["containers", id, "start"]) if query.is_empty() => {
                Ok(Self::Start((*id).to_owned()))
            }
            ("PUT", ["containers", id, "archive"]) if has(query, "path", TOKEN_DIR) => {
                Self::archive(id, body)
            }
            ("DELETE", ["containers", id]) if has(query, "v", "true") => Ok(Self::Remove {
                id: (*id).to_owned(),
                force: has(query, "force", "true"),
            }),
            ("GET", ["containers", "json"]) if has(query, "all", "true") => {
                Ok(Self::List(plain_name(Filter::parse(query)?)?))
            }
            ("GET", ["containers", id, "json"]) => Ok(Self::Inspect((*id).to_owned())),
            ("GET", ["containers", id, "stats"]) if has(query, "one-shot", "true") => {
                Ok(Self::Stats((*id).to_owned()))
            }
            ("GET", ["images", .., "json"]) => Ok(Self::Image(parts.join("/"))),
            ("GET", ["networks"]) => match Filter::parse(query)? {
                Filter::Name(name) => Ok(Self::Network(name)),
                filter => Err(format!("the model does not know networks by {filter}")),
            },
            ("POST", ["volumes", "create"]) => Self::create_volume(body),
            ("GET", ["volumes"]) => Ok(Self::Volumes(Filter::parse(query)?)),
            ("DELETE", ["volumes", name]) => Ok(Self::RemoveVolume((*name).to_owned())),
            _ => Err(format!(
                "the model does not know {method} {parts:?} {query:?}"
            )),
        }
    }

    fn create(body: &[u8], query: &BTreeMap<String, String>) -> Result<Self, String> {
        let body: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
        let labels = body["Labels"]
            .as_object()
            .ok_or("a create without labels")?;
        let labels = labels
            .iter()
            .map(|(key, value)| {
                let value = value.as_str().ok_or("a label that is no text")?;
                Ok((key.clone(), value.to_owned()))
            })
            .collect::<Result<_, String>>()?;
        Ok(Self::Create {
            name: query.get("name").ok_or("a create without a name")?.clone(),
            labels,
            env: body["Env"].to_string(),
            has_check: body["Healthcheck"]["Test"].is_array(),
        })
    }

    fn create_volume(body: &[u8]) -> Result<Self, String> {
        let body: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
        let name = body["Name"].as_str().ok_or("a volume without a name")?;
        let deployment = body["Labels"]["dynamic-access.deployment"].as_str();
        let expected = serde_json::json!({
            "Name": name,
            "Labels": {"dynamic-access.deployment": deployment},
        });
        if body != expected {
            return Err(format!("the model does not know the volume {body}"));
        }
        Ok(Self::CreateVolume {
            name: name.to_owned(),
            deployment: deployment
                .ok_or("a volume without a deployment")?
                .to_owned(),
        })
    }

    /// Reads one file of a tar archive.
    fn archive(id: &str, body: &[u8]) -> Result<Self, String> {
        const WRONG: &str = "an archive that is not of one file";
        let field = |from: usize, length: usize| {
            let field = body.get(from..from + length).ok_or(WRONG)?;
            let text = std::str::from_utf8(field).map_err(|_| WRONG)?;
            Ok::<_, &str>(text.trim_end_matches('\0'))
        };
        let size = usize::from_str_radix(field(124, 12)?, 8).map_err(|_| WRONG)?;
        let end = body.get(512 + size..).ok_or(WRONG)?;
        if field(0, 100)? != "activation-token" || end.iter().any(|byte| *byte != 0) {
            return Err(WRONG.to_owned());
        }
        Ok(Self::Archive {
            id: id.to_owned(),
            content: field(512, size)?.to_owned(),
        })
    }

    /// Whether the request can change anything.
    pub fn is_change(&self) -> bool {
        matches!(
            self,
            Self::Create { .. }
                | Self::Archive { .. }
                | Self::Start(_)
                | Self::Remove { .. }
                | Self::CreateVolume { .. }
                | Self::RemoveVolume(_)
        )
    }

    /// The name of the container that it creates.
    pub fn creates(&self) -> Option<&str> {
        match self {
            Self::Create { name, .. } => Some(name),
            _ => None,
        }
    }

    /// The container that it prepares or starts.
    pub fn readies(&self) -> Option<&str> {
        match self {
            Self::Start(id) | Self::Archive { id, .. } => Some(id),
            _ => None,
        }
    }

    /// The secret that it carries.
    pub fn carries(&self) -> Option<&str> {
        match self {
            Self::Archive { content, .. } => Some(content),
            _ => None,
        }
    }

    /// The container that the path names.
    pub fn target(&self) -> Option<&str> {
        match self {
            Self::Archive { id, .. }
            | Self::Start(id)
            | Self::Remove { id, .. }
            | Self::Inspect(id)
            | Self::Stats(id) => Some(id),
            _ => None,
        }
    }

    /// The name of the volume that it changes.
    pub fn volume(&self) -> Option<&str> {
        match self {
            Self::CreateVolume { name, .. } | Self::RemoveVolume(name) => Some(name),
            _ => None,
        }
    }
}

/// An Engine takes a regular expression; this one is a plain name.
fn plain_name(filter: Filter) -> Result<Filter, String> {
    let Filter::Name(name) = &filter else {
        return Ok(filter);
    };
    let plain = name
        .strip_prefix("^/?")
        .and_then(|rest| rest.strip_suffix('$'));
    let plain = plain.ok_or_else(|| format!("the model does not know the filter {name}"))?;
    Ok(Filter::Name(plain.to_owned()))
}

fn has(query: &BTreeMap<String, String>, key: &str, value: &str) -> bool {
    query.get(key).is_some_and(|found| found == value)
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Create { name, .. } => write!(f, "POST /containers/create?name={name}"),
            Self::Archive { id, .. } => write!(f, "PUT /containers/{}/archive", short(id)),
            Self::Start(id) => write!(f, "POST /containers/{}/start", short(id)),
            Self::Remove { id, force: false } => write!(f, "DELETE /containers/{}", short(id)),
            Self::Remove { id, force: true } => {
                write!(f, "DELETE /containers/{}?force=true", short(id))
            }
            Self::List(filter) => write!(f, "GET /containers/json {filter}"),
            Self::Inspect(id) => write!(f, "GET /containers/{}/json", short(id)),
            Self::Stats(id) => write!(f, "GET /containers/{}/stats", short(id)),
            Self::Image(path) => write!(f, "GET /{path}"),
            Self::Network(name) => write!(f, "GET /networks name={name}"),
            Self::CreateVolume { name, .. } => write!(f, "POST /volumes/create {name}"),
            Self::Volumes(filter) => write!(f, "GET /volumes {filter}"),
            Self::RemoveVolume(name) => write!(f, "DELETE /volumes/{name}"),
        }
    }
}
