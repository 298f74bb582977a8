//! A request, as its recipient reads it.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::io::Read as _;
use std::rc::Rc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::{Method, Uri};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::Labels;
use super::swarm::Spec;

/// The folder of a token's file.
const TOKEN_DIR: &str = "/run/dynamic-access";

/// A request as it was sent.
type Whole = (Method, Uri, Vec<u8>);

/// A request to an Engine, or to a Swarm's manager.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Op {
    pub request: Request,
    /// Whether it can change anything.
    pub is_change: bool,
    /// The id of a container, service or secret in its path.
    pub target: Option<String>,
    /// Its method and its path, for people.
    text: String,
}

/// The content of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// `POST /containers/create`
    Create {
        name: String,
        labels: Labels,
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
    Image,
    /// `GET /networks`, by a name
    Network(String),
    /// `POST /volumes/create`
    CreateVolume { name: String, deployment: String },
    /// `GET /volumes`
    Volumes(Filter),
    /// `DELETE /volumes/{name}`
    RemoveVolume(String),
    /// `POST /services/create`
    CreateService(Rc<Spec>),
    /// `POST /services/{id}/update`
    UpdateService {
        id: String,
        version: u64,
        spec: Rc<Spec>,
    },
    /// `DELETE /services/{id}`
    DeleteService(String),
    /// `GET /services/{id}`
    InspectService(String),
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

impl Op {
    /// Reads a request, or returns what the model does not know about it.
    ///
    /// Mostly, another schedule has read it before.
    pub fn read(request: &http::Request<Vec<u8>>) -> Result<Rc<Self>, String> {
        thread_local! {
            static READ: RefCell<HashMap<Whole, Rc<Op>>> = RefCell::default();
        }
        if request.body().is_empty() {
            says_it_is_empty(request)?;
        }
        let body = request.body().clone();
        let whole = (request.method().clone(), request.uri().clone(), body);
        if let Some(op) = READ.with_borrow(|read| read.get(&whole).cloned()) {
            return Ok(op);
        }
        let op = Rc::new(Self::parse(request)?);
        READ.with_borrow_mut(|read| read.insert(whole, Rc::clone(&op)));
        Ok(op)
    }

    fn parse(request: &http::Request<Vec<u8>>) -> Result<Self, String> {
        let (method, uri) = (request.method(), request.uri());
        let parts: Vec<&str> = uri.path().trim_start_matches('/').split('/').collect();
        let target = match parts[..] {
            [_, "create" | "json", ..] => None,
            ["containers" | "services" | "secrets", id, ..] => Some(id.to_owned()),
            _ => None,
        };
        let query = query(uri.query().unwrap_or_default());
        let words = query.iter().map(|(key, value)| format!(" {key}={value}"));
        let path = match &target {
            Some(id) => uri.path().replace(id, short(id)),
            None => uri.path().to_owned(),
        };
        Ok(Self {
            request: Request::parse(method.as_str(), &parts, &query, request.body())?,
            is_change: method != Method::GET,
            text: format!("{method} {path}{}", words.collect::<String>()),
            target,
        })
    }

    /// The name of the target that it creates.
    pub fn creates(&self) -> Option<&str> {
        match &self.request {
            Request::Create { name, .. } => Some(name),
            Request::CreateService(spec) => Some(&spec.name),
            _ => None,
        }
    }

    /// The container that it prepares or starts. Only a Swarm knows whether an update is
    /// a start.
    pub fn readies(&self) -> Option<&str> {
        match &self.request {
            Request::Start(id) | Request::Archive { id, .. } => Some(id),
            _ => None,
        }
    }

    /// The name of the volume that it changes.
    pub fn volume(&self) -> Option<&str> {
        match &self.request {
            Request::CreateVolume { name, .. } | Request::RemoveVolume(name) => Some(name),
            _ => None,
        }
    }

    /// The secret that it carries, in the place for one.
    pub fn carries(&self) -> Option<&str> {
        match &self.request {
            Request::Archive { content, .. } | Request::CreateSecret { content, .. } => {
                Some(content)
            }
            _ => None,
        }
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)?;
        if let Request::UpdateService { spec, .. } = &self.request {
            write!(f, " Replicas {}", spec.replicas)?;
            let is_set = |label: &&str| spec.labels.get(&format!("dynamic-access.{label}"));
            for label in ["vouched", "fenced"]
                .iter()
                .filter(|one| is_set(one).is_some())
            {
                write!(f, " {label}")?;
            }
        }
        Ok(())
    }
}

