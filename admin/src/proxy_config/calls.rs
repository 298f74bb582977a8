//! The tables of the calls that the component makes: `deploy/engine-proxy/calls.txt` and `deploy/swarm/calls.txt`.

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use regex::Regex;

/// The component's variable `scheduler`, on which its calls depend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Scheduler {
    /// One Engine
    Engine,
    /// The managers of a Swarm
    Swarm,
}

impl Scheduler {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Engine, Self::Swarm];

    /// The path of the table in the repository.
    #[must_use]
    pub fn file(self) -> &'static str {
        match self {
            Self::Engine => "deploy/engine-proxy/calls.txt",
            Self::Swarm => "deploy/swarm/calls.txt",
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::Engine => include_str!("../../../deploy/engine-proxy/calls.txt"),
            Self::Swarm => include_str!("../../../deploy/swarm/calls.txt"),
        }
    }
}

/// One call: a line of the table.
#[derive(Debug, Clone)]
pub struct Call {
    /// Its name in access logs.
    pub name: String,
    /// Its method.
    pub method: String,
    /// The content type of its body; `None` if it has no body.
    pub content_type: Option<&'static str>,
    /// The regular expression for its whole path and query.
    pub target: String,
    request: Regex,
}

impl Call {
    /// Whether it admits a request, given as `METHOD path?query`, followed by the content type of the body if there is
    /// one.
    #[must_use]
    pub fn admits(&self, request: &str) -> bool {
        self.request.is_match(request)
    }
}

/// The table of this version.
///
/// # Errors
///
/// What is wrong with it.
pub fn table(scheduler: Scheduler) -> Result<Vec<Call>> {
    parse(scheduler.text()).with_context(|| format!("{} cannot be used", scheduler.file()))
}

/// The content types of all bodies.
const CONTENT_TYPES: [&str; 2] = ["application/json", "application/x-tar"];

/// Reads a table: one call a line, as a name, a method, a content type, a path and a query.
///
/// # Errors
///
/// The first wrong line, and why.
pub fn parse(text: &str) -> Result<Vec<Call>> {
    let mut calls: Vec<Call> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if line.starts_with('#') || line.is_empty() {
            continue;
        }
        let call = parse_line(line).with_context(|| format!("line {}", number + 1))?;
        if calls.iter().any(|known| known.name == call.name) {
            bail!("line {}: there is another {}", number + 1, call.name);
        }
        calls.push(call);
    }
    if calls.is_empty() {
        bail!("there is no call in it");
    }
    Ok(calls)
}

fn parse_line(line: &str) -> Result<Call> {
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    let [name, method, content_type, path, query] = words[..] else {
        bail!("expected a name, a method, a content type, a path and a query");
    };
    if !name
        .bytes()
        .all(|byte| byte.is_ascii_lowercase() || byte == b'-')
    {
        bail!("the name has characters other than lower-case letters and dashes");
    }
    if !method.bytes().all(|byte| byte.is_ascii_uppercase()) {
        bail!("the method has characters other than upper-case letters");
    }
    let content_type = parse_content_type(content_type)?;
    if !path.starts_with('/') {
        bail!("the path does not begin with a slash");
    }
    for expression in [path, query] {
        check_expression(expression)?;
    }
    let target = match query {
        "-" => path.to_owned(),
        query => format!(r"{path}\?{query}"),
    };
    let body = content_type.map_or(String::new(), |known| format!(" {known}"));
    let request = Regex::new(&format!("^{method} {target}{body}$"))
        .with_context(|| format!("{name} is not a regular expression"))?;
    Ok(Call {
        name: name.to_owned(),
        method: method.to_owned(),
        content_type,
        target,
        request,
    })
}

fn parse_content_type(text: &str) -> Result<Option<&'static str>> {
    if text == "-" {
        return Ok(None);
    }
    let known = CONTENT_TYPES.into_iter().find(|known| *known == text);
    known
        .map(Some)
        .with_context(|| format!("the content type {text} is none of {CONTENT_TYPES:?}"))
}

/// Refuses expressions that one of the proxies would read differently, or that would bypass the anchors.
fn check_expression(expression: &str) -> Result<()> {
    if !expression.bytes().all(|byte| byte.is_ascii_graphic()) {
        bail!("{expression} has characters other than printable ASCII");
    }
    if let Some(found) = expression.chars().find(|found| "\"'^$;#".contains(*found)) {
        bail!("{expression} has a {found}, which has a meaning in a configuration");
    }
    if has_open_alternative(expression) {
        bail!("{expression} has a | outside of (?:…)");
    }
    Ok(())
}

fn has_open_alternative(expression: &str) -> bool {
    let mut depth = 0_usize;
    expression.chars().any(|found| {
        match found {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        found == '|' && depth == 0
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_becomes_one_expression_for_path_and_query() {
        let calls = parse("# why\n\nstop  POST  -  /a/b  t=[0-9]\nlook GET - /c -\n");
        let calls = calls.expect("a table");
        let read: Vec<_> = calls
            .iter()
            .map(|call| (&*call.name, &*call.method, &*call.target))
            .collect();
        let expected = [("stop", "POST", r"/a/b\?t=[0-9]"), ("look", "GET", "/c")];
        assert_eq!(read, expected);
        assert!(calls[0].admits("POST /a/b?t=7"));
        for request in ["POST /a/b?t=10", "GET /a/b?t=7", "POST /x/a/b?t=7"] {
            assert!(!calls[0].admits(request), "{request}");
        }
    }

    #[test]
    fn a_body_is_part_of_a_call() {
        let calls = parse("make POST application/json /a -\nlook GET - /c -\n").expect("a table");
        let types: Vec<_> = calls.iter().map(|call| call.content_type).collect();
        assert_eq!(types, [Some("application/json"), None]);
        assert!(calls[0].admits("POST /a application/json"));
        assert!(calls[1].admits("GET /c"));
        for request in ["POST /a", "POST /a application/x-tar"] {
            assert!(!calls[0].admits(request), "{request}");
        }
        assert!(!calls[1].admits("GET /c application/json"));
    }

    #[test]
    fn a_line_that_would_admit_something_else_is_refused() {
        for line in [
            "",
            "look GET - /c",
            "look GET - /c - -",
            "Look GET - /c -",
            "look get - /c -",
            "look GET - c -",
            "look GET - /c$ -",
            "look GET - /c x|y",
            "look GET - /(?:c)|d -",
            "look GET - /c';} -",
            "look GET - /é -",
            "look GET text/plain /c -",
            "look GET Application/json /c -",
            "look GET - /c -\nlook GET - /d -",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }

    #[test]
    fn the_tables_can_be_read() {
        for scheduler in Scheduler::ALL {
            assert!(table(scheduler).expect("a table").len() > 10);
        }
    }
}
