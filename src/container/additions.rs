//! Environment, labels and volumes: a patch's are added to the server's own,
//! and cannot take their places.

use serde_json::{Map, Value, json};

use crate::docker::archive::TOKEN_DIR;
use crate::docker::label;

/// What is particular to one target.
#[derive(Debug)]
pub struct PerTarget<'a> {
    /// The image.
    pub image: &'a str,
    /// Variables as `NAME=value`.
    pub env: &'a [String],
    /// Labels and their values.
    pub labels: &'a [(&'a str, &'a str)],
    /// The path of an anonymous volume.
    pub volume: Option<&'a str>,
}

/// The variables that the server sets, or that would turn the agent into
/// something else.
const OWN_VARIABLES: [&str; 5] = [
    "SERVICE_URL",
    "ACTIVATION_TOKEN",
    "ACTIVATION_TOKEN_FILE",
    "ENVIRONMENT_ID",
    "BASTIONZERO_IN_CLUSTER",
];

/// What patches have of their own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Additions {
    env: Vec<String>,
    labels: Map<String, Value>,
    volumes: Map<String, Value>,
}

impl Additions {
    /// Takes a patch's additions out of it.
    pub fn take_from(&mut self, patch: &mut Map<String, Value>, problems: &mut Vec<String>) {
        match patch.remove("Env") {
            None => {}
            Some(Value::Array(entries)) => {
                for entry in entries {
                    self.take_variable(&entry, problems);
                }
            }
            Some(_) => problems.push("Env is not an array".to_owned()),
        }
        for (key, value) in object(patch, "Labels", problems) {
            if key.to_ascii_lowercase().starts_with(label::PREFIX) || !value.is_string() {
                problems.push(format!(
                    "Labels.{key} is the server's own, or not text; labels that begin with {} are its own",
                    label::PREFIX
                ));
            } else {
                self.labels.insert(key, value);
            }
        }
        for (path, value) in object(patch, "Volumes", problems) {
            if hides_token(&path) || value != json!({}) {
                problems.push(format!(
                    "Volumes.{path} is not a path with {{}}, or is in {TOKEN_DIR}, where a target's token is"
                ));
            } else {
                self.volumes.insert(path, value);
            }
        }
    }

    fn take_variable(&mut self, entry: &Value, problems: &mut Vec<String>) {
        let entry = entry.as_str().unwrap_or_default();
        // Without a value it would take the variable away.
        match entry.split_once('=') {
            Some((name, _)) if OWN_VARIABLES.contains(&name) => {
                problems.push(format!("Env sets {name}, which is the server's own"));
            }
            Some((name, _)) if !name.is_empty() => self.env.push(entry.to_owned()),
            _ => problems.push("Env has an entry that is not NAME=value".to_owned()),
        }
    }

    /// Puts them into a body, with what is particular to one target.
    pub fn add_to(&self, body: &mut Value, own: &PerTarget<'_>) {
        let env: Vec<&String> = own.env.iter().chain(&self.env).collect();
        body["Env"] = json!(env);
        let mut labels = self.labels.clone();
        for (key, value) in own.labels {
            labels.insert((*key).to_owned(), (*value).into());
        }
        body["Labels"] = Value::Object(labels);
        let mut volumes = self.volumes.clone();
        if let Some(path) = own.volume {
            volumes.insert(path.to_owned(), json!({}));
        }
        body["Volumes"] = Value::Object(volumes);
    }
}

fn object(
    patch: &mut Map<String, Value>,
    key: &str,
    problems: &mut Vec<String>,
) -> Map<String, Value> {
    match patch.remove(key) {
        None => Map::new(),
        Some(Value::Object(members)) => members,
        Some(_) => {
            problems.push(format!("{key} is not an object"));
            Map::new()
        }
    }
}

/// Whether something mounted at a path of the container would hide the token's
/// file; a path that cannot be told is taken for one that would.
///
/// Podman pastes paths into options of its own, in which a colon or a comma
/// begins another, such as a folder of the host.
pub fn hides_token(path: &str) -> bool {
    let mut parts: Vec<_> = path
        .split('/')
        .filter(|part| !matches!(*part, "" | "."))
        .collect();
    // A link to `/run` in every image of today.
    if parts.starts_with(&["var", "run"]) {
        parts.remove(0);
    }
    let token_dir: Vec<_> = TOKEN_DIR.split('/').skip(1).collect();
    !path.starts_with('/')
        || path.contains([':', ','])
        || parts.contains(&"..")
        || parts.starts_with(&token_dir)
}
