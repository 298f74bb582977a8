//! Records the requests that the component sends.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as Task, Poll};

use anyhow::{Context, Result};
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName};
use http::{Request, request};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use wasmtime_wasi_http::{Error, WasiBody};

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
        let entry = Entry {
            recording: self.clone(),
            sink: sink.clone(),
            said: head(&parts),
            is_json: is_json(&parts),
            announced: announced(&parts),
            kept: Vec::new(),
            bytes: 0,
            is_added: false,
        };
        Request::from_parts(parts, Recorded { body, entry }.boxed_unsync())
    }

    /// Adds one request.
    fn add(&self, said: &Value) -> std::io::Result<()> {
        // One write for each line, so that the lines of several hosts do not mix.
        (&*self.0).write_all(format!("{said}\n").as_bytes())
    }
}

fn head(parts: &request::Parts) -> Value {
    let target = parts
        .uri
        .path_and_query()
        .map_or("/", |target| target.as_str());
    let content_type = parts.headers.get(CONTENT_TYPE);
    json!({
        "method": parts.method.as_str(),
        "target": target,
        "headers": parts.headers.keys().map(HeaderName::as_str).collect::<Vec<_>>(),
        "contentType": content_type.and_then(|value| value.to_str().ok()),
    })
}

fn is_json(parts: &request::Parts) -> bool {
    let content_type = parts.headers.get(CONTENT_TYPE);
    content_type.is_some_and(|value| value.as_bytes().starts_with(b"application/json"))
}

/// The length that the head announces.
fn announced(parts: &request::Parts) -> Option<usize> {
    let length = parts.headers.get(CONTENT_LENGTH)?;
    length.to_str().ok()?.parse().ok()
}

/// A request that is being sent.
struct Entry {
    recording: Recording,
    sink: Sink,
    said: Value,
    is_json: bool,
    announced: Option<usize>,
    /// The body so far, if it is JSON and not too long.
    kept: Vec<u8>,
    bytes: usize,
    is_added: bool,
}

impl Entry {
    fn keep(&mut self, data: &[u8]) {
        self.bytes += data.len();
        if self.is_json && self.bytes <= BODY_BYTES_MAX {
            self.kept.extend_from_slice(data);
        }
    }

    /// Adds the request, once; `is_over` says whether its body has ended. The client does not wait for the end of a body
    /// that is as long as its head has announced.
    fn add(&mut self, is_over: bool) {
        if self.is_added {
            return;
        }
        self.is_added = true;
        let is_whole = is_over || self.announced == Some(self.bytes);
        let is_kept = self.is_json && self.kept.len() == self.bytes;
        let body = is_kept.then(|| String::from_utf8_lossy(&self.kept).into_owned());
        self.said["bytes"] = self.bytes.into();
        self.said["isWhole"] = is_whole.into();
        self.said["body"] = body.into();
        if let Err(error) = self.recording.add(&self.said) {
            self.sink.host(&format!("--record-requests: {error}"));
        }
    }
}

/// The body of a request, which is recorded as it passes.
struct Recorded {
    body: WasiBody,
    entry: Entry,
}

impl Body for Recorded {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        task: &mut Task<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(task);
        if let Poll::Ready(Some(Ok(frame))) = &polled
            && let Some(data) = frame.data_ref()
        {
            self.entry.keep(data);
        }
        if matches!(polled, Poll::Ready(None)) {
            self.entry.add(true);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Recorded {
    fn drop(&mut self) {
        let is_over = self.body.is_end_stream();
        self.entry.add(is_over);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::Full;
    use tokio::runtime::Builder;

    /// The records of requests, each of which is sent to its end or given up.
    fn recorded(requests: Vec<(Request<WasiBody>, bool)>) -> Vec<Value> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("recording");
        for (request, is_sent) in requests {
            let recording = Recording::append_to(&path).unwrap();
            let request = recording.record(request, &Sink::stderr());
            if is_sent {
                let runtime = Builder::new_current_thread().build().unwrap();
                runtime.block_on(request.into_body().collect()).unwrap();
            }
        }
        let text = std::fs::read_to_string(&path).unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    fn request(content_type: &str, body: impl Into<Bytes>) -> Request<WasiBody> {
        let body = Full::new(body.into()).map_err(|never| match never {});
        Request::post("http://host:2375/a/b?c=%2F")
            .header("authorization", "a-secret")
            .header("content-type", content_type)
            .body(body.boxed_unsync())
            .unwrap()
    }

    #[test]
    fn each_request_is_a_line_after_those_that_are_there() {
        let json = || (request("application/json", r#"{"a":1}"#), true);
        let lines = recorded(vec![json(), json()]);
        let expected = json!({
            "method": "POST",
            "target": "/a/b?c=%2F",
            "headers": ["authorization", "content-type"],
            "contentType": "application/json",
            "bytes": 7,
            "isWhole": true,
            "body": r#"{"a":1}"#,
        });
        assert_eq!(lines, [expected.clone(), expected]);
    }

    #[test]
    fn a_body_that_is_not_json_or_is_too_long_is_counted_alone() {
        let tar = request("application/x-tar", "a-token");
        let long = request("application/json", vec![b'1'; BODY_BYTES_MAX + 1]);
        let empty = request("application/x-tar", "");
        let lines = recorded(vec![(tar, true), (long, true), (empty, true)]);
        for (line, bytes) in lines.iter().zip([7, BODY_BYTES_MAX + 1, 0]) {
            assert_eq!(
                (&line["body"], &line["bytes"]),
                (&Value::Null, &bytes.into())
            );
        }
    }

    /// A body whose end is not known yet.
    struct Endless(Option<Bytes>);

    impl Body for Endless {
        type Data = Bytes;
        type Error = Error;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Task<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
            match self.0.take() {
                Some(data) => Poll::Ready(Some(Ok(Frame::data(data)))),
                None => Poll::Pending,
            }
        }
    }

    #[test]
    fn a_body_is_whole_at_the_length_that_was_announced() {
        for (announced, is_whole) in [("2", true), ("3", false)] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("recording");
            let mut request = request("application/json", "");
            *request.body_mut() = Endless(Some("{}".into())).boxed_unsync();
            let length = announced.parse().unwrap();
            request.headers_mut().insert("content-length", length);
            let recording = Recording::append_to(&path).unwrap();
            let mut request = recording.record(request, &Sink::stderr());
            let runtime = Builder::new_current_thread().build().unwrap();
            runtime.block_on(request.body_mut().frame());
            drop(request);
            let text = std::fs::read_to_string(&path).unwrap();
            let line: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(
                (&line["isWhole"], &line["body"]),
                (&is_whole.into(), &"{}".into())
            );
        }
    }

    #[test]
    fn a_request_that_is_given_up_is_not_whole() {
        let lines = recorded(vec![(request("application/json", "{}"), false)]);
        assert_eq!(lines[0]["isWhole"], false, "{lines:?}");
    }

    #[test]
    fn a_file_that_cannot_be_written_is_named() {
        let error = Recording::append_to(Path::new("/no/such/folder"))
            .err()
            .unwrap();
        assert!(error.to_string().contains("/no/such/folder"), "{error}");
    }
}
