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

    /// The method, the target and the type of the body, as the tables of calls have them.
    pub fn line(&self) -> String {
        let content_type = match &self.content_type {
            Some(known) => format!(" {known}"),
            None if self.bytes > 0 => " of no type".to_owned(),
            None => String::new(),
        };
        format!("{} {}{content_type}", self.method, self.target)
    }

    /// The path and the query.
    pub fn path_and_query(&self) -> (&str, &str) {
        self.target.split_once('?').unwrap_or((&self.target, ""))
    }

    /// The declared type of the body, without parameters such as a character set.
    pub fn media_type(&self) -> Option<String> {
        let text = self.content_type.as_deref()?.split(';').next()?;
        Some(text.trim().to_ascii_lowercase())
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A request with this method and target, and with a body if there is a type.
    pub fn request(line: &str, content_type: Option<&str>, body: Option<&str>) -> Request {
        let (method, target) = line.split_once(' ').expect("a method and a target");
        Request {
            method: method.to_owned(),
            target: target.to_owned(),
            headers: vec!["content-length".to_owned()],
            content_type: content_type.map(str::to_owned),
            bytes: if content_type.is_some() { 9 } else { 0 },
            is_whole: true,
            body: body.map(str::to_owned),
        }
    }

    #[test]
    fn a_line_has_the_type_of_the_body() {
        let typed = request("PUT /a", Some("text/plain"), None);
        assert_eq!(typed.line(), "PUT /a text/plain");
        let untyped = Request {
            bytes: 1,
            ..request("GET /a/1?b", None, None)
        };
        assert_eq!(untyped.line(), "GET /a/1?b of no type");
        Request::parse("GET /a/1").err().expect("another form");
    }
}
