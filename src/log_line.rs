//! The log lines of one request, as JSON.
//!
//! They hold no secret: every text that is not this server's own is redacted.

use std::time::Duration;

use serde_json::{Value, json};

use crate::audit::{Event, Subject};
use crate::call_notes::{Calls, milliseconds};
use crate::caller::Caller;
use crate::docker::label;
use crate::docker::target::Target;
use crate::error::Error;
use crate::fault::Fault;
use crate::reaper::{Reason, Report};
use crate::secret::Secret;

/// The most calls in a line. A webhook makes about four, and not many more while it waits
/// for another request's start.
const CALLS_MAX: usize = 32;

/// The most notes in a line. A dry run can have hundreds; its answer lists them all.
const NOTES_MAX: usize = 32;

/// The most characters of one text in a line. The Engine quotes names and paths in its
/// messages, and sometimes a whole command line.
const TEXT_CHARS_MAX: usize = 400;

/// The most characters of the problems with the variables. They are this server's own
/// words, about 150 characters for each, and there are fewer than 50 variables.
const PROBLEMS_CHARS_MAX: usize = 8_000;

/// The shortest secret that is redacted. A caller may choose a shorter one, which anyone
/// could guess. It also occurs in ids and words by chance, so its redaction would make
/// the log useless.
const REDACTED_CHARS_MIN: usize = 8;

#[derive(Debug)]
pub(crate) struct LogLine<'a> {
    /// The request's id, also in an error's answer.
    pub request_id: &'a str,
    /// The route's path; `-` for an unknown path, `tail` for the work after an
    /// answer.
    pub route: &'static str,
    /// The status of the answer; none for the work after an answer.
    pub status: Option<u16>,
    /// The time from the request's arrival to the answer.
    pub took: Duration,
    pub caller: Option<Caller>,
    pub event: Option<Event>,
    pub subject: &'a Subject,
    pub trace: Option<&'a str>,
    pub calls: &'a Calls,
    /// More for the operator: the options that the Engine left out of a container, unsafe
    /// variables, and the rest for the next reap.
    pub notes: &'a [String],
    pub error: Option<&'a Error>,
    /// The texts to redact, because a peer may have echoed them.
    pub secrets: &'a [Secret],
}

impl LogLine<'_> {
    /// The line as JSON, without a line break.
    pub fn to_json(&self) -> String {
        let calls = self.calls.notes.iter().take(CALLS_MAX);
        let notes = self.notes.iter().take(NOTES_MAX);
        // A peer can echo a secret anywhere, and a caller can put a token anywhere: every
        // field except this server's own words and numbers is redacted.
        let redact = |text: &str| redacted(text, self.secrets);
        let subject = self.subject;
        let mut line = Line::default();
        line.add("request", self.request_id);
        line.add("route", self.route);
        line.add("status", self.status);
        line.add("ms", milliseconds(self.took));
        line.add("by", self.caller.map(|caller| caller.to_string()));
        line.add("event", self.event.map(Event::name));
        let outcome = outcome(self.error.is_none());
        line.add("outcome", self.event.map(|_| outcome));
        line.add("code", self.error.map(Error::code));
        line.add("container", subject.container.as_deref().map(redact));
        line.add("environment", subject.environment.as_deref().map(redact));
        line.add("image", subject.image.as_deref().map(redact));
        let trace = self.trace.map(|trace| self.redacted_trace(trace));
        line.add("trace", trace);
        line.add("calls", calls.map(ToString::to_string).collect::<Value>());
        line.add("calls_omitted", omitted(self.calls.notes.len(), CALLS_MAX));
        line.add("notes", notes.map(|text| redact(text)).collect::<Value>());
        line.add("notes_omitted", omitted(self.notes.len(), NOTES_MAX));
        line.add("error", self.error.map(|error| self.redacted_error(error)));
        line.to_json()
    }

    fn redacted_error(&self, error: &Error) -> String {
        let chars_max = match error {
            Error::Misconfigured(_) => PROBLEMS_CHARS_MAX,
            _ => TEXT_CHARS_MAX,
        };
        redacted_to(chars_max, &error.to_string(), self.secrets)
    }

    /// The trace, unless a secret has the same digits, in any grouping: a caller may use
    /// one UUID for both.
    fn redacted_trace<'a>(&self, trace: &'a str) -> &'a str {
        let is_told = |secret: &Secret| {
            let digits = secret.expose().chars().filter(char::is_ascii_hexdigit);
            let digits: String = digits.map(|digit| digit.to_ascii_lowercase()).collect();
            digits.contains(trace)
        };
        if self.secrets.iter().any(is_told) {
            REDACTED
        } else {
            trace
        }
    }
}

