//! An answer of any sender.

use std::rc::Rc;
use std::time::Duration;

use serde_json::json;

use super::date::{imf_fixdate, unix};

/// An answer of an Engine, or of a proxy in front of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reply {
    pub status: u16,
    pub body: Rc<str>,
    /// When it was given, in Unix seconds.
    pub date: u64,
}

impl Reply {
    pub fn new(status: u16, body: impl Into<Rc<str>>, now: Duration) -> Self {
        Self {
            status,
            body: body.into(),
            date: unix(now),
        }
    }

    /// A failure in the Engine's words.
    pub fn says(status: u16, message: &str, now: Duration) -> Self {
        // Podman's errors have more members, which must do no harm.
        let body = json!({"message": message, "cause": "cause", "response": status});
        Self::new(status, body.to_string(), now)
    }

    /// The same from a sender of this name.
    pub fn to_http(&self, server: &str) -> http::Response<Vec<u8>> {
        http::Response::builder()
            .status(self.status)
            .header("date", imf_fixdate(self.date))
            .header("content-type", "application/json")
            .header("server", server)
            .body(self.body.as_bytes().to_vec())
            .expect("a status and three plain headers make a response")
    }
}
