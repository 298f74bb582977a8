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
use serde_json::Value;

/// A request whose URI is a path and a query.
pub type Call = Request<Bytes>;

/// A client; clones share their connections.
#[derive(Clone)]
pub struct Client(Pool<HttpConnector, Full<Bytes>>);

#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub body: Bytes,
    /// From the first byte of the request to the last of the reply.
    pub took: Duration,
}

/// A request without a body.
pub fn bodiless(method: Method, path: &str) -> Call {
    let call = Request::builder().method(method).uri(path);
    call.body(Bytes::new())
        .expect("the bench and its Engines write no other paths")
}

pub fn get(path: &str) -> Call {
    bodiless(Method::GET, path)
}

pub fn json(path: &str, body: &Value) -> Call {
    let mut call = bodiless(Method::POST, path).map(|_| body.to_string().into());
    let json = header::HeaderValue::from_static("application/json");
    call.headers_mut().insert(header::CONTENT_TYPE, json);
    call
}

impl Client {
    pub fn new() -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Self(Pool::builder(TokioExecutor::new()).build(connector))
    }

    /// Calls a server, `http://host:port`, and reads the whole reply.
    pub async fn send(&self, server: &str, mut call: Call) -> Result<Reply> {
        let uri = format!("{server}{}", call.uri());
        let what = format!("{} {uri}", call.method());
        *call.uri_mut() = uri.parse()?;
        // An Engine refuses a POST without a length.
        let length = call.body().len().into();
        call.headers_mut().insert(header::CONTENT_LENGTH, length);
        let begun = Instant::now();
        let response = self.0.request(call.map(Full::new)).await;
        let response = response.with_context(|| what.clone())?;
        let status = response.status();
        let body = response.into_body().collect().await.context(what)?;
        Ok(Reply {
            status,
            body: body.to_bytes(),
            took: begun.elapsed(),
        })
    }

    /// As [`Client::send`], for a call that must succeed.
    pub async fn call(&self, server: &str, call: Call) -> Result<Reply> {
        let what = format!("{} {}", call.method(), call.uri());
        let reply = self.send(server, call).await?;
        let Reply { status, body, .. } = &reply;
        let body = String::from_utf8_lossy(body);
        ensure!(status.is_success(), "{what}: {status} {body}");
        Ok(reply)
    }
}

impl Reply {
    pub fn json(&self) -> Result<Value> {
        Ok(serde_json::from_slice(&self.body)?)
    }

    /// The text of a member of the body.
    pub fn text(&self, member: &str) -> Result<String> {
        let body = self.json()?;
        let text = body[member].as_str();
        text.map(str::to_owned)
            .with_context(|| format!("no {member} in {body}"))
    }
}
