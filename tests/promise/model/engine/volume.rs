//! What an Engine holds of one volume that nothing mounts.

use std::time::Duration;

use serde_json::{Value, json};

/// A volume.
#[derive(Debug, Clone)]
pub struct Volume {
    pub name: String,
    /// The deployment that it has as a label.
    pub deployment: Option<String>,
    pub created: Duration,
}

impl Volume {
    /// The volume as a list and a create show it.
    pub fn entry(&self) -> Value {
        let deployment = self.deployment.as_ref();
        let labels = deployment.map(|deployment| json!({"dynamic-access.deployment": deployment}));
        json!({"Name": self.name, "Driver": "local", "Labels": labels, "Scope": "local"})
    }

    /// The id and the age that its name has.
    pub fn renewal(&self) -> Option<(&str, Duration)> {
        let (rest, seconds) = self.name.rsplit_once('-')?;
        let (_, id) = rest.rsplit_once('-')?;
        Some((id, Duration::from_secs(seconds.parse().ok()?)))
    }
}