impl Request {
    fn parse(
        method: &str,
        parts: &[&str],
        query: &BTreeMap<String, String>,
        body: &[u8],
    ) -> Result<Self, String> {
        let has = |key, value| query.get(key).is_some_and(|found: &String| found == value);
        let filter = || Filter::parse(query);
        let json = || serde_json::from_slice::<Value>(body).map_err(|error| error.to_string());
        let id = parts.get(1).copied().unwrap_or_default().to_owned();
        Ok(match (method, parts) {
            ("POST", ["containers", "create"]) => Self::Create {
                name: query.get("name").ok_or("a create without a name")?.clone(),
                labels: labels(&json()?)?,
                has_check: json()?["Healthcheck"]["Test"].is_array(),
            },
            ("POST", ["containers", _, "start"]) if query.is_empty() => Self::Start(id),
            ("PUT", ["containers", _, "archive"]) if has("path", TOKEN_DIR) => {
                let content = file_in(body).ok_or("an archive that is not of one token")?;
                Self::Archive { id, content }
            }
            ("DELETE", ["containers", _]) if has("v", "true") => {
                let force = has("force", "true");
                Self::Remove { id, force }
            }
            ("GET", ["containers", "json"]) if has("all", "true") => {
                Self::List(filter()?.plain_name()?)
            }
            ("GET", ["containers", _, "json"]) => Self::Inspect(id),
            ("GET", ["containers", _, "stats"]) if has("one-shot", "true") => Self::Stats(id),
            ("GET", ["images", .., "json"]) => Self::Image,
            ("GET", ["networks"]) => match filter()? {
                Filter::Name(name) => Self::Network(name),
                filter => return Err(format!("the model does not know networks by {filter:?}")),
            },
            ("POST", ["volumes", "create"]) => Self::create_volume(&json()?)?,
            ("GET", ["volumes"]) => Self::Volumes(filter()?),
            ("DELETE", ["volumes", _]) => Self::RemoveVolume(id),
            ("POST", ["services", "create"]) => Self::CreateService(Spec::read(body)?),
            ("POST", ["services", _, "update"]) => {
                let version = query.get("version").and_then(|text| text.parse().ok());
                let version = version.ok_or("an update without a version")?;
                let spec = Spec::read(body)?;
                Self::UpdateService { id, version, spec }
            }
            ("DELETE", ["services", _]) => Self::DeleteService(id),
            ("GET", ["services", _]) => Self::InspectService(id),
            ("GET", ["services"]) => Self::Services(filter()?),
            ("GET", ["tasks"]) => Self::Tasks(filter()?),
            ("POST", ["secrets", "create"]) => Self::create_secret(&json()?)?,
            ("DELETE", ["secrets", _]) => Self::DeleteSecret(id),
            ("GET", ["secrets"]) => Self::Secrets(filter()?),
            ("GET", ["nodes"]) => Self::Nodes,
            _ => {
                let request = format!("{method} {parts:?} {query:?}");
                return Err(format!("the model does not know {request}"));
            }
        })
    }

    fn create_volume(body: &Value) -> Result<Self, String> {
        let name = text(body, "Name")?;
        let deployment = labels(body)?.remove("dynamic-access.deployment");
        let deployment = deployment.ok_or("a volume without a deployment")?;
        let labels = json!({"dynamic-access.deployment": deployment});
        if *body != json!({"Name": name, "Labels": labels}) {
            return Err(format!("the model does not know the volume {body}"));
        }
        Ok(Self::CreateVolume { name, deployment })
    }

    fn create_secret(body: &Value) -> Result<Self, String> {
        let data = BASE64_STANDARD.decode(text(body, "Data")?);
        let data = data.map_err(|error| error.to_string())?;
        Ok(Self::CreateSecret {
            name: text(body, "Name")?,
            labels: labels(body)?,
            content: String::from_utf8(data).map_err(|error| error.to_string())?,
        })
    }
}

