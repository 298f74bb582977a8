//! Calls the three webhooks of a provisioning server.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};
use ureq::Agent;

use crate::uuid;

/// How long BastionZero's agents wait for an answer; for its webhooks this is not documented.
const TIMEOUT: Duration = Duration::from_secs(30);

/// An answer has a few hundred bytes.
const ANSWER_BYTES_MAX: u64 = 64 * 1024;

/// A Dynamic Access Configuration: the address of the server, and the shared secret.
#[derive(Clone)]
pub struct Webhooks {
    address: SocketAddr,
    secret: String,
    client: Agent,
}

/// Why a webhook failed.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// There is no complete answer, for this reason.
    #[error("there is no answer: {0}")]
    NoAnswer(#[from] ureq::Error),
    /// The answer is not a 200, or one without the expected content.
    #[error("the answer is {status}, \"{message}\"")]
    Refused {
        /// Its status.
        status: u16,
        /// Its `ErrorMessage`, which BastionZero shows to the person who connects, or what is wrong with it.
        message: String,
    },
}

impl Webhooks {
    /// The webhooks `/start`, `/stop` and `/health` at `address`, called with `secret`. Their client follows no redirect
    /// and uses no proxy, since it carries the secret.
    pub fn new(address: SocketAddr, secret: impl Into<String>) -> Self {
        let client = Agent::config_builder()
            .timeout_global(Some(TIMEOUT))
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None);
        Self {
            address,
            secret: secret.into(),
            client: client.build().new_agent(),
        }
    }

    /// Asks whether the server can start targets.
    pub fn health(&self) -> Result<(), WebhookError> {
        self.call("/health", None).map(drop)
    }

    /// Starts a target whose agent registers at `service_url` with this token. Returns its unique id.
    pub fn start(&self, service_url: &str, activation_token: &str) -> Result<String, WebhookError> {
        let body = json!({
            "serviceUrl": service_url,
            "activationToken": activation_token,
            "environmentId": uuid(),
        });
        let answer = self.call("/start", Some(body))?;
        match answer["uniqueId"].as_str() {
            Some(id) if !id.is_empty() => Ok(id.to_owned()),
            _ => Err(refused(200, "it has no uniqueId")),
        }
    }

    /// Stops a target. After an error, it may still be there.
    pub fn stop(&self, unique_id: &str) -> Result<(), WebhookError> {
        self.call("/stop", Some(json!({"uniqueId": unique_id})))
            .map(drop)
    }

    /// Sends a GET, or a POST if there is a body.
    fn call(&self, path: &str, body: Option<Value>) -> Result<Value, WebhookError> {
        let url = format!("http://{}{path}", self.address);
        let (name, secret) = ("authorization", format!("Basic {}", self.secret));
        let mut answer = match body {
            None => self.client.get(url).header(name, secret).call()?,
            Some(body) => {
                let call = self.client.post(url).header(name, secret);
                call.content_type("application/json")
                    .send(body.to_string())?
            }
        };
        let body = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX);
        let body: Option<Value> = serde_json::from_slice(&body.read_to_vec()?).ok();
        match (answer.status().as_u16(), body) {
            (200, Some(body)) => Ok(body),
            (200, None) => Err(refused(200, "it is not JSON")),
            (status, body) => {
                let body = body.unwrap_or_default();
                let message = body["ErrorMessage"].as_str().unwrap_or_default();
                Err(refused(status, message))
            }
        }
    }
}

fn refused(status: u16, message: &str) -> WebhookError {
    let message = message.to_owned();
    WebhookError::Refused { status, message }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::net::TcpListener;
    use std::thread;

    use dev::message::Connection;

    use super::*;

    /// The outcome of a start whose server gives this answer, or closes the connection.
    fn start(answer: &'static str) -> WebhookError {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let webhooks = Webhooks::new(listener.local_addr().unwrap(), "c2VjcmV0");
        thread::spawn(move || {
            let mut connection = Connection::new(listener.accept().unwrap().0);
            connection.message().unwrap();
            connection.stream.write_all(answer.as_bytes()).unwrap();
        });
        webhooks.start("", "").unwrap_err()
    }

    #[test]
    fn whatever_is_no_200_with_an_id_is_an_error_with_its_reason() {
        for (answer, told) in [
            (
                "HTTP/1.1 503 Service Unavailable\r\n\r\n{\"ErrorMessage\":\"Later.\"}",
                "the answer is 503, \"Later.\"",
            ),
            (
                "HTTP/1.1 200 OK\r\n\r\n{}",
                "the answer is 200, \"it has no",
            ),
            (
                "HTTP/1.1 200 OK\r\n\r\n<html>",
                "the answer is 200, \"it is not",
            ),
            ("", "there is no answer"),
        ] {
            let error = start(answer).to_string();
            assert!(error.starts_with(told), "{error}");
        }
    }
}
