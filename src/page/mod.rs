//! `GET /`: the page for people, in plain HTML.
//!
//! It has no script and loads nothing. Whatever it shows is escaped by the template,
//! and its policy would keep a browser from running or loading what is not.

mod view;
mod words;

use askama::Template;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{CONTENT_SECURITY_POLICY, HeaderName, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderValue, StatusCode};
use sha2::{Digest, Sha256};

use crate::answer::{answer, not_stored};
use crate::config::Config;
use crate::error::Error;
use crate::platform::HttpResponse;
use crate::provision::Overview;

/// How the page looks.
const STYLE: &str = include_str!("../../templates/page.css");

/// Whether pages of other sites may use the answer (Fetch standard).
const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName =
    HeaderName::from_static("cross-origin-resource-policy");

/// The page of all targets, or of those of one environment.
pub fn targets(config: &Config, environment: Option<&str>, overview: &Overview) -> HttpResponse {
    let page = view::Page::new(config, environment, overview);
    html(StatusCode::OK, &page)
}

/// The page for when the Engine does not tell of its targets.
pub fn failure(config: &Config, error: &Error) -> HttpResponse {
    html(error.status(), &view::Failure::new(config, error))
}

fn html(status: StatusCode, page: &impl Template) -> HttpResponse {
    let text = page.render().expect("text can be written as text");
    let response = answer(status, "text/html; charset=utf-8", text.into_bytes());
    let mut response = not_stored(response);
    let headers = response.headers_mut();
    let policy = policy().parse().expect("it has only visible characters");
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

/// What a browser may do with the page: apply this one style, show the icon that is
/// empty, and send the form back to where the page is from.
fn policy() -> String {
    let style = STANDARD.encode(Sha256::digest(STYLE));
    format!(
        "default-src 'none'; style-src 'sha256-{style}'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use time::OffsetDateTime;

    use super::*;
    use crate::config::tests::variables;
    use crate::docker::list::tests::aged;
    use crate::fault::Fault;
    use crate::target::Target;

    const MARKUP: &str = "<script>alert(1)</script>'\"&";

    fn config() -> Config {
        Config::parse(&variables(&[("max_targets", "2")])).expect("a config")
    }

    fn target(state: &str, environment: &str) -> Target {
        let labels = [
            ("dynamic-access.environment-id", environment),
            ("dynamic-access.max-lifetime", "7200"),
        ];
        Target::new(&aged(state, Some(3_600), &labels), &config())
    }

    fn shown(environment: Option<&str>, targets: Vec<Target>) -> String {
        let overview = Overview {
            engine: Some("Docker 28.5.2".to_owned()),
            now: OffsetDateTime::from_unix_timestamp(1_795_399_200).ok(),
            targets,
        };
        let response = super::targets(&config(), environment, &overview);
        assert_eq!(response.status(), StatusCode::OK);
        String::from_utf8(response.into_body()).expect("text")
    }

    #[test]
    fn a_page_shows_the_limit_the_engine_and_each_target() {
        let mut ended = target("exited", "team-b");
        ended.exit_code = Some(127);
        let text = shown(None, vec![target("running", "team-a"), ended]);
        for part in [
            "<b>1</b> of 2",
            "Docker 28.5.2",
            "2026-11-23 02:00:00 UTC",
            r#"<td class="running">running</td>"#,
            "<td>1 h</td>",
            "127: entry point not found",
            "sha256:0123",
            "No setting is unsafe.",
            r#"<option>team-a</option>"#,
        ] {
            assert!(text.contains(part), "{part} in\n{text}");
        }
    }

    #[test]
    fn a_page_without_targets_says_so() {
        assert!(shown(None, Vec::new()).contains("There are no targets."));
        let text = shown(Some("team-b"), vec![target("running", "team-a")]);
        assert!(text.contains("no targets of this environment"), "{text}");
    }

    #[test]
    fn a_reached_limit_is_told() {
        let two = vec![target("running", "a"), target("running", "b")];
        assert!(shown(None, two).contains("new starts are refused"));
    }

    #[test]
    fn markup_in_a_value_is_text() {
        let mut planted = target("running", MARKUP);
        planted.image = MARKUP.to_owned();
        planted.image_id = MARKUP.to_owned();
        let text = shown(None, vec![planted]);
        assert!(!text.contains("<script"), "{text}");
        assert!(text.contains("&#60;script&#62;alert(1)"), "{text}");
    }

    #[test]
    fn a_page_runs_loads_and_keeps_nothing() {
        let overview = Overview {
            engine: None,
            now: None,
            targets: Vec::new(),
        };
        for response in [
            targets(&config(), None, &overview),
            failure(&config(), &Error::OutOfTime(Fault::TimedOut)),
        ] {
            let headers = response.headers().clone();
            let text = String::from_utf8(response.into_body()).expect("text");
            let policy = headers[CONTENT_SECURITY_POLICY].to_str().expect("text");
            assert!(policy.starts_with("default-src 'none'; "), "{policy}");
            assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
            assert!(!policy.contains("unsafe"), "{policy}");
            // The digest is of exactly what stands between the tags.
            let style = text.split_once("<style>").expect("a style").1;
            let style = style.split_once("</style>").expect("its end").0;
            let digest = STANDARD.encode(Sha256::digest(style));
            assert!(policy.contains(&digest), "{policy}");
            assert_eq!(headers["cache-control"], "no-store");
            for word in [
                "<script",
                "javascript:",
                "style=",
                "onclick",
                "http://",
                "https://",
            ] {
                assert!(!text.contains(word), "{word} in\n{text}");
            }
        }
    }

    #[test]
    fn a_failure_is_told_to_people_with_its_status() {
        let response = failure(&config(), &Error::OutOfTime(Fault::TimedOut));
        assert_eq!(response.status(), StatusCode::GATEWAY_TIMEOUT);
        let text = String::from_utf8(response.into_body()).expect("text");
        assert!(
            text.contains("The Docker Engine did not answer in time."),
            "{text}"
        );
    }

    #[test]
    fn an_hour_is_left_of_two() {
        let text = shown(None, vec![target("running", "a")]);
        let cells: Vec<_> = text.matches("<td>1 h</td>").collect();
        assert_eq!(
            cells.len(),
            2,
            "an age and what is left of {:?}",
            Duration::from_secs(7200)
        );
    }
}