/// The token in a tar archive, which must be its one file.
fn file_in(archive: &[u8]) -> Option<String> {
    let mut archive = tar::Archive::new(archive);
    let mut entries = archive.entries().ok()?;
    let mut file = entries.next()?.ok()?;
    let mut content = String::new();
    file.read_to_string(&mut content).ok()?;
    let is_token = file.path_bytes().as_ref() == b"activation-token";
    (is_token && entries.next().is_none()).then_some(content)
}

/// The text of a member.
pub fn text(value: &Value, member: &str) -> Result<String, String> {
    let text = value[member].as_str().map(str::to_owned);
    text.ok_or_else(|| format!("no {member} in {value}"))
}

/// The labels of an object, which has some.
pub fn labels(value: &Value) -> Result<Labels, String> {
    let labels = value["Labels"].clone();
    serde_json::from_value(labels).map_err(|error| format!("labels: {error}"))
}

/// An Engine refuses a start without `Content-Length: 0`, and some proxies refuse such a
/// removal.
fn says_it_is_empty(request: &http::Request<Vec<u8>>) -> Result<(), String> {
    let length = request.headers().get(http::header::CONTENT_LENGTH);
    match length.map(http::HeaderValue::as_bytes) {
        Some(b"0") => Ok(()),
        _ => Err(format!("{} does not say that it is empty", request.uri())),
    }
}

fn query(text: &str) -> BTreeMap<String, String> {
    let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
    let decoded = |value| percent_decode_str(value).decode_utf8_lossy().into_owned();
    pairs
        .map(|(key, value)| (key.to_owned(), decoded(value)))
        .collect()
}

/// The filter of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filter {
    Id(String),
    Name(String),
    /// Those with all of these labels.
    Labels(Vec<(String, String)>),
    /// The same, with a name that begins like this.
    Part(Vec<(String, String)>, String),
}

impl Filter {
    fn parse(query: &BTreeMap<String, String>) -> Result<Self, String> {
        let text = query.get("filters").ok_or("a list without filters")?;
        let filters: BTreeMap<String, Vec<String>> =
            serde_json::from_str(text).map_err(|error| format!("{text}: {error}"))?;
        let unknown = || format!("the model does not know the filter {text}");
        let pairs = |values: &[String]| {
            let pair = |text: &String| {
                let pair = text.split_once('=');
                pair.map(|(key, value)| (key.to_owned(), value.to_owned()))
            };
            let pairs = values.iter().map(pair).collect::<Option<Vec<_>>>();
            pairs.ok_or_else(unknown)
        };
        let filters = filters.iter();
        let filters = filters.map(|(key, values)| (key.as_str(), values.as_slice()));
        match &filters.collect::<Vec<_>>()[..] {
            [("id", [value])] => Ok(Self::Id(value.clone())),
            [("name", [value])] => Ok(Self::Name(value.clone())),
            [("label", values)] => pairs(values).map(Self::Labels),
            [("label", values), ("name", [name])] => Ok(Self::Part(pairs(values)?, name.clone())),
            _ => Err(unknown()),
        }
    }

    /// An Engine takes a regular expression; this one is a plain name.
    fn plain_name(self) -> Result<Self, String> {
        let Self::Name(name) = &self else {
            return Ok(self);
        };
        let plain = name.strip_prefix("^/?");
        let plain = plain.and_then(|rest| rest.strip_suffix('$'));
        let plain = plain.ok_or_else(|| format!("the model does not know the filter {name}"))?;
        Ok(Self::Name(plain.to_owned()))
    }

    /// Whether it shows an object with this id, name and labels, as on a Swarm.
    pub fn shows(&self, id: &str, name: &str, labels: &Labels) -> bool {
        match self {
            Self::Id(prefix) => id.starts_with(prefix.as_str()),
            Self::Name(prefix) => name.starts_with(prefix.as_str()),
            Self::Labels(asked) => Self::meets(asked, labels),
            Self::Part(asked, prefix) => {
                name.starts_with(prefix.as_str()) && Self::meets(asked, labels)
            }
        }
    }

    /// Whether these labels have all of the asked ones.
    fn meets(asked: &[(String, String)], labels: &Labels) -> bool {
        asked
            .iter()
            .all(|(key, value)| labels.get(key) == Some(value))
    }
}

/// The first digits of an id, for people.
pub fn short(id: &str) -> &str {
    id.get(..8).unwrap_or(id)
}
