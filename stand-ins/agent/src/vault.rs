//! Keeps the result of a registration where the real agent keeps its key.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use serde_json::{Value, json};

/// Where the real agent keeps its key, and where the entrypoint looks for it.
pub const PLACE: &str = "/etc/bzero/vault.json";

/// The result of a registration.
#[derive(Debug, PartialEq, Eq)]
pub struct Vault {
    /// The service that it was with.
    pub service_url: String,
    /// The service's id for this target, if it gave one.
    pub target_id: Option<String>,
}

impl Vault {
    /// Writes it so that nobody else can read it.
    pub fn write(&self, place: &Path) -> io::Result<()> {
        if let Some(dir) = place.parent() {
            DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
        }
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(place)?;
        let vault = json!({
            "agent": "stand-in",
            "serviceUrl": self.service_url,
            "targetId": self.target_id,
        });
        writeln!(file, "{vault}")
    }

    /// Reads it; `None` if there is no registration.
    pub fn read(place: &Path) -> Option<Self> {
        let vault: Value = serde_json::from_slice(&fs::read(place).ok()?).ok()?;
        Some(Self {
            service_url: vault["serviceUrl"].as_str()?.to_owned(),
            target_id: vault["targetId"].as_str().map(str::to_owned),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_written_vault_is_read_back_and_is_private() {
        let dir = tempfile::tempdir().expect("a new folder");
        let place = dir.path().join("bzero/vault.json");
        assert_eq!(Vault::read(&place), None);
        for target_id in [None, Some("0a-1b".to_owned())] {
            let vault = Vault {
                service_url: "http://10.0.0.1:80".to_owned(),
                target_id,
            };
            vault.write(&place).expect("the folder is writable");
            assert_eq!(Vault::read(&place), Some(vault));
        }
        let mode = fs::metadata(&place)
            .expect("was written")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        fs::write(&place, "").expect("the folder is writable");
        assert_eq!(Vault::read(&place), None, "an empty vault holds no key");
    }
}
