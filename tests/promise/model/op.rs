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

pub const CREATE: &str = "POST /containers/create?name";
pub const ARCHIVE: &str = "PUT /containers/*/archive?path=/run/dynamic-access";
pub const START: &str = "POST /containers/*/start";
pub const REMOVE: &str = "DELETE /containers/*?v=true";
pub const REMOVE_BY_FORCE: &str = "DELETE /containers/*?force=true&v=true";
pub const LIST: &str = "GET /containers/json?all=true&filters";
pub const CREATE_SERVICE: &str = "POST /services/create";
pub const UPDATE_SERVICE: &str = "POST /services/*/update?version";
pub const CREATE_SECRET: &str = "POST /secrets/create";
pub const CREATE_VOLUME: &str = "POST /volumes/create";

/// A request to an Engine, or to a Swarm's manager.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Op {
    /// Its method, path and query, with a `*` in place of an id or a name, and without
    /// the values that differ from call to call.
    pub route: String,
    /// The id or the name in its path.
    pub id: String,
    /// Whether it can change anything.
    pub is_change: bool,
    /// The name and the labels of an object that it makes.
    pub name: String,
    pub labels: Labels,
    /// Whether a container that it makes has a health check.
    pub has_check: bool,
    /// The secret that it carries, in the place for one.
    pub content: Option<String>,
    pub filter: Option<Filter>,
    /// The version of a service that it changes.
    pub version: Option<u64>,
    pub spec: Option<Rc<Spec>>,
    /// Its method and its path, for people.
    text: String,
}

impl Op {
    /// Reads a request. Mostly, another schedule has read it before.
    ///
    /// # Panics
    ///
    /// If the model does not know all of it.
    pub fn read(request: &http::Request<Vec<u8>>) -> Rc<Self> {
        /// A request as it was sent.
        type Whole = (Method, Uri, Vec<u8>);
        thread_local! {
            static READ: RefCell<HashMap<Whole, Rc<Op>>> = RefCell::default();
        }
        let body = request.body().clone();
        let whole = (request.method().clone(), request.uri().clone(), body);
        READ.with_borrow_mut(|read| {
            let op = read.entry(whole);
            Rc::clone(op.or_insert_with(|| Rc::new(Self::parse(request))))
        })
    }

    fn parse(request: &http::Request<Vec<u8>>) -> Self {
        let (method, uri) = (request.method(), request.uri());
        let parts: Vec<&str> = uri.path().trim_start_matches('/').split('/').collect();
        let (path, id) = match parts[..] {
            ["images", .., "json"] => ("/images/*/json".to_owned(), ""),
            [kind, word @ ("create" | "json")] => (format!("/{kind}/{word}"), ""),
            [kind, id] => (format!("/{kind}/*"), id),
            [kind, id, word] => (format!("/{kind}/*/{word}"), id),
            _ => (uri.path().to_owned(), ""),
        };
        let query = query(uri.query().unwrap_or_default());
        let differs = |key: &str| ["name", "filters", "version"].contains(&key);
        let marks = query.iter().map(|(key, value)| match differs(key) {
            true => key.clone(),
            false => format!("{key}={value}"),
        });
        let mark = if query.is_empty() { "" } else { "?" };
        let route = format!(
            "{method} {path}{mark}{}",
            marks.collect::<Vec<_>>().join("&")
        );
        let words = query.iter().map(|(key, value)| format!(" {key}={value}"));
        let words: String = words.collect();
        let is_plain = request.body().is_empty() || route == ARCHIVE;
        let body = match is_plain {
            true => Value::Null,
            false => serde_json::from_slice(request.body()).expect("JSON"),
        };
        let name = query.get("name").map(String::as_str);
        let name = name.or(body["Name"].as_str()).unwrap_or_default();
        let is_spec = [CREATE_SERVICE, UPDATE_SERVICE].contains(&&*route);
        let op = Self {
            id: id.to_owned(),
            is_change: method != Method::GET,
            name: name.to_owned(),
            labels: labels(&body),
            has_check: body["Healthcheck"]["Test"].is_array(),
            content: match &*route {
                ARCHIVE => Some(file_in(request.body())),
                CREATE_SECRET => Some(decoded(&body["Data"])),
                _ => None,
            },
            filter: query.get("filters").map(|text| Filter::parse(&route, text)),
            version: query.get("version").and_then(|text| text.parse().ok()),
            spec: is_spec.then(|| Spec::read(&body)),
            text: format!("{method} {}{words}", uri.path().replace(id, short(id))),
            route,
        };
        if op.route == CREATE_VOLUME {
            assert_eq!(body, json!({"Name": op.name, "Labels": op.labels}));
            assert_eq!(op.labels.len(), 1, "{body}");
        }
        op
    }

