//! A folder for the files of one test.

use std::path::{Path, PathBuf};

use super::unique;

/// A folder that goes, with all that it holds, when it is dropped.
pub struct Folder(PathBuf);

impl Folder {
    /// One that no other test uses; its path is short enough for a unix socket
    /// within it.
    pub fn new(prefix: &str) -> Self {
        let path = std::env::temp_dir().join(unique(prefix));
        std::fs::create_dir(&path).expect("a folder that nobody else has");
        Self(path)
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// A file within it, with this content, and its path.
    pub fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, content).expect("a file");
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
