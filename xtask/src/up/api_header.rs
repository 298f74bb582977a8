//! The secret of `/v1`, and the file with the header that shows it.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::machine::workspace;
use crate::up::ready::first_secret;
use crate::up::secret;

/// The file that the commands in the documentation name, in the checkout.
const FILE: &str = "api-header";

/// The header of requests to `/v1`; dropping it removes its file.
pub struct ApiHeader {
    /// The value of `api_secret`.
    pub secret: String,
    file: PathBuf,
}

impl ApiHeader {
    /// Takes the secret from the environment, or makes one, and writes the header.
    pub fn write() -> Result<Self> {
        let secret = secret("SPIN_VARIABLE_API_SECRET")?;
        let file = workspace::root().join(FILE);
        // Removed first, because only a new file gets the mode that keeps others out.
        let _ = fs::remove_file(&file);
        let opened = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&file);
        let mut opened = opened.with_context(|| file.display().to_string())?;
        write!(opened, "Authorization: Bearer {}", first_secret(&secret))?;
        Ok(Self { secret, file })
    }
}

impl Drop for ApiHeader {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.file);
    }
}
