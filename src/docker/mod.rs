//! The Docker Engine API as values: requests are made, replies are read.
//!
//! This module neither sends anything nor decides what to do next. Every request has a
//! `Content-Length`, because ContainerStart answers 400 to a chunked `POST`.
//!
//! Each endpoint has a file, which makes a [`call::Call`]: the request and the reader of
//! its reply. [`target`] is a target as lists show it, on either backend.

pub mod archive;
pub mod call;
pub mod create;
mod engine_url;
pub mod image;
mod image_reference;
pub mod inspect;
pub mod label;
pub mod list;
mod names;
pub mod network;
pub mod part;
pub mod ports;
pub mod pull;
pub mod remove;
mod reply;
pub mod start;
pub mod stats;
pub mod stop;
pub mod swarm;
pub mod target;
pub mod volume;

pub use engine_url::EngineUrl;
pub use image_reference::ImageReference;
pub use names::{ContainerName, DeploymentId, TargetId, short_hex};
pub use reply::{NOT_THE_ENGINES_WORDS, Reply, is_denial, is_full};

use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, Method, Request};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::{Deserialize, Deserializer, Error};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::platform::HttpRequest;
use crate::secret::Secret;

/// A request without a body.
fn bodiless(method: Method, path_and_query: &str) -> HttpRequest {
    request(method, path_and_query, Vec::new())
}

/// A request with a JSON body.
fn json(method: Method, path_and_query: &str, body: &serde_json::Value) -> HttpRequest {
    let mut request = request(method, path_and_query, body.to_string().into_bytes());
    request
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    request
}

fn request(method: Method, path_and_query: &str, body: Vec<u8>) -> HttpRequest {
    Request::builder()
        .method(method)
        .uri(path_and_query)
        .header(CONTENT_LENGTH, body.len())
        .body(body)
        .expect("paths are made of parsed names and percent-encoded queries")
}

/// A request with the credentials for an image's registry, if there are any.
fn with_registry_auth(mut request: HttpRequest, auth: Option<&Secret>) -> HttpRequest {
    let auth = auth.and_then(|auth| HeaderValue::from_str(auth.expose()).ok());
    if let Some(mut auth) = auth {
        auth.set_sensitive(true);
        let name = HeaderName::from_static("x-registry-auth");
        request.headers_mut().insert(name, auth);
    }
    request
}

/// Everything except RFC 3986's unreserved characters.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Percent-encodes `text` for use in a query or as one segment of a path.
fn query_encoded(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// Whether a message has one of these words in any case; `words` are in lower case.
fn says(message: &str, words: &[&str]) -> bool {
    let message = message.to_ascii_lowercase();
    words.iter().any(|words| message.contains(words))
}

/// Reads a time in a body; `None` if it is none.
fn moment(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text, &Rfc3339).ok()
}

/// Reads a time in seconds of Unix time.
fn unix_seconds(text: &str) -> Option<i64> {
    moment(text).map(OffsetDateTime::unix_timestamp)
}

/// Reads a member that is such a time.
fn unix_time<'de, D: Deserializer<'de>>(time: D) -> Result<i64, D::Error> {
    parsed(time, unix_seconds)
}

/// Reads a member that is a text of some form.
fn parsed<'de, D: Deserializer<'de>, T>(
    member: D,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<T, D::Error> {
    let text = String::deserialize(member)?;
    parse(&text).ok_or_else(|| D::Error::custom("a text of another form"))
}

#[cfg(test)]
mod tests;
