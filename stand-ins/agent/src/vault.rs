//! Keeps the result of a registration where the real agent keeps its key.

use std::fs;

use serde_json::{Value, json};

/// Where the real agent keeps its key, and where the entrypoint looks for it. The image has made the folder private.
const PLACE: &str = "/etc/bzero/vault.json";

/// The result of a registration.
pub struct Vault {
    /// The service that it was with.
    pub service_url: String,
    /// The service's id for this target, if it gave one.
    pub target_id: Option<String>,
}

impl Vault {
    /// Writes it.
    pub fn write(&self) -> Result<(), String> {
        let vault = json!({
            "agent": "stand-in",
            "serviceUrl": self.service_url,
            "targetId": self.target_id,
        });
        fs::write(PLACE, vault.to_string())
            .map_err(|error| format!("failed to write {PLACE}: {error}"))
    }

    /// Reads it; `None` if there is no registration.
    pub fn read() -> Option<Self> {
        let vault: Value = serde_json::from_slice(&fs::read(PLACE).ok()?).ok()?;
        Some(Self {
            service_url: vault["serviceUrl"].as_str()?.to_owned(),
            target_id: vault["targetId"].as_str().map(str::to_owned),
        })
    }
}
