//! A request as the embedded host records it.

use anyhow::{Context, Result};
use serde::Deserialize;

/// One line of a recording.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    /// In capitals.
    pub method: String,
    /// The path with its query, as on the wire.
    pub target: String,
    /// The names of the headers, in small letters. Their values can be secrets and are not recorded.
    pub headers: Vec<String>,
    /// The declared type of the body.
    pub content_type: Option<String>,
    /// How many bytes of the body were sent.
    pub bytes: u64,
    /// Whether that was all of it: a request that fails half-way is cut off.
    pub is_whole: bool,
    /// The text of a body that is declared as JSON.
    pub body: Option<String>,
}

impl Request {
    /// Reads one line.
    pub fn parse(line: &str) -> Result<Self> {
        serde_json::from_str(line).context("a line of the recording is not a request")
    }

    /// The path alone.
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// The query alone, if there is one.
    pub fn query(&self) -> Option<&str> {
        self.target.split_once('?').map(|(_, query)| query)
    }

    /// The declared type of the body, without parameters such as a character set.
    pub fn media_type(&self) -> Option<String> {
        let text = self.content_type.as_deref()?.split(';').next()?;
        Some(text.trim().to_ascii_lowercase())
    }

    /// Whether its body is judged by a schema.
    pub fn has_judged_body(&self) -> bool {
        self.is_whole && self.body.is_some()
    }
}
