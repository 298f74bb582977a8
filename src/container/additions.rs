//! Environment variables, labels and volumes. Those of patches are added to the
//! server's own and cannot replace them.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::forms::is_plain;
use super::mounts::{hides_token, is_mount_point};
use super::variables;
use crate::docker::archive::SECRETS_DIR;
use crate::docker::label;

/// The values of a single target.
#[derive(Debug)]
pub struct PerTarget<'a> {
    /// The target's own name.
    pub name: &'a str,
    /// How long it may take to end by itself before its removal. A Swarm reads this from
    /// the body; an Engine gets a stop call.
    pub stop_grace: Duration,
    /// The image.
    pub image: &'a str,
    /// Environment variables as `NAME=value`.
    pub env: &'a [String],
    /// Labels and their values.
    pub labels: &'a [(&'a str, &'a str)],
    /// The anonymous volume for its secrets.
    pub volume: SecretsVolume,
}

/// The anonymous volume of a target's secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretsVolume {
    /// It has none.
    Absent,
    /// One with the owner and the mode of the image's folder at that path; without such a
    /// folder it is root's, and everyone may enter it.
    LikeImage,
    /// One that is root's, and everyone may enter it. Podman makes no difference between
    /// the two.
    Enterable,
}

/// The additions of patches.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Additions {
    env: Vec<String>,
    labels: Map<String, Value>,
    volumes: Map<String, Value>,
}

impl Additions {
    /// Moves the additions out of a patch.
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
            let is_reserved = key.trim().to_ascii_lowercase().starts_with(label::PREFIX);
            // Podman separates a label from its value by an equals sign.
            if is_reserved || key.contains('=') || !value.is_string() {
                problems.push(format!(
                    "Labels.{key} must be text, have no equals sign in its name, and must not begin with {}, which is reserved for the server",
                    label::PREFIX
                ));
            } else {
                self.labels.insert(key, value);
            }
        }
        for (path, value) in object(patch, "Volumes", problems) {
            if hides_token(&path) || !is_mount_point(&path) || value != json!({}) {
                problems.push(format!(
                    "Volumes.{path} must be an absolute path with the value {{}}, other than / and outside /proc, /sys and {SECRETS_DIR}, which holds the target's token"
                ));
            } else {
                self.volumes.insert(path, value);
            }
        }
    }

    fn take_variable(&mut self, entry: &Value, problems: &mut Vec<String>) {
        let entry = entry.as_str().unwrap_or_default();
        // A name without `=` would remove the variable.
        match entry.split_once('=') {
            Some((name, _)) if variables::is_servers(name) => {
                problems.push(format!("Env sets {name}, which is reserved for the server"));
            }
            // Podman trims names, so a name with a space could be a reserved one. A
            // runtime in C takes a NUL for the end.
            Some((name, value)) if is_plain(name, "_.-") && !value.contains('\0') => {
                self.env.push(entry.to_owned());
            }
            _ => problems.push(
                "Env has an entry that is not NAME=value, or whose name has characters other than letters, digits and _.-, or whose value has a NUL".to_owned(),
            ),
        }
    }

    /// Adds these additions, and the values of one target, to a body.
    pub fn add_to(&self, body: &mut Value, target: &PerTarget<'_>) {
        let env: Vec<&String> = target.env.iter().chain(&self.env).collect();
        body["Env"] = json!(env);
        let mut labels = self.labels.clone();
        for (key, value) in target.labels {
            labels.insert((*key).to_owned(), (*value).into());
        }
        body["Labels"] = Value::Object(labels);
        let mut volumes = self.volumes.clone();
        match target.volume {
            SecretsVolume::Absent => {}
            SecretsVolume::LikeImage => {
                volumes.insert(SECRETS_DIR.to_owned(), json!({}));
            }
            SecretsVolume::Enterable => {
                let mounts = &mut body["HostConfig"]["Mounts"];
                let mut all = mounts.as_array().cloned().unwrap_or_default();
                all.push(json!({
                    "Type": "volume",
                    "Target": SECRETS_DIR,
                    "VolumeOptions": {"NoCopy": true},
                }));
                *mounts = all.into();
            }
        }
        body["Volumes"] = Value::Object(volumes);
    }

    /// Whether a patch sets this variable.
    pub fn set_variable(&self, name: &str) -> bool {
        let mut set = self.env.iter().filter_map(|entry| entry.split_once('='));
        set.any(|(known, _)| known == name)
    }
}

/// Moves a member that must be an object out of a patch.
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
