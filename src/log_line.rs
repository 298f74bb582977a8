//! The log line of one request, as JSON.
//!
//! It holds no secret: only this server's own names, numbers, and the
//! [`Display`](std::fmt::Display) of an [`Error`], from which secrets are
//! redacted.

use std::time::Duration;

use serde::Serialize;

use crate::error::Error;
use crate::secret::Secret;

/// How many calls a line lists. A webhook makes about four calls, and not many
/// more when it waits for another request's start.
const CALLS_MAX: usize = 32;

/// How many notes a line holds. A reap can have hundreds; its answer lists them
/// all.
const NOTES_MAX: usize = 32;

/// How much of one text a line holds. The Engine quotes names and paths in its
/// messages, and sometimes a whole command line.
const TEXT_CHARS_MAX: usize = 400;

/// One call to the Engine, as the log shows it.
#[derive(Debug, Clone, Copy)]
pub struct CallNote {
    /// What the call did, in one word.
    pub name: &'static str,
    /// The status of the reply, if there was a reply.
    pub status: Option<u16>,
    /// The time from the request's first byte to the reply's last byte.
    pub took: Duration,
}

/// The calls to the Engine for one request, in order.
#[derive(Debug, Default)]
pub struct Calls(Vec<CallNote>);

impl Calls {
    /// Adds a call that has ended.
    pub fn push(&mut self, call: CallNote) {
        self.0.push(call);
    }
}

/// What the log says about one request to this server.
#[derive(Debug)]
pub struct LogLine<'a> {
    /// The request's id, which an error's answer carries too.
    pub request_id: &'a str,
    /// The webhook's path; `-` for an unknown path, `tail` for the work after an
    /// answer.
    pub route: &'static str,
    /// The status of the answer; none for the work after an answer.
    pub status: Option<u16>,
    /// The time from the request's arrival to the answer.
    pub took: Duration,
    /// The short id of the request's container.
    pub container: Option<&'a str>,
    /// The calls to the Engine.
    pub calls: &'a Calls,
    /// Other things that the operator should know: what the Engine left out of a
    /// container's configuration, unsafe variables, and what was reaped.
    pub notes: &'a [String],
    /// Why the request failed.
    pub error: Option<&'a Error>,
    /// Texts to redact, because a peer may have echoed them.
    pub secrets: &'a [Secret],
}

impl LogLine<'_> {
    /// The line as JSON, without a line break.
    pub fn to_json(&self) -> String {
        let calls = self.calls.0.iter().take(CALLS_MAX);
        let notes = self.notes.iter().take(NOTES_MAX);
        let fields = Fields {
            request: self.request_id,
            route: self.route,
            status: self.status,
            ms: milliseconds(self.took),
            container: self.container,
            calls: calls.map(ToString::to_string).collect(),
            calls_omitted: self.calls.0.len().saturating_sub(CALLS_MAX),
            notes: notes.map(|text| self.redacted(text)).collect(),
            notes_omitted: self.notes.len().saturating_sub(NOTES_MAX),
            error: self.error.map(|error| self.redacted(&error.to_string())),
        };
        serde_json::to_string(&fields).expect("text and numbers can always be written as JSON")
    }

    /// A peer's message without the secrets that it may echo.
    fn redacted(&self, text: &str) -> String {
        let mut text = text.to_owned();
        // An empty text would be found everywhere.
        let secrets = self.secrets.iter();
        for secret in secrets.filter(|secret| !secret.expose().is_empty()) {
            text = text.replace(secret.expose(), "[redacted]");
        }
        // Shortened last, because half a secret would not be found.
        text.chars().take(TEXT_CHARS_MAX).collect()
    }
}

impl std::fmt::Display for CallNote {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ms = milliseconds(self.took);
        match self.status {
            Some(status) => write!(f, "{} {status} {ms}ms", self.name),
            None => write!(f, "{} failed {ms}ms", self.name),
        }
    }
}

/// The members of the JSON object, in order.
#[derive(Serialize)]
struct Fields<'a> {
    request: &'a str,
    route: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    container: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    calls: Vec<String>,
    #[serde(skip_serializing_if = "is_zero")]
    calls_omitted: usize,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<String>,
    #[serde(skip_serializing_if = "is_zero")]
    notes_omitted: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

// serde calls this with a reference.
fn is_zero(count: &usize) -> bool {
    *count == 0
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Fault;

    fn line(calls: &Calls, error: Option<&Error>, notes: &[String]) -> serde_json::Value {
        let line = LogLine {
            request_id: "id",
            route: "/start",
            status: Some(200),
            took: Duration::from_millis(251),
            container: Some("0123456789ab"),
            calls,
            notes,
            error,
            secrets: &[Secret::new("sown"), Secret::new("planted")],
        };
        serde_json::from_str(&line.to_json()).expect("json")
    }

    #[test]
    fn a_line_is_json_and_leaves_out_what_is_absent() {
        let mut calls = Calls::default();
        for (name, status) in [("create", Some(201)), ("start", None)] {
            let took = Duration::from_millis(9);
            calls.push(CallNote { name, status, took });
        }
        let expected = serde_json::json!({
            "request": "id",
            "route": "/start",
            "status": 200,
            "ms": 251,
            "container": "0123456789ab",
            "calls": ["create 201 9ms", "start failed 9ms"],
        });
        assert_eq!(line(&calls, None, &[]), expected);
    }

    #[test]
    fn a_long_wait_does_not_make_a_long_line() {
        let mut calls = Calls::default();
        for _ in 0..40 {
            calls.push(CallNote {
                name: "list",
                status: Some(200),
                took: Duration::ZERO,
            });
        }
        let line = line(&calls, None, &[]);
        assert_eq!(line["calls"].as_array().map(Vec::len), Some(32));
        assert_eq!(line["calls_omitted"], 8);
    }

    #[test]
    fn long_messages_of_a_peer_do_not_make_a_long_line() {
        let notes = vec!["x".repeat(5000); 40];
        let line = line(&Calls::default(), None, &notes);
        assert_eq!(line["notes"].as_array().map(Vec::len), Some(32));
        assert_eq!(line["notes"][0].as_str().map(str::len), Some(400));
        assert_eq!(line["notes_omitted"], 8);
    }

    #[test]
    fn a_secret_at_the_length_limit_is_redacted_whole() {
        let text = format!("{}planted", "x".repeat(396));
        let line = line(&Calls::default(), None, &[text]);
        assert!(!line.to_string().contains("plan"), "{line}");
    }

    #[test]
    fn a_peers_echo_of_a_secret_is_redacted() {
        let error = Error::EngineFailed(Fault::Nonsense("a planted\nsown word".to_owned()));
        let line = line(&Calls::default(), Some(&error), &["planted".to_owned()]);
        let expected = "not an Engine's answer: a [redacted]\n[redacted] word; check that docker_url points to a Docker Engine, and that it is https if the Engine speaks TLS";
        assert_eq!(line["error"], expected);
        assert_eq!(line["notes"][0], "[redacted]");
    }
}
