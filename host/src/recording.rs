//! Records the requests that the component sends.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use http::Request;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use wasmtime_wasi_http::WasiBody;

use crate::sink::Sink;

/// How much of a body is kept. A create body has a few kilobytes, and its longest part, the patch, is a variable.
const BODY_BYTES_MAX: usize = 1 << 20;

/// A file with one JSON object for each request; clones share it.
#[derive(Clone)]
pub struct Recording(Arc<File>);

impl Recording {
    /// Appends to the file at `path`. A new file is readable only for its owner.
    pub fn append_to(path: &Path) -> Result<Self> {
        let mut options = OpenOptions::new();
        let file = options.create(true).append(true).mode(0o600).open(path);
        let file = file.with_context(|| format!("cannot record to {}", path.display()))?;
        Ok(Self(Arc::new(file)))
    }

    /// The same request, which records itself once its body has been sent, or no longer can be. Records only the names
    /// of headers, because their values can be secrets, and JSON bodies as they are.
    pub fn record(&self, request: Request<WasiBody>, sink: &Sink) -> Request<WasiBody> {
        let (parts, body) = request.into_parts();
        let header = |name| parts.headers.get(name)?.to_str().ok();
        let content_type = header(CONTENT_TYPE);
        let is_json = content_type.is_some_and(|it| it.starts_with("application/json"));
        let target = parts.uri.path_and_query().map(|target| target.as_str());
        let mut entry = Entry {
            recording: self.clone(),
            sink: sink.clone(),
            said: json!({
                "method": parts.method.as_str(),
                "target": target.unwrap_or("/"),
                "headers": parts.headers.keys().map(HeaderName::as_str).collect::<Vec<_>>(),
                "contentType": content_type,
            }),
            announced: header(CONTENT_LENGTH).and_then(|length| length.parse().ok()),
            bytes: 0,
            kept: is_json.then(Vec::new),
        };
        let body = body.map_frame(move |frame| {
            if let Some(data) = frame.data_ref() {
                entry.keep(data);
            }
            frame
        });
        Request::from_parts(parts, body.boxed_unsync())
    }
}

/// A request that is being sent; it is added when its body is dropped.
struct Entry {
    recording: Recording,
    sink: Sink,
    said: Value,
    announced: Option<usize>,
    bytes: usize,
    /// The body so far, if it is JSON and not too long.
    kept: Option<Vec<u8>>,
}

impl Entry {
    fn keep(&mut self, data: &[u8]) {
        self.bytes += data.len();
        self.kept.take_if(|_| self.bytes > BODY_BYTES_MAX);
        if let Some(kept) = &mut self.kept {
            kept.extend_from_slice(data);
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let kept = self.kept.as_deref().map(String::from_utf8_lossy);
        self.said["bytes"] = self.bytes.into();
        // Each request of the component announces its length.
        self.said["isWhole"] = (self.announced == Some(self.bytes)).into();
        self.said["body"] = kept.into();
        // One write for each line: the lines of several hosts then do not mix.
        let line = format!("{}\n", self.said);
        if let Err(error) = (&*self.recording.0).write_all(line.as_bytes()) {
            self.sink.host(&format!("cannot record: {error}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use http_body_util::Full;
    use tokio::runtime::Builder;

    /// The record of a request that is sent, after those that are in the file.
    fn record(path: &Path, request: Request<WasiBody>) -> Value {
        let recording = Recording::append_to(path).unwrap();
        let request = recording.record(request, &Sink::stderr());
        let runtime = Builder::new_current_thread().build().unwrap();
        runtime.block_on(request.into_body().collect()).unwrap();
        let text = std::fs::read_to_string(path).unwrap();
        serde_json::from_str(text.lines().last().unwrap()).unwrap()
    }

    fn request(content_type: &str, length: usize, body: impl Into<Bytes>) -> Request<WasiBody> {
        let body = Full::new(body.into()).map_err(|never| match never {});
        Request::post("http://host:2375/a/b?c=%2F")
            .header("authorization", "a-secret")
            .header("content-type", content_type)
            .header("content-length", length)
            .body(body.boxed_unsync())
            .unwrap()
    }

    #[test]
    fn each_request_is_a_line_with_its_length_and_a_body_that_is_json_and_not_too_long() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("recording");
        let (json, tar) = ("application/json", "application/x-tar");
        let long = BODY_BYTES_MAX + 1;
        for (content_type, announced, body, is_whole, recorded) in [
            (json, 7, br#"{"a":1}"#.to_vec(), true, Some(r#"{"a":1}"#)),
            (json, 3, b"{}".to_vec(), false, Some("{}")),
            (json, long, vec![b'1'; long], true, None),
            (tar, 7, b"a-token".to_vec(), true, None),
            (tar, 0, Vec::new(), true, None),
        ] {
            let bytes = body.len();
            let expected = json!({
                "method": "POST",
                "target": "/a/b?c=%2F",
                "headers": ["authorization", "content-type", "content-length"],
                "contentType": content_type,
                "bytes": bytes,
                "isWhole": is_whole,
                "body": recorded,
            });
            let request = request(content_type, announced, body);
            assert_eq!(record(&path, request), expected);
        }
        let lines = std::fs::read_to_string(&path).unwrap();
        assert_eq!(lines.lines().count(), 5);
    }
}
