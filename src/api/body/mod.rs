//! Parses requests for a target. Nothing in them is trusted. A refused body is a
//! `RequestError::BadField`, whose sentence names the member and never shows its value.
//!
//! `labels`, `process` and `secrets` parse the members that have many rules.

mod labels;
mod process;
mod secrets;

use std::time::Duration;

use http::HeaderMap;
use serde::Deserialize;

use crate::config::parse_lifetime;
use crate::container::{Choices, Resources};
use crate::docker::ImageReference;
use crate::environment_id::is_id;
use crate::error::RequestError;
use crate::key::Key;
use crate::members::{Distinct, Members};
use crate::order::StartOrder;
use crate::ownership::is_owner;
use crate::platform::IDEMPOTENCY_KEY;
use crate::secret::Secret;
use crate::webhook::body::is_service_url;

/// The longest body of `POST /v1/targets`: JSON may write each byte of the secrets and
/// the variables, 80 KiB, as six characters. The other members take a few KiB.
pub const BODY_BYTES_MAX: usize = 640 * 1024;

/// The longest body of `POST /v1/targets/{id}/renew`: one short member, and white space.
pub const RENEWAL_BYTES_MAX: usize = 1024;

/// The longest `Idempotency-Key`.
const KEY_CHARS_MAX: usize = 255;

/// The `Idempotency-Key` of a request, unchanged. The draft puts the text in quotes. If
/// the server began to remove quotes, callers that send them would get a second target
/// for each key.
pub fn idempotency_key(headers: &HeaderMap) -> Result<Secret, RequestError> {
    let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(RequestError::BadIdempotencyKey);
    };
    let is_key = (1..=KEY_CHARS_MAX).contains(&value.len())
        && value.as_bytes().iter().all(u8::is_ascii_graphic);
    let text = value.to_str().ok().filter(|_| is_key);
    text.map(Secret::new).ok_or(RequestError::BadIdempotencyKey)
}

/// Parses the body of `POST /v1/targets`.
pub fn parse_start(key: Secret, body: &[u8]) -> Result<StartOrder, RequestError> {
    // Unlike in a webhook, an unknown member is an error: with a misspelt `lifetime`, a
    // target would live longer than its caller believes.
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    struct StartBody {
        environment: String,
        #[serde(default)]
        secrets: Members<Distinct>,
        lifetime: Option<String>,
        service_url: Option<String>,
        #[serde(default)]
        env: Members<String>,
        command: Option<Vec<String>>,
        image: Option<String>,
        resources: Option<Distinct>,
        owner: Option<String>,
        #[serde(default)]
        labels: Members<String>,
    }
    const BODY: RequestError = RequestError::BadField(
        "The request body must be a JSON object with the text environment and, if wanted, the texts lifetime, serviceUrl, image and owner, the list of texts command and the objects secrets, env, resources and labels; each given once, and nothing else.",
    );
    // serde would accept an array with the fields in order.
    if !body.trim_ascii_start().starts_with(b"{") {
        return Err(BODY);
    }
    let body: StartBody = serde_json::from_slice(body).map_err(|_| BODY)?;
    if !is_id(&body.environment) {
        return Err(RequestError::BadField(
            "environment must have 1 to 128 letters, digits and characters of -._~+/=:, and begin with a letter or a digit.",
        ));
    }
    if !body.service_url.as_deref().is_none_or(is_service_url) {
        return Err(RequestError::BadField(
            "serviceUrl must be an http or https URL of at most 2048 visible ASCII characters.",
        ));
    }
    let lifetime = body.lifetime.as_deref().map(lifetime).transpose()?;
    let image = body.image.as_deref().map(ImageReference::parse).transpose();
    let image = image.map_err(|_| {
        RequestError::BadField(
            "image must be a reference such as registry.example.com/team/image:1.2.",
        )
    })?;
    let resources = body
        .resources
        .map(|Distinct(value)| Resources::parse(value));
    let resources = resources.transpose().map_err(|_| {
        RequestError::BadField(
            "resources must be an object with memory, such as 512MiB or 2GiB, from 6MiB to 1024GiB, or cpus, a number from 0.01 to 1024, or both.",
        )
    })?;
    if !body.owner.as_deref().is_none_or(is_owner) {
        return Err(RequestError::BadField(
            "owner must have 1 to 128 characters, none of them a control character.",
        ));
    }
    Ok(StartOrder {
        key: Key::IdempotencyKey(key),
        service_url: body.service_url,
        environment_id: body.environment,
        secrets: secrets::parse(body.secrets)?,
        lifetime,
        env: process::env(body.env)?,
        choices: Choices {
            command: process::command(body.command)?,
            resources: resources.unwrap_or_default(),
        },
        image,
        owner: body.owner,
        labels: labels::parse(body.labels)?,
    })
}

/// Parses the body of `POST /v1/targets/{id}/renew`.
pub fn parse_renewal(body: &[u8]) -> Result<Duration, RequestError> {
    let members = serde_json::from_slice(body).map(|Members::<String>(members)| members);
    match members.as_deref() {
        Ok([(name, text)]) if name == "lifetime" => lifetime(text),
        _ => Err(RequestError::BadField(
            "The request body must be a JSON object with the text lifetime, given once, and nothing else.",
        )),
    }
}

fn lifetime(text: &str) -> Result<Duration, RequestError> {
    parse_lifetime(text).map_err(|_| {
        RequestError::BadField(
            "lifetime must be a duration from 1m to 366d, such as 90m, 12h or 8d.",
        )
    })
}

#[cfg(test)]
mod tests;
