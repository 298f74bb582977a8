//! A folder for the files of one test.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// A folder that is removed with all it holds when it is dropped.
pub struct Folder(TempDir);

impl Folder {
    /// A new folder; its path is short enough for a unix socket within it.
    pub fn new(prefix: &str) -> Self {
        Self(TempDir::with_prefix(prefix).expect("a new folder"))
    }

    /// The same, in another folder than that for temporary files.
    pub fn within(folder: &Path, prefix: &str) -> Self {
        Self(TempDir::with_prefix_in(prefix, folder).expect("a new folder"))
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// A file within it, with this content, and its path.
    pub fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.path().join(name);
        std::fs::write(&path, content).expect("a file");
        path
    }
}
