//! Asks a deployed server for its health, as BastionZero does, and reports what is wrong.
//!
//! `/health` reports what the server can see without a change. `--start` also starts and stops a target, because only a
//! start shows whether the Engine accepts one.

use std::env;
use std::net::IpAddr;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::Args;
use http::Uri;
use serde_json::Value;

use super::answers::{self, Answer};
use super::webhook::{ask, is_plain};
use super::{Finding, StartArguments, State, first_secret, tell};
use crate::progress::{remark, say};
use crate::random;

/// The variable with a server's secret. This command reads it too, because anybody can read a command line.
const SECRET: &str = "SPIN_VARIABLE_WEBHOOK_SECRET";

/// The server to check, and how.
#[derive(Args)]
pub struct DoctorArguments {
    /// The server's URL, as BastionZero calls it
    #[arg(value_name = "URL")]
    pub url: String,
    /// Whether a target is started.
    #[command(flatten)]
    pub start: StartArguments,
}

/// Checks a server and prints the findings; fails if anything is wrong with it.
///
/// # Errors
///
/// If the URL is not a server's.
pub fn check(arguments: &DoctorArguments) -> Result<ExitCode> {
    let base = base(&arguments.url)?;
    let health = format!("{base}/health");
    let secret = env::var(SECRET).unwrap_or_default();
    let transport = transport(&base);
    let is_private = transport.state == State::Fine;
    let reached = ask(&health, None, None);
    let is_reachable = reached.is_ok();
    let mut findings = vec![transport, judged(reached, without_credentials)];
    for path in ["/v1/targets", "/metrics", "/"] {
        let answer = ask(&format!("{base}{path}"), None, None).ok();
        findings.extend(answer.and_then(|answer| open_without_credentials(path, &answer)));
    }
    match first_secret(&secret) {
        "" => remark(&format!(
            "{SECRET} is not set, so the health check with the secret is skipped, and so is a start"
        )),
        secret if is_reachable && is_private => {
            let answer = ask(&health, Some(secret), None);
            findings.push(judged(answer, with_credentials));
            if arguments.start.start {
                let environment = arguments.start.environment_id.as_deref();
                let token = random::hex::<16>()?;
                let order = answers::order(&arguments.start.service_url, &token, environment);
                findings.extend(start_and_stop(&base, secret, &order));
            }
        }
        _ => {}
    }
    let told = tell(&findings);
    if told == ExitCode::SUCCESS {
        say(
            "if a variable is set to something unsafe, the server's log says so: `notes` in the line for /health",
        );
    }
    Ok(told)
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
    // A password in the URL would be shown below.
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

/// Starts a target and stops it again.
fn start_and_stop(base: &str, secret: &str, order: &Value) -> Vec<Finding> {
    let call =
        |webhook: &str, body: &Value| ask(&format!("{base}{webhook}"), Some(secret), Some(body));
    // The first answer can be lost with the target's id, and a repeated start finds the same target.
    match call("/start", order).or_else(|_| call("/start", order)) {
        Ok(answer) => answers::start_and_stop(order, &answer, |id| call("/stop", id)),
        Err(error) => vec![State::Wrong.finding(
            "the start of a target got no answer",
            format!(
                "{error:#}; a target that started all the same is in `docker ps --filter label=dynamic-access.environment-id={}`",
                order["environmentId"].as_str().unwrap_or_default()
            ),
        )],
    }
}

fn judged(answer: Result<Answer>, judge: fn(&Answer) -> Finding) -> Finding {
    answer.map_or_else(
        |error| State::Wrong.finding("it does not answer", format!("{error:#}")),
        |answer| judge(&answer),
    )
}

fn transport(base: &str) -> Finding {
    if !is_plain(base) {
        return Finding::fine(format!("{base}: https"));
    }
    let uri = base.parse::<Uri>();
    let host = uri.as_ref().ok().and_then(Uri::host).unwrap_or_default();
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    let is_loopback = address.is_ok_and(|address| address.is_loopback());
    match is_loopback || host.eq_ignore_ascii_case("localhost") {
        true => Finding::fine(format!("{base}: http, within this machine")),
        false => State::Wrong.finding(
            format!("{base}: the secret would be sent unencrypted"),
            "serve it over https: `spin up --tls-cert … --tls-key …`, or a proxy in front",
        ),
    }
}

fn without_credentials(answer: &Answer) -> Finding {
    match answer.status {
        401 if answer.failure().is_some() => Finding::fine("without the secret: refused"),
        200 => State::Wrong.finding("without the secret: accepted",
            "this is another server, or something in front of it adds the secret; take it off the internet",
        ),
        _ => answer.unexpected("without the secret"),
    }
}

/// The problem of an operators' route that answers without a secret. Behind a public name, the route may also be
/// missing.
fn open_without_credentials(path: &str, answer: &Answer) -> Option<Finding> {
    (answer.status == 200).then(|| {
        State::Wrong.finding(
            format!("{path} without a secret: accepted"),
            "something in front of the server answers it, or adds the secret; take it off the internet",
        )
    })
}

fn with_credentials(answer: &Answer) -> Finding {
    match answer.status {
        401 => State::Wrong.finding(
            format!("the secret in {SECRET} is refused"),
            "set it to the value of the server's webhook_secret",
        ),
        _ => answers::health(answer),
    }
}

#[cfg(test)]
mod tests {
    use super::answers::tests::{answer, check, failure};
    use super::*;

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
            "h.test",
            "ftp://h",
            "http://u:p@h",
            "/health",
            "http://h/?a",
        ] {
            base(url).expect_err(url);
        }
    }

    #[test]
    fn a_server_that_accepts_no_secret_is_wrong() {
        let told = |status, body: &str| without_credentials(&answer(status, body));
        check(&told(401, &failure("missing")), true, "refused");
        check(&told(200, "{}"), false, "accepted");
        check(&told(401, "<html>"), false, "another server");
        check(&told(500, &failure("wrong")), false, "line with 0-1");
        let refused = with_credentials(&answer(401, &failure("x")));
        check(&refused, false, "webhook_secret");
    }

    #[test]
    fn a_route_of_operators_that_is_open_is_wrong() {
        assert!(open_without_credentials("/", &answer(401, "")).is_none());
        assert!(open_without_credentials("/", &answer(404, "<html>")).is_none());
        let open = open_without_credentials("/metrics", &answer(200, "")).expect("a finding");
        check(&open, false, "/metrics without a secret");
    }

    #[test]
    fn plain_http_is_fine_within_this_machine_alone() {
        check(&transport("https://h"), true, "https");
        for within in ["127.0.0.1:3000/app", "LOCALHOST", "[::1]:3000"] {
            check(&transport(&format!("http://{within}")), true, "machine");
        }
        for beyond in ["h.example.com", "0.0.0.0", "127.0.0.1.example.com", ""] {
            check(
                &transport(&format!("http://{beyond}")),
                false,
                "unencrypted",
            );
        }
    }
}
