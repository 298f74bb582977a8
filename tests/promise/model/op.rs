//! A request, as its recipient reads it.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::rc::Rc;

use http::{Method, Uri};
use percent_encoding::percent_decode_str;

use super::{engine, swarm};

/// A request as it was sent.
type Whole = (Method, Uri, Vec<u8>);

/// The content of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Op {
    Engine(engine::Op),
    Swarm(swarm::Op),
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
        let uri = request.uri();
        let query = query(uri.query().unwrap_or_default());
        let parts: Vec<&str> = uri.path().trim_start_matches('/').split('/').collect();
        let method = request.method().as_str();
        let of_swarm = ["services", "tasks", "secrets", "nodes"];
        if of_swarm.contains(&parts[0]) {
            swarm::Op::parse(method, &parts, &query, request.body()).map(Self::Swarm)
        } else {
            engine::Op::parse(method, &parts, &query, request.body()).map(Self::Engine)
        }
    }

    /// Whether the request can change anything.
    pub fn is_change(&self) -> bool {
        match self {
            Self::Engine(op) => op.is_change(),
            Self::Swarm(op) => op.is_change(),
        }
    }

    /// The id that the path names.
    pub fn target(&self) -> Option<&str> {
        match self {
            Self::Engine(op) => op.target(),
            Self::Swarm(op) => op.target(),
        }
    }

    /// The name of the target that it creates.
    pub fn creates(&self) -> Option<&str> {
        match self {
            Self::Engine(op) => op.creates(),
            Self::Swarm(op) => op.creates(),
        }
    }

    /// The target in a request that only its creator may make.
    pub fn readies(&self) -> Option<&str> {
        match self {
            Self::Engine(op) => op.readies(),
            // Only the Swarm knows whether an update is a start.
            Self::Swarm(_) => None,
        }
    }

    /// The name of the volume that it changes.
    pub fn volume(&self) -> Option<&str> {
        match self {
            Self::Engine(op) => op.volume(),
            Self::Swarm(_) => None,
        }
    }

    /// The secret that it carries, in the place for one.
    pub fn carries(&self) -> Option<&str> {
        match self {
            Self::Engine(op) => op.carries(),
            Self::Swarm(op) => op.carries(),
        }
    }
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
    pub fn parse(query: &BTreeMap<String, String>) -> Result<Self, String> {
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

    /// Whether it shows an object with this id, name and labels, as on a Swarm.
    pub fn shows(&self, id: &str, name: &str, labels: &BTreeMap<String, String>) -> bool {
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
    pub fn meets(asked: &[(String, String)], labels: &BTreeMap<String, String>) -> bool {
        asked
            .iter()
            .all(|(key, value)| labels.get(key) == Some(value))
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => write!(f, "id={}", short(id)),
            Self::Name(name) => write!(f, "name={name}"),
            Self::Labels(pairs) | Self::Part(pairs, _) => {
                let pairs = pairs.iter().map(|(key, value)| format!("{key}={value}"));
                write!(f, "label={}", pairs.collect::<Vec<_>>().join(","))
            }
        }
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Engine(op) => op.fmt(f),
            Self::Swarm(op) => op.fmt(f),
        }
    }
}

/// The first digits of an id, for people.
pub fn short(id: &str) -> &str {
    id.get(..8).unwrap_or(id)
}