    /// The id of a container, service or secret in its path.
    pub fn target(&self) -> Option<&str> {
        let is_of_target = !self.id.is_empty() && self.volume().is_none();
        is_of_target.then_some(&self.id)
    }

    /// The name of the target that it creates.
    pub fn creates(&self) -> Option<&str> {
        let is_create = [CREATE, CREATE_SERVICE].contains(&&*self.route);
        is_create.then_some(&self.name)
    }

    /// The container that it prepares or starts. Only a Swarm knows whether an update is
    /// a start.
    pub fn readies(&self) -> Option<&str> {
        [START, ARCHIVE].contains(&&*self.route).then_some(&self.id)
    }

    /// The name of the volume that it changes.
    pub fn volume(&self) -> Option<&str> {
        match &*self.route {
            CREATE_VOLUME => Some(&self.name),
            "DELETE /volumes/*" => Some(&self.id),
            _ => None,
        }
    }

    /// The objects of a list that it asks for.
    pub fn filter(&self) -> &Filter {
        self.filter.as_ref().expect("a list has filters")
    }

    /// The service that it asks for.
    pub fn spec(&self) -> &Rc<Spec> {
        self.spec.as_ref().expect("a service has a specification")
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)?;
        if let (UPDATE_SERVICE, Some(spec)) = (&*self.route, &self.spec) {
            write!(f, " Replicas {}", spec.replicas)?;
            let is_set =
                |label: &&str| spec.labels.contains_key(&format!("dynamic-access.{label}"));
            for label in ["vouched", "fenced"].iter().filter(|label| is_set(label)) {
                write!(f, " {label}")?;
            }
        }
        Ok(())
    }
}

/// The token in a tar archive, which must be its one file.
fn file_in(archive: &[u8]) -> String {
    let mut archive = tar::Archive::new(archive);
    let mut entries = archive.entries().expect("an archive");
    let mut file = entries.next().expect("a file").expect("a file");
    let mut content = String::new();
    file.read_to_string(&mut content).expect("a token");
    assert_eq!(&*file.path_bytes(), b"activation-token");
    assert!(entries.next().is_none());
    content
}

fn decoded(data: &Value) -> String {
    let data = BASE64_STANDARD.decode(data.as_str().expect("a text"));
    String::from_utf8(data.expect("base64")).expect("text")
}

/// The labels of an object, if it has some.
pub fn labels(object: &Value) -> Labels {
    let labels = object["Labels"].as_object().into_iter().flatten();
    let text = |value: &Value| value.as_str().expect("the text of a label").to_owned();
    labels
        .map(|(key, value)| (key.clone(), text(value)))
        .collect()
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
    /// Those with all of these labels, and a name that begins like this.
    Labels(Labels, String),
}

impl Filter {
    fn parse(route: &str, text: &str) -> Self {
        let filters: BTreeMap<String, Vec<String>> = serde_json::from_str(text).expect("filters");
        let filters = filters.iter();
        let filters: Vec<_> = filters.map(|(key, all)| (key.as_str(), &all[..])).collect();
        let labels = |pairs: &[String]| {
            let pairs = pairs.iter().filter_map(|pair| pair.split_once('='));
            pairs
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .collect()
        };
        match filters[..] {
            [("id", [value])] => Self::Id(value.clone()),
            // An Engine takes a regular expression; this one is a plain name.
            [("name", [value])] if route == LIST => {
                let plain = value
                    .strip_prefix("^/?")
                    .and_then(|rest| rest.strip_suffix('$'));
                Self::Name(plain.expect("a whole name").to_owned())
            }
            [("name", [value])] => Self::Name(value.clone()),
            [("label", pairs)] => Self::Labels(labels(pairs), String::new()),
            [("label", pairs), ("name", [name])] => Self::Labels(labels(pairs), name.clone()),
            _ => panic!("the model does not know the filter {text}"),
        }
    }

    /// Whether it shows an object with this id, name and labels, as on a Swarm.
    pub fn shows(&self, id: &str, name: &str, labels: &Labels) -> bool {
        match self {
            Self::Id(prefix) => id.starts_with(prefix.as_str()),
            Self::Name(prefix) => name.starts_with(prefix.as_str()),
            Self::Labels(asked, prefix) => {
                let has = |(key, value)| labels.get(key) == Some(value);
                name.starts_with(prefix.as_str()) && asked.iter().all(has)
            }
        }
    }
}

/// The first digits of an id, for people.
pub fn short(id: &str) -> &str {
    id.get(..8).unwrap_or(id)
}
