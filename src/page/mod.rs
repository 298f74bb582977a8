//! `GET /`: the page for people, in plain HTML.
//!
//! It has no script and loads nothing. The template escapes every value. If it missed
//! one, the content security policy would keep a browser from running or loading
//! anything.

mod view;
mod words;

use askama::Template;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{CONTENT_SECURITY_POLICY, HeaderName, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderValue, StatusCode};
use sha2::{Digest, Sha256};

use crate::answer::{answer, not_stored, with_retry_after};
use crate::config::Config;
use crate::error::Error;
use crate::platform::HttpResponse;
use crate::provision::Overview;

const STYLE: &str = include_str!("../../templates/page.css");

/// Whether pages of other sites may use the answer (Fetch standard).
const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName =
    HeaderName::from_static("cross-origin-resource-policy");

/// The page of all targets, or of those of one environment.
pub fn targets(config: &Config, environment: Option<&str>, overview: &Overview) -> HttpResponse {
    let columns = view::columns(overview);
    let style = style_of(&columns);
    let page = view::Page::new(config, environment, overview, &columns, &style);
    html(StatusCode::OK, &page, &style)
}

/// The page for an Engine that does not list its targets.
pub fn failure(config: &Config, error: &Error, request_id: &str) -> HttpResponse {
    let page = view::Failure {
        style: STYLE,
        deployment: config.deployment_id.as_str(),
        warnings: config.warnings(),
        message: error.message(),
        request_id,
    };
    with_retry_after(html(error.status(), &page, STYLE), error)
}

/// The style of the page with these columns. On a phone, which does not show the
/// headings, each value has its heading before it.
fn style_of(columns: &[&str]) -> String {
    let mut labels = String::new();
    for (index, column) in columns.iter().enumerate() {
        let place = index + 1;
        labels.push_str(&format!(
            "  tbody tr > :nth-child({place})::before {{ content: \"{column}\"; }}\n"
        ));
    }
    format!("{STYLE}@media (max-width: 50rem) {{\n{labels}}}\n")
}

fn html(status: StatusCode, page: &impl Template, style: &str) -> HttpResponse {
    let text = page.render().expect("text can be written as text");
    let response = answer(status, "text/html; charset=utf-8", text.into_bytes());
    let mut response = not_stored(response);
    let headers = response.headers_mut();
    let policy = policy(style)
        .parse()
        .expect("it has only visible characters");
    headers.insert(CONTENT_SECURITY_POLICY, policy);
    for (name, value) in [
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CROSS_ORIGIN_RESOURCE_POLICY, "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// What a browser may do with the page: apply this style, show the empty icon, and send
/// the form back to this server.
fn policy(style: &str) -> String {
    let style = STANDARD.encode(Sha256::digest(style));
    format!(
        "default-src 'none'; style-src 'sha256-{style}'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
}

#[cfg(test)]
mod tests;
