//! Records the requests that the component sends.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use http::{Method, Uri};

/// A file with one line, `METHOD path?query`, for each request; clones share it.
#[derive(Clone)]
pub struct Recording(Arc<File>);

impl Recording {
    /// Appends to the file at `path`, which is created if it is missing.
    pub fn append_to(path: &Path) -> Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path);
        let file = file.with_context(|| format!("cannot record to {}", path.display()))?;
        Ok(Self(Arc::new(file)))
    }

    /// Adds a request without its headers and body, which hold secrets.
    pub fn add(&self, method: &Method, uri: &Uri) -> std::io::Result<()> {
        let target = uri.path_and_query().map_or("/", |target| target.as_str());
        // One write for each line, so that the lines of several hosts do not mix.
        (&*self.0).write_all(format!("{method} {target}\n").as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_request_is_a_line_after_those_that_are_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("recording");
        for _ in 0..2 {
            let recording = Recording::append_to(&path).unwrap();
            let uri: Uri = "http://host:2375/a/b?c=%2F".parse().unwrap();
            recording.add(&Method::GET, &uri).unwrap();
        }
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text, "GET /a/b?c=%2F\nGET /a/b?c=%2F\n");
    }

    #[test]
    fn a_file_that_cannot_be_written_is_named() {
        let error = Recording::append_to(Path::new("/no/such/folder"))
            .err()
            .unwrap();
        assert!(error.to_string().contains("/no/such/folder"), "{error}");
    }
}
