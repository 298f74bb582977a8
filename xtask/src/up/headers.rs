//! The files with the headers of requests, which the commands in the documentation name.

use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};
use dynamic_access_admin::doctor::first_secret;
use tempfile::{NamedTempFile, TempPath};

/// Writes a header with the first of these secrets into a file; dropping the path removes it.
pub fn write(path: &Path, scheme: &str, secrets: &str) -> Result<TempPath> {
    let folder = path.parent().context("a file is in a folder")?;
    // Only this user can read it.
    let mut file = NamedTempFile::new_in(folder)?;
    write!(file, "Authorization: {scheme} {}", first_secret(secrets))?;
    file.persist(path)
        .map_err(|failed| failed.error)
        .with_context(|| path.display().to_string())?;
    Ok(TempPath::try_from_path(path)?)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_header_is_for_its_owner_alone_and_goes_with_the_run() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("api-header");
        let written = write(&path, "Bearer", "new old").expect("a file");
        let mode = fs::metadata(&path).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let text = fs::read_to_string(&path).expect("a file");
        assert_eq!(text, "Authorization: Bearer new");
        drop(written);
        assert!(!path.exists());
    }
}