/// One line for each container that a reap removed or failed to remove.
pub fn reap_lines(
    request_id: &str,
    caller: Option<Caller>,
    report: &Report,
    secrets: &[Secret],
) -> Vec<String> {
    let redact = |text: &str| redacted(text, secrets);
    let line = |found: &Target, reason: Reason, fault: Option<&Fault>| {
        let environment = found.label(label::ENVIRONMENT_ID);
        let mut line = Line::default();
        line.add("request", request_id);
        line.add("by", caller.map(|caller| caller.to_string()));
        line.add("event", Event::TargetReap.name());
        line.add("outcome", reap_outcome(fault));
        line.add("code", reason.code());
        line.add("container", found.id.as_str());
        line.add("environment", environment.map(redact));
        line.add("image", redact(&found.image_id));
        line.add("exit_code", reason.exit_code());
        line.add("error", fault.map(|fault| redact(&fault.to_string())));
        line.to_json()
    };
    let removed = report.removed.iter();
    let removed = removed.map(|(found, reason)| line(found, *reason, None));
    let failed = report.failed.iter();
    let failed = failed.map(|(found, reason, fault)| line(found, *reason, Some(fault)));
    removed.chain(failed).collect()
}

/// A peer's message without the secrets that it may echo, as they are or in quotes.
fn redacted(text: &str, secrets: &[Secret]) -> String {
    redacted_to(TEXT_CHARS_MAX, text, secrets)
}

fn redacted_to(chars_max: usize, text: &str, secrets: &[Secret]) -> String {
    let mut forms = Vec::new();
    for secret in secrets.iter().map(Secret::expose) {
        if (REDACTED_CHARS_MIN..=text.len()).contains(&secret.len()) {
            let quoted = Value::from(secret).to_string();
            forms.push(quoted[1..quoted.len() - 1].to_owned());
            forms.push(secret.to_owned());
        }
    }
    let mut text = text.to_owned();
    // The longest first, because another may be a part of it. Sorting them would make the
    // component 3 kB larger.
    let longest = |forms: &[String]| (0..forms.len()).max_by_key(|place| forms[*place].len());
    while let Some(place) = longest(&forms) {
        text = text.replace(&forms.swap_remove(place), REDACTED);
    }
    // Shortened last, because half a secret would stay.
    text.chars().take(chars_max).collect()
}

const REDACTED: &str = "[redacted]";

fn outcome(is_success: bool) -> &'static str {
    if is_success { "success" } else { "failure" }
}

/// An Engine finishes a removal that nobody waits for, so without its answer the outcome
/// is unknown.
fn reap_outcome(fault: Option<&Fault>) -> &'static str {
    match fault {
        Some(Fault::TimedOut | Fault::CutShort { .. } | Fault::Broken(_)) => "unknown",
        fault => outcome(fault.is_none()),
    }
}

/// How many of a list are left out of a line; nothing if it has all of them.
fn omitted(count: usize, max: usize) -> Option<usize> {
    count.checked_sub(max).filter(|omitted| *omitted > 0)
}

/// The members of a line's JSON object, in order.
#[derive(Default)]
struct Line(Vec<String>);

impl Line {
    /// Adds a member, unless it is null or an empty list.
    fn add(&mut self, name: &str, value: impl Into<Value>) {
        let value = value.into();
        if !value.is_null() && value != json!([]) {
            self.0.push(format!("\"{name}\":{value}"));
        }
    }

    fn to_json(&self) -> String {
        format!("{{{}}}", self.0.join(","))
    }
}

#[cfg(test)]
mod tests;
