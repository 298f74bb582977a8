//! Calls the three webhooks of a provisioning server.

use std::fmt;
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
#[derive(Debug)]
pub enum WebhookError {
    /// There is no complete answer, for this reason.
    NoAnswer(String),
    /// The answer is not a 200, or one without the expected content.
    Refused {
        /// Its status.
        status: u16,
        /// Its `ErrorMessage`, which BastionZero shows to the person who connects, or what is wrong with it.
        message: String,
    },
}

impl fmt::Display for WebhookError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoAnswer(reason) => write!(f, "there is no answer: {reason}"),
            Self::Refused { status, message } => {
                write!(f, "the answer is {status}, \"{message}\"")
            }
        }
    }
}

impl std::error::Error for WebhookError {}

impl WebhookError {
    fn no_answer(reason: impl fmt::Display) -> Self {
        Self::NoAnswer(reason.to_string())
    }

    fn refused(status: u16, message: &str) -> Self {
        let message = message.to_owned();
        Self::Refused { status, message }
    }
}

impl Webhooks {
    /// The webhooks `/start`, `/stop` and `/health` at `address`, called with `secret`.
    pub fn new(address: SocketAddr, secret: impl Into<String>) -> Self {
        Self {
            address,
            secret: secret.into(),
            client: client(),
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
            _ => Err(WebhookError::refused(200, "it has no uniqueId")),
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
        let authorization = ("authorization", format!("Basic {}", self.secret));
        let answer = match body {
            None => self
                .client
                .get(url)
                .header(authorization.0, authorization.1)
                .call(),
            Some(body) => {
                let call = self
                    .client
                    .post(url)
                    .header(authorization.0, authorization.1);
                call.content_type("application/json").send(body.to_string())
            }
        };
        let mut answer = answer.map_err(WebhookError::no_answer)?;
        let body = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX);
        let body = body.read_to_vec().map_err(WebhookError::no_answer)?;
        read(answer.status().as_u16(), &body)
    }
}

/// A client that follows no redirect and uses no proxy, since it carries the secret.
fn client() -> Agent {
    Agent::config_builder()
        .timeout_global(Some(TIMEOUT))
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(None)
        .build()
        .new_agent()
}

fn read(status: u16, body: &[u8]) -> Result<Value, WebhookError> {
    let answer: Option<Value> = serde_json::from_slice(body).ok();
    match (status, answer) {
        (200, Some(answer)) => Ok(answer),
        (200, None) => Err(WebhookError::refused(200, "it is not JSON")),
        (status, answer) => {
            let answer = answer.unwrap_or_default();
            let message = answer["ErrorMessage"].as_str().unwrap_or_default();
            Err(WebhookError::refused(status, message))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::net::TcpListener;
    use std::thread;

    use dev::message::Connection;

    use super::*;

    /// A server that gives one answer.
    fn server(answer: &'static str) -> Webhooks {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let webhooks = Webhooks::new(listener.local_addr().unwrap(), "c2VjcmV0");
        thread::spawn(move || {
            let mut connection = Connection::new(listener.accept().unwrap().0);
            connection.message().unwrap();
            let answer = format!("HTTP/1.1 {answer}");
            connection.stream.write_all(answer.as_bytes()).unwrap();
        });
        webhooks
    }

    #[test]
    fn a_refusal_has_the_message_for_the_person() {
        let webhooks = server("503 Service Unavailable\r\n\r\n{\"ErrorMessage\":\"Later.\"}");
        let error = webhooks.health().unwrap_err();
        assert_eq!(error.to_string(), "the answer is 503, \"Later.\"");
    }

    #[test]
    fn a_200_that_lacks_its_content_is_no_success() {
        for answer in ["200 OK\r\n\r\n{}", "200 OK\r\n\r\n<html>"] {
            let webhooks = server(answer);
            let error = webhooks.start("", "").unwrap_err();
            assert!(
                matches!(error, WebhookError::Refused { status: 200, .. }),
                "{error}"
            );
        }
    }

    #[test]
    fn a_server_that_is_not_there_gives_no_answer() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let webhooks = Webhooks::new(listener.local_addr().unwrap(), "s");
        drop(listener);
        let error = webhooks.stop("0a1b").unwrap_err();
        assert!(matches!(error, WebhookError::NoAnswer(_)), "{error}");
    }
}
