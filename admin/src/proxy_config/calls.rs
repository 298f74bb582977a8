//! The tables of the calls that the component makes: `deploy/engine-proxy/calls.txt` and `deploy/swarm/calls.txt`.

use anyhow::{Context, Result, bail, ensure};
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
    /// The path of the table in the repository, and its text.
    pub(super) fn table(self) -> (&'static str, &'static str) {
        match self {
            Self::Engine => (
                "deploy/engine-proxy/calls.txt",
                include_str!("../../../deploy/engine-proxy/calls.txt"),
            ),
            Self::Swarm => (
                "deploy/swarm/calls.txt",
                include_str!("../../../deploy/swarm/calls.txt"),
            ),
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
    pub content_type: Option<String>,
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
    let (file, text) = scheduler.table();
    parse(text).with_context(|| format!("{file} cannot be used"))
}

/// A character of an expression: none with a meaning in a configuration, nor an anchor.
const CHARACTER: &str = r"[!%&(-:<-\]_-~]";

/// Reads a table: one call a line, as a name, a method, a content type, a path and a query.
///
/// # Errors
///
/// The first wrong line, and why.
pub fn parse(text: &str) -> Result<Vec<Call>> {
    let form = format!(
        "^([a-z-]+) +([A-Z]+) +(-|application/(?:json|x-tar)) +(/{CHARACTER}*) +({CHARACTER}+)$"
    );
    let form = Regex::new(&form)?;
    let mut calls: Vec<Call> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if line.starts_with('#') || line.is_empty() {
            continue;
        }
        let call = parse_line(&form, line).with_context(|| format!("line {}", number + 1))?;
        if calls.iter().any(|known| known.name == call.name) {
            bail!("line {}: there is another {}", number + 1, call.name);
        }
        calls.push(call);
    }
    ensure!(!calls.is_empty(), "there is no call in it");
    Ok(calls)
}

fn parse_line(form: &Regex, line: &str) -> Result<Call> {
    let parts = form.captures(line).context(
        "expected a name, a method, a content type, a path and a query; no expression has one of \"'^$;#, which have a meaning in a configuration",
    )?;
    let (_, [name, method, content_type, path, query]) = parts.extract();
    // It would bypass the anchors.
    let is_open = has_open_alternative(path) || has_open_alternative(query);
    ensure!(!is_open, "there is a | outside of (?:…)");
    let target = match query {
        "-" => path.to_owned(),
        query => format!(r"{path}\?{query}"),
    };
    let content_type = (content_type != "-").then(|| content_type.to_owned());
    let body = content_type.as_ref().map(|known| format!(" {known}"));
    let request = format!("^{method} {target}{}$", body.unwrap_or_default());
    Ok(Call {
        name: name.to_owned(),
        method: method.to_owned(),
        content_type,
        request: Regex::new(&request)
            .with_context(|| format!("{name} is not a regular expression"))?,
        target,
    })
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
    fn a_line_becomes_one_expression_for_path_query_and_body() {
        let table = "# why\n\nstop  POST  -  /a/b  t=[0-9]\nmake POST application/json /a -\nlook GET - /c -\n";
        let calls = parse(table).expect("a table");
        let targets: Vec<_> = calls.iter().map(|call| &*call.target).collect();
        assert_eq!(targets, [r"/a/b\?t=[0-9]", "/a", "/c"]);
        for (request, expected) in [
            ("POST /a/b?t=7", &["stop"][..]),
            ("POST /a application/json", &["make"]),
            ("GET /c", &["look"]),
            ("POST /a/b?t=10", &[]),
            ("GET /a/b?t=7", &[]),
            ("POST /x/a/b?t=7", &[]),
            ("POST /a", &[]),
            ("POST /a application/x-tar", &[]),
            ("GET /c application/json", &[]),
        ] {
            let admit = calls.iter().filter(|call| call.admits(request));
            let names: Vec<_> = admit.map(|call| &*call.name).collect();
            assert_eq!(names, expected, "{request}");
        }
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
}
