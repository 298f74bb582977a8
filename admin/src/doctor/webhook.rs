//! Calls a server's webhooks, as BastionZero does.

use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::Value;
use ureq::Agent;
use ureq::tls::{RootCerts, TlsConfig};

use super::answers::Answer;

/// The server answers a webhook within 25 seconds; the platform may have to start an instance first.
const ANSWER_BOUND: Duration = Duration::from_secs(30);

/// Far longer than any answer of this server.
const ANSWER_BYTES_MAX: u64 = 64 * 1024;

/// Sends a GET, or a POST if there is a body. Follows no redirect, which could lead the secret elsewhere.
pub fn ask(url: &str, secret: Option<&str>, body: Option<&Value>) -> Result<Answer> {
    let mut config = Agent::config_builder()
        .timeout_global(Some(ANSWER_BOUND))
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .tls_config(
            TlsConfig::builder()
                .root_certs(RootCerts::PlatformVerifier)
                .build(),
        );
    if is_plain(url) {
        // A proxy could read everything, and would be used even for this machine.
        config = config.proxy(None);
    }
    let begun = Instant::now();
    let agent = config.build().new_agent();
    let mut request = http::Request::builder()
        .method(if body.is_some() { "POST" } else { "GET" })
        .uri(url)
        .header("content-type", "application/json");
    if let Some(secret) = secret {
        request = request.header("authorization", format!("Basic {secret}"));
    }
    let mut answer = match body {
        Some(body) => agent.run(request.body(body.to_string())?)?,
        None => agent.run(request.body(())?)?,
    };
    let body = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX);
    Ok(Answer {
        body: body.read_to_string()?,
        status: answer.status().as_u16(),
        took: begun.elapsed(),
        log: None,
    })
}

/// Whether others can read a request on its way there.
pub fn is_plain(url: &str) -> bool {
    !url.starts_with("https://")
}
