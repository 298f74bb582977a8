//! Asks a deployed server for its health, as BastionZero does, and reports what an operator needs to know.

use std::env;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use http::Uri;
use serde_json::Value;
use ureq::Agent;
use ureq::tls::{RootCerts, TlsConfig};

use crate::loopback::is_loopback;
use crate::progress::{remark, say};

/// The variable that a server reads its secret from. It is used here too, since anybody can read a command line.
const SECRET: &str = "SPIN_VARIABLE_WEBHOOK_SECRET";

/// A webhook is answered within 25 seconds; the platform may have to start an instance first.
const ANSWER_BOUND: Duration = Duration::from_secs(30);

/// No answer of this server's comes near.
const ANSWER_BYTES_MAX: u64 = 64 * 1024;

/// The result of one check.
#[derive(Debug, PartialEq, Eq)]
enum Finding {
    /// As it should be.
    Fine(String),
    /// What is wrong, and how to fix it.
    Wrong(String, String),
}

/// An answer of the server.
struct Answer {
    status: u16,
    body: String,
    took: Duration,
}

/// Checks the server at `url` and prints the findings; fails if anything is wrong with it.
///
/// # Errors
///
/// If `url` is not a server's.
pub fn check(url: &str) -> Result<ExitCode> {
    let base = base(url)?;
    let health = format!("{base}/health");
    let secret = env::var(SECRET).unwrap_or_default();
    let mut findings = vec![transport(&base)];
    findings.push(match ask(&health, None) {
        Ok(answer) => without_credentials(&answer),
        Err(error) => unreachable(&error),
    });
    let is_reachable = !matches!(&findings[1], Finding::Wrong(what, _) if what == UNREACHABLE);
    let is_private = matches!(&findings[0], Finding::Fine(_));
    // While secrets are rotated there are several, separated by spaces.
    match secret.split_whitespace().next().unwrap_or_default() {
        "" => remark(&format!(
            "{SECRET} is not set, so the health check with the secret is skipped"
        )),
        secret if is_reachable && is_private => findings.push(match ask(&health, Some(secret)) {
            Ok(answer) => with_credentials(&answer),
            Err(error) => unreachable(&error),
        }),
        _ => {}
    }
    for finding in &findings {
        match finding {
            Finding::Fine(what) => println!("ok       {what}"),
            Finding::Wrong(what, fix) => println!("WRONG    {what}\n         {fix}"),
        }
    }
    let is_fine = !findings
        .iter()
        .any(|finding| matches!(finding, Finding::Wrong(..)));
    if is_fine {
        say(
            "if a variable is set to something unsafe, the server's log says so: `notes` in the line for /health",
        );
    }
    Ok(match is_fine {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

/// The part of a URL before the webhooks' paths; a webhook's own URL will do.
fn base(url: &str) -> Result<String> {
    const FORM: &str =
        "a server's URL is http(s)://host[:port][/path], as configured in BastionZero";
    let uri: Uri = url.parse().context(FORM)?;
    let (Some(scheme @ ("http" | "https")), Some(authority)) = (uri.scheme_str(), uri.authority())
    else {
        bail!(FORM);
    };
    // A password in a URL would be shown below.
    if authority.as_str().contains('@') || uri.query().is_some() {
        bail!(FORM);
    }
    let path = uri.path().trim_end_matches('/');
    let path = ["/health", "/start", "/stop"]
        .iter()
        .find_map(|webhook| path.strip_suffix(webhook))
        .unwrap_or(path);
    Ok(format!("{scheme}://{authority}{path}"))
}

/// Sends a GET. Follows no redirect, which could lead the secret elsewhere.
fn ask(url: &str, secret: Option<&str>) -> Result<Answer> {
    let mut config = Agent::config_builder()
        .timeout_global(Some(ANSWER_BOUND))
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .tls_config(
            TlsConfig::builder()
                .root_certs(RootCerts::PlatformVerifier)
                .build(),
        );
    if is_plain(url) {
        // A proxy could read all of it, and would be asked even for this machine.
        config = config.proxy(None);
    }
    let begun = Instant::now();
    let mut request = config.build().new_agent().get(url);
    if let Some(secret) = secret {
        request = request.header("authorization", format!("Basic {secret}"));
    }
    let mut answer = request.call()?;
    let body = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX);
    Ok(Answer {
        body: body.read_to_string()?,
        status: answer.status().as_u16(),
        took: begun.elapsed(),
    })
}

/// Whether what is sent there can be read on its way.
fn is_plain(url: &str) -> bool {
    !url.starts_with("https://")
}

const UNREACHABLE: &str = "it does not answer";

fn unreachable(error: &anyhow::Error) -> Finding {
    Finding::Wrong(UNREACHABLE.to_owned(), format!("{error:#}"))
}

fn transport(base: &str) -> Finding {
    if !is_plain(base) {
        return Finding::Fine(format!("{base}: https"));
    }
    let rest = base.trim_start_matches("http://");
    let authority = rest.split('/').next().unwrap_or(rest);
    match is_loopback(authority) {
        true => Finding::Fine(format!("{base}: http, within this machine")),
        false => Finding::Wrong(
            format!("{base}: the secret would be sent unencrypted"),
            "serve it over https: `spin up --tls-cert … --tls-key …`, or a proxy in front"
                .to_owned(),
        ),
    }
}

fn without_credentials(answer: &Answer) -> Finding {
    match answer.status {
        401 if message(&answer.body).is_some() => {
            Finding::Fine("without the secret: refused".to_owned())
        }
        200 => Finding::Wrong(
            "without the secret: accepted".to_owned(),
            "this is another server, or something in front of it adds the secret; take it off the internet".to_owned(),
        ),
        _ => unexpected("without the secret", answer),
    }
}

fn with_credentials(answer: &Answer) -> Finding {
    match answer.status {
        200 if answer.body.trim() == "{}" => Finding::Fine(format!(
            "healthy, after {} ms: the next start can work",
            answer.took.as_millis()
        )),
        401 => Finding::Wrong(
            format!("the secret in {SECRET} is refused"),
            "set it to the value of the server's webhook_secret".to_owned(),
        ),
        _ => unexpected("with the secret", answer),
    }
}

/// An answer that is an error of the server's, or of somebody in its place.
fn unexpected(with: &str, answer: &Answer) -> Finding {
    match message(&answer.body) {
        Some((message, id)) => Finding::Wrong(
            format!("{with}: {} {message}", answer.status),
            format!("the server's log has the reason, in the line with {id}"),
        ),
        None => Finding::Wrong(
            format!(
                "{with}: {}, which is not an answer of this server",
                answer.status
            ),
            "the URL points to another server, or to a gateway that does not reach this one"
                .to_owned(),
        ),
    }
}

/// The sentence and the id that an error of this server's carries.
fn message(body: &str) -> Option<(String, String)> {
    let body: Value = serde_json::from_str(body).ok()?;
    let instance = body["instance"].as_str()?;
    let id = instance.strip_prefix("urn:uuid:")?;
    Some((body["ErrorMessage"].as_str()?.to_owned(), id.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Answer {
        Answer {
            status,
            body: body.to_owned(),
            took: Duration::from_millis(7),
        }
    }

    fn failure(message: &str) -> String {
        format!(r#"{{"instance":"urn:uuid:0-1","ErrorMessage":"{message}"}}"#)
    }

    #[track_caller]
    fn check(finding: &Finding, is_fine: bool, expected: &str) {
        assert_eq!(matches!(finding, Finding::Fine(_)), is_fine, "{finding:?}");
        assert!(format!("{finding:?}").contains(expected), "{finding:?}");
    }

    #[test]
    fn a_webhooks_own_url_will_do() {
        for (url, expected) in [
            ("https://h.example.com", "https://h.example.com"),
            ("https://h.example.com/health", "https://h.example.com"),
            ("https://h/app/start/", "https://h/app"),
            ("http://127.0.0.1:3000/", "http://127.0.0.1:3000"),
        ] {
            assert_eq!(base(url).expect(url), expected);
        }
        for url in [
            "h.example.com",
            "ftp://h",
            "https://u:p@h",
            "/health",
            "https://h/?a=b",
        ] {
            base(url).expect_err(url);
        }
    }

    #[test]
    fn a_server_that_accepts_no_secret_is_wrong() {
        let refused = failure("The credentials are missing or wrong.");
        check(
            &without_credentials(&answer(401, &refused)),
            true,
            "refused",
        );
        check(&without_credentials(&answer(200, "{}")), false, "accepted");
        check(
            &without_credentials(&answer(401, "<html>")),
            false,
            "another server",
        );
        let misconfigured = failure("misconfigured");
        check(
            &without_credentials(&answer(500, &misconfigured)),
            false,
            "line with 0-1",
        );
    }

    #[test]
    fn an_unhealthy_server_is_told_in_its_own_words() {
        check(&with_credentials(&answer(200, "{}")), true, "7 ms");
        check(
            &with_credentials(&answer(200, "hello")),
            false,
            "not an answer of this server",
        );
        check(
            &with_credentials(&answer(401, &failure("x"))),
            false,
            "webhook_secret",
        );
        check(
            &with_credentials(&answer(503, &failure("cannot"))),
            false,
            "503 cannot",
        );
    }

    #[test]
    fn plain_http_is_fine_within_this_machine_alone() {
        check(&transport("https://h"), true, "https");
        check(&transport("http://127.0.0.1:3000/app"), true, "machine");
        check(&transport("http://h.example.com"), false, "unencrypted");
    }
}
