//! What a server's answers to BastionZero's webhooks say about it.

use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};

use super::{Finding, NO_ENVIRONMENT, State, how_to_remove};

/// An answer of the server, or of something in its place.
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its body.
    pub body: String,
    /// How long it took.
    pub took: Duration,
    /// The server's log line about the request, if it can be read here.
    pub log: Option<Value>,
}

impl Answer {
    /// The sentence in an error of this server, and the reason or where to find it.
    pub(super) fn failure(&self) -> Option<(String, String)> {
        let body: Value = serde_json::from_str(&self.body).ok()?;
        let id = body["instance"].as_str()?.strip_prefix("urn:uuid:")?;
        let reason = match &self.log {
            Some(line) => line["error"].as_str()?.to_owned(),
            None => format!("the server's log has the reason, in the line with {id}"),
        };
        Some((body["ErrorMessage"].as_str()?.to_owned(), reason))
    }

    fn is_done(&self) -> bool {
        self.status == 200 && self.body.trim() == "{}"
    }

    /// The finding of an error of the server, or of something in its place.
    pub(super) fn unexpected(&self, with: &str) -> Finding {
        let status = self.status;
        let (words, reason) = self.failure().unwrap_or_else(|| {
            (
                "(not an answer of this server)".to_owned(),
                "the URL points to another server, or to a gateway that does not reach this one"
                    .to_owned(),
            )
        });
        State::Wrong.finding(format!("{with}: {status} {words}"), reason)
    }
}

/// The finding of a health check.
#[must_use]
pub fn health(answer: &Answer) -> Finding {
    match answer.is_done() {
        true => Finding::fine(format!(
            "healthy, after {} ms: the next start can work",
            answer.took.as_millis()
        )),
        false => answer.unexpected("the health check"),
    }
}

/// An order for a target, in this environment or with the defaults.
#[must_use]
pub fn order(service_url: &str, token: &str, environment: Option<&str>) -> Value {
    json!({
        "serviceUrl": service_url,
        "activationToken": token,
        "environmentId": environment.unwrap_or(NO_ENVIRONMENT),
    })
}

/// What an order asks for, in words.
#[must_use]
pub fn target_of(order: &Value) -> String {
    match order["environmentId"].as_str() {
        Some(NO_ENVIRONMENT) | None => "a target".to_owned(),
        Some(environment) => format!("a target in the environment {environment}"),
    }
}

/// The findings of a start, and of the stop after it.
pub fn start_and_stop(
    order: &Value,
    answer: &Answer,
    stop: impl FnOnce(&Value) -> Result<Answer>,
) -> Vec<Finding> {
    let target = target_of(order);
    match started(answer, &target) {
        Ok(id) => {
            let took = answer.took.as_millis();
            let begun = Finding::fine(format!("started {target}, after {took} ms"));
            vec![begun, stopped(stop(&json!({"uniqueId": id})), &id)]
        }
        Err(finding) => vec![finding],
    }
}

/// The id of a target that has been started.
fn started(answer: &Answer, target: &str) -> Result<String, Finding> {
    let body: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    // A container's, or a service's on a Swarm.
    let is_of_id = |byte: u8| byte.is_ascii_digit() || byte.is_ascii_lowercase();
    let is_id = |id: &&str| matches!(id.len(), 64 | 25) && id.bytes().all(is_of_id);
    let id = body["uniqueId"].as_str().filter(is_id);
    if let (200, Some(id)) = (answer.status, id) {
        return Ok(id.to_owned());
    }
    let mut unexpected = answer.unexpected(&format!("the start of {target}"));
    if answer.status == 422 && answer.failure().is_some() {
        unexpected.fix = "--service-url names another place for the agent to register".to_owned();
    }
    Err(unexpected)
}

fn stopped(answer: Result<Answer>, id: &str) -> Finding {
    let why = match answer {
        Ok(answer) if answer.is_done() => {
            return Finding::fine(format!("stopped it, after {} ms", answer.took.as_millis()));
        }
        Ok(answer) => {
            let Finding { text, fix, .. } = answer.unexpected("the stop of the target");
            format!("{text}; {fix}")
        }
        Err(error) => format!("{error:#}"),
    };
    State::Wrong.finding(
        "the target that was started is not stopped",
        format!("{why}; on the Engine: {}", how_to_remove(id)),
    )
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub fn answer(status: u16, body: &str) -> Answer {
        Answer {
            status,
            body: body.to_owned(),
            took: Duration::from_millis(7),
            log: None,
        }
    }

    pub fn failure(message: &str) -> String {
        format!(r#"{{"instance":"urn:uuid:0-1","ErrorMessage":"{message}"}}"#)
    }

    #[track_caller]
    pub fn check(finding: &Finding, is_fine: bool, expected: &str) {
        assert_eq!(finding.state == State::Fine, is_fine, "{finding:?}");
        assert!(format!("{finding:?}").contains(expected), "{finding:?}");
    }

    #[test]
    fn an_unhealthy_server_is_told_in_its_own_words() {
        let told = |status, body: &str| health(&answer(status, body));
        check(&told(200, "{}"), true, "7 ms");
        check(&told(200, "hello"), false, "not an answer of this server");
        check(&told(503, &failure("cannot")), false, "503 cannot");
        check(&told(503, &failure("cannot")), false, "line with 0-1");
        let mut known = answer(503, &failure("cannot"));
        known.log = Some(json!({"error": "no network"}));
        check(&health(&known), false, "no network");
    }

    #[test]
    fn a_start_gives_the_id_that_is_stopped() {
        let id = "0123456789abcdef".repeat(4);
        let body = format!(r#"{{"uniqueId":"{id}"}}"#);
        let started = |status, body: &str| started(&answer(status, body), "a target");
        assert_eq!(started(200, &body), Ok(id.clone()));
        let odd = r#"{"uniqueId":"../0"}"#;
        for (status, body, expected) in [
            (200, "{}", "not an answer of this server"),
            (200, odd, "not an answer of this server"),
            (200, "<html>", "not an answer of this server"),
            (502, "<html>", "not an answer of this server"),
            (500, &failure("cannot"), "line with 0-1"),
            (422, &failure("not there"), "--service-url"),
        ] {
            check(&started(status, body).expect_err(body), false, expected);
        }
        let done = stopped(Ok(answer(200, "{}")), &id);
        check(&done, true, "stopped it, after 7 ms");
        let left = stopped(Ok(answer(504, &failure("late"))), &id);
        check(&left, false, &format!("docker rm --force --volumes {id}"));
        check(&left, false, "504 late");
    }
}
