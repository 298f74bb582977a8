//! An answer of any sender, and the form in which it writes a moment.

use std::rc::Rc;
use std::time::{Duration, UNIX_EPOCH};

use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// An answer of an Engine, or of a proxy in front of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reply {
    pub status: u16,
    pub body: Rc<str>,
    /// When it was given, in Unix seconds.
    pub date: u64,
}

impl Reply {
    pub fn new(status: u16, body: impl ToString) -> Self {
        let body = body.to_string().into();
        let date = 0;
        Self { status, body, date }
    }

    /// The same, given at this moment.
    pub fn at(self, now: Duration) -> Self {
        let date = unix(now);
        Self { date, ..self }
    }

    /// A failure in the Engine's words.
    pub fn says(status: u16, message: impl Into<Value>) -> Self {
        // Podman's errors have more members, which must do no harm.
        let body = json!({"message": message.into(), "cause": "cause", "response": status});
        Self::new(status, body)
    }

    /// The same from a sender of this name.
    pub fn to_http(&self, server: &str) -> http::Response<Vec<u8>> {
        let date = UNIX_EPOCH + Duration::from_secs(self.date);
        http::Response::builder()
            .status(self.status)
            .header("date", httpdate::fmt_http_date(date))
            .header("content-type", "application/json")
            .header("server", server)
            .body(self.body.as_bytes().to_vec())
            .expect("a status and three plain headers make a response")
    }
}

/// The moment of the virtual clock's zero, in Unix seconds.
const EPOCH: u64 = 1_790_000_000;

/// The Unix seconds of a moment of the virtual clock.
pub fn unix(now: Duration) -> u64 {
    EPOCH + now.as_secs()
}

/// A moment as an Engine's bodies write it, with a fraction.
pub fn rfc3339(now: Duration) -> String {
    let moment = UNIX_EPOCH + Duration::from_millis(unix(now) * 1000 + 250);
    let text = OffsetDateTime::from(moment).format(&Rfc3339);
    text.expect("a year of four digits")
}
