//! What a request asks of an Engine.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::rc::Rc;

use http::{Method, Uri};
use percent_encoding::percent_decode_str;
use serde_json::Value;

/// Where a token's file goes.
const TOKEN_DIR: &str = "/run/dynamic-access";

/// A request, read as an Engine reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Op {
    /// `POST /containers/create`
    Create {
        name: String,
        labels: BTreeMap<String, String>,
        env: String,
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
    /// `GET /images/{reference}/json`
    Image(String),
    /// `GET /networks/{name}`
    Network(String),
}

/// Which containers a list is to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filter {
    Id(String),
    Name(String),
    Label(String, String),
}

impl Op {
    /// Reads a request, or says what the model does not know about it.
    ///
    /// One without a body has mostly been read before, in another schedule.
    pub fn read(request: &http::Request<Vec<u8>>) -> Result<Rc<Self>, String> {
        thread_local! {
            static READ: RefCell<HashMap<(Method, Uri), Rc<Op>>> = RefCell::default();
        }
        if !request.body().is_empty() {
            return Self::parse(request).map(Rc::new);
        }
        says_it_is_empty(request)?;
        let head = (request.method().clone(), request.uri().clone());
        if let Some(op) = READ.with_borrow(|read| read.get(&head).cloned()) {
            return Ok(op);
        }
        let op = Rc::new(Self::parse(request)?);
        READ.with_borrow_mut(|read| read.insert(head, Rc::clone(&op)));
        Ok(op)
    }

    fn parse(request: &http::Request<Vec<u8>>) -> Result<Self, String> {
        let path = request.uri().path();
        let query = query(request.uri().query().unwrap_or_default());
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        match (request.method().as_str(), parts.as_slice()) {
            ("POST", ["containers", "create"]) => Self::create(request.body(), &query),
            ("POST", ["containers", id, "start"]) if query.is_empty() => {
                Ok(Self::Start((*id).to_owned()))
            }
            ("PUT", ["containers", id, "archive"]) if has(&query, "path", TOKEN_DIR) => {
                Self::archive(id, request.body())
            }
            ("DELETE", ["containers", id]) if has(&query, "v", "true") => Ok(Self::Remove {
                id: (*id).to_owned(),
                force: has(&query, "force", "true"),
            }),
            ("GET", ["containers", "json"]) if has(&query, "all", "true") => {
                let filters = query.get("filters").ok_or("a list without filters")?;
                Ok(Self::List(Filter::parse(filters)?))
            }
            ("GET", ["containers", id, "json"]) => Ok(Self::Inspect((*id).to_owned())),
            ("GET", ["images", .., "json"]) => Ok(Self::Image(path.to_owned())),
            ("GET", ["networks", name]) => Ok(Self::Network((*name).to_owned())),
            (method, _) => Err(format!("the model does not know {method} {path} {query:?}")),
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
        })
    }

    /// One file, which is read as the tar archives of the standard are.
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
            Self::Create { .. } | Self::Archive { .. } | Self::Start(_) | Self::Remove { .. }
        )
    }

    /// The container that the path names.
    pub fn target(&self) -> Option<&str> {
        match self {
            Self::Archive { id, .. }
            | Self::Start(id)
            | Self::Remove { id, .. }
            | Self::Inspect(id) => Some(id),
            Self::Create { .. } | Self::List(_) | Self::Image(_) | Self::Network(_) => None,
        }
    }
}

impl Filter {
    fn parse(text: &str) -> Result<Self, String> {
        let filters: BTreeMap<String, Vec<String>> =
            serde_json::from_str(text).map_err(|error| format!("{text}: {error}"))?;
        let unknown = || format!("the model does not know the filter {text}");
        let mut filters = filters.iter();
        let (Some((key, values)), None) = (filters.next(), filters.next()) else {
            return Err(unknown());
        };
        let [value] = values.as_slice() else {
            return Err(unknown());
        };
        match key.as_str() {
            "id" => Ok(Self::Id(value.clone())),
            // An Engine takes a regular expression; this one is a plain name.
            "name" => value
                .strip_prefix("^/?")
                .and_then(|rest| rest.strip_suffix('$'))
                .map(|name| Self::Name(name.to_owned()))
                .ok_or_else(unknown),
            "label" => value
                .split_once('=')
                .map(|(key, value)| Self::Label(key.to_owned(), value.to_owned()))
                .ok_or_else(unknown),
            _ => Err(unknown()),
        }
    }
}

/// An Engine refuses a start whose length is not said to be nothing, and some
/// proxies a removal.
fn says_it_is_empty(request: &http::Request<Vec<u8>>) -> Result<(), String> {
    let length = request.headers().get(http::header::CONTENT_LENGTH);
    match length.map(http::HeaderValue::as_bytes) {
        Some(b"0") => Ok(()),
        _ => Err(format!("{} does not say that it is empty", request.uri())),
    }
}

fn has(query: &BTreeMap<String, String>, key: &str, value: &str) -> bool {
    query.get(key).is_some_and(|found| found == value)
}

fn query(text: &str) -> BTreeMap<String, String> {
    let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
    let decoded = |value| percent_decode_str(value).decode_utf8_lossy().into_owned();
    pairs
        .map(|(key, value)| (key.to_owned(), decoded(value)))
        .collect()
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
            Self::List(Filter::Id(id)) => write!(f, "GET /containers/json id={}", short(id)),
            Self::List(Filter::Name(name)) => write!(f, "GET /containers/json name={name}"),
            Self::List(Filter::Label(key, value)) => {
                write!(f, "GET /containers/json label={key}={value}")
            }
            Self::Inspect(id) => write!(f, "GET /containers/{}/json", short(id)),
            Self::Image(path) => write!(f, "GET {path}"),
            Self::Network(name) => write!(f, "GET /networks/{name}"),
        }
    }
}

/// The first digits of an id, as people read it.
pub fn short(id: &str) -> &str {
    id.get(..8).unwrap_or(id)
}
