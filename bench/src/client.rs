//! The client that calls the webhooks and, as the floor, the Engine: hyper's
//! plain client with its connection pool.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client as Pool;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

/// A client; clones share their connections.
#[derive(Clone)]
pub struct Client(Pool<HttpConnector, Full<Bytes>>);

/// A reply.
#[derive(Debug)]
pub struct Reply {
    /// The status.
    pub status: StatusCode,
    /// The whole body.
    pub body: Bytes,
    /// From the first byte of the request to the last of the reply.
    pub took: Duration,
}

/// A request.
#[derive(Debug, Clone)]
pub struct Call {
    /// Its method.
    pub method: Method,
    /// Its path and query.
    pub path: String,
    /// The type of its body.
    pub content_type: Option<String>,
    /// Its credentials.
    pub authorization: Option<String>,
    /// Its body.
    pub body: Bytes,
}

impl Call {
    /// A request without a body.
    pub fn bodiless(method: Method, path: impl Into<String>) -> Self {
        Self {
            method,
            path: path.into(),
            content_type: None,
            authorization: None,
            body: Bytes::new(),
        }
    }

    /// A `POST` of JSON.
    pub fn json(path: impl Into<String>, body: &serde_json::Value) -> Self {
        Self {
            content_type: Some("application/json".to_owned()),
            body: body.to_string().into(),
            ..Self::bodiless(Method::POST, path)
        }
    }
}

impl Client {
    /// A client without connections.
    pub fn new() -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Self(Pool::builder(TokioExecutor::new()).build(connector))
    }

    /// Calls a server, `http://host:port`, and reads the whole reply.
    pub async fn send(&self, server: &str, call: Call) -> Result<Reply> {
        let uri = format!("{server}{}", call.path);
        let what = format!("{} {uri}", call.method);
        let mut request = Request::builder().method(call.method).uri(uri);
        for (name, value) in [
            (header::CONTENT_TYPE, call.content_type),
            (header::AUTHORIZATION, call.authorization),
        ] {
            if let Some(value) = value {
                request = request.header(name, value);
            }
        }
        // An Engine refuses a POST without a length.
        let request = request
            .header(header::CONTENT_LENGTH, call.body.len())
            .body(Full::new(call.body))?;
        let begun = Instant::now();
        let response = self
            .0
            .request(request)
            .await
            .with_context(|| what.clone())?;
        let status = response.status();
        let body = response.into_body().collect().await.context(what)?;
        Ok(Reply {
            status,
            body: body.to_bytes(),
            took: begun.elapsed(),
        })
    }
}

impl Reply {
    /// The reply, if it is a success.
    pub fn success(self, what: &str) -> Result<Self> {
        ensure!(
            self.status.is_success(),
            "{what}: {} {}",
            self.status,
            String::from_utf8_lossy(&self.body)
        );
        Ok(self)
    }

    /// The text of a member of the body.
    pub fn text(&self, member: &str) -> Result<String> {
        let body: serde_json::Value = serde_json::from_slice(&self.body)?;
        let text = body[member].as_str();
        text.map(str::to_owned)
            .with_context(|| format!("no {member} in {body}"))
    }
}
