//! Keeps the result of a registration where the real agent keeps its key.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use crate::json::{member, quoted};

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
        let mut members = format!(
            "\"agent\":\"stand-in\",\"serviceUrl\":{}",
            quoted(&self.service_url)
        );
        if let Some(id) = &self.target_id {
            members.push_str(&format!(",\"targetId\":{}", quoted(id)));
        }
        file.write_all(format!("{{{members}}}\n").as_bytes())
    }

    /// Reads it; `None` if there is no registration.
    pub fn read(place: &Path) -> Option<Self> {
        let json = fs::read_to_string(place).ok()?;
        if json.is_empty() {
            return None;
        }
        Some(Self {
            service_url: member(&json, "serviceUrl").unwrap_or_default().to_owned(),
            target_id: member(&json, "targetId").map(str::to_owned),
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
