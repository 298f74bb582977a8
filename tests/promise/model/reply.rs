//! An answer of any sender, and the two forms in which it writes a moment.

use std::rc::Rc;
use std::time::{Duration, UNIX_EPOCH};

use serde_json::json;
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
    pub fn new(status: u16, body: impl Into<Rc<str>>) -> Self {
        Self {
            status,
            body: body.into(),
            date: 0,
        }
    }

    /// The same, given at this moment.
    pub fn at(self, now: Duration) -> Self {
        Self {
            date: unix(now),
            ..self
        }
    }

    /// A failure in the Engine's words.
    pub fn says(status: u16, message: &str) -> Self {
        // Podman's errors have more members, which must do no harm.
        let body = json!({"message": message, "cause": "cause", "response": status});
        Self::new(status, body.to_string())
    }

    /// The same from a sender of this name.
    pub fn to_http(&self, server: &str) -> http::Response<Vec<u8>> {
        http::Response::builder()
            .status(self.status)
            .header(
                "date",
                httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(self.date)),
            )
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

/// The form of the moments in an Engine's bodies, which have fractions.
pub fn rfc3339(unix: u64) -> String {
    let moment = UNIX_EPOCH + Duration::from_millis(unix * 1000 + 250);
    let text = OffsetDateTime::from(moment).format(&Rfc3339);
    text.expect("a year of four digits")
}
