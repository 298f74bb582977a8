//! Asks a deployed server for its health, as BastionZero does, and reports what is wrong.
//!
//! `/health` reports what the server can see without a change. `--start` also starts and stops a target, because only a
//! start shows whether the Engine accepts one.

use std::env;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::Args;
use dynamic_access::docker::EngineUrl;
use http::Uri;
use serde_json::{Value, json};

use super::webhook::{Answer, ask, is_plain};
use super::{Finding, NO_ENVIRONMENT, StartArguments, State, how_to_remove, tell};
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
    let mut findings = vec![transport(&base)];
    findings.push(match ask(&health, None, None) {
        Ok(answer) => without_credentials(&answer),
        Err(error) => unreachable(&error),
    });
    for path in ["/v1/targets", "/metrics", "/"] {
        if let Ok(answer) = ask(&format!("{base}{path}"), None, None)
            && let Some(open) = open_without_credentials(path, &answer)
        {
            findings.push(open);
        }
    }
    let is_reachable = findings[1].text != UNREACHABLE;
    let is_private = findings[0].state == State::Fine;
    // While secrets are rotated there are several, separated by spaces.
    match secret.split_whitespace().next().unwrap_or_default() {
        "" => remark(&format!(
            "{SECRET} is not set, so the health check with the secret is skipped, and so is a start"
        )),
        secret if is_reachable && is_private => {
            findings.push(match ask(&health, Some(secret), None) {
                Ok(answer) => with_credentials(&answer),
                Err(error) => unreachable(&error),
            });
            if let Some(service_url) = arguments.start.start_for() {
                let environment_id = arguments.start.environment_id.as_deref();
                let order = json!({
                    "serviceUrl": service_url,
                    "activationToken": random::hex::<16>()?,
                    "environmentId": environment_id.unwrap_or(NO_ENVIRONMENT),
                });
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
    let answer = match call("/start", order).or_else(|_| call("/start", order)) {
        Ok(answer) => answer,
        Err(error) => {
            let environment_id = order["environmentId"].as_str().unwrap_or_default();
            return vec![State::Wrong.finding(
                "the start of a target got no answer",
                format!(
                    "{error:#}; a target that started all the same is in `docker ps --filter label=dynamic-access.environment-id={environment_id}`"
                ),
            )];
        }
    };
    let id = match started(&answer) {
        Ok(id) => id,
        Err(finding) => return vec![finding],
    };
    let took = answer.took.as_millis();
    let begun = Finding::fine(format!("started a target, after {took} ms"));
    vec![begun, stopped(call("/stop", &json!({"uniqueId": id})), &id)]
}

/// The id of a target that has been started.
fn started(answer: &Answer) -> Result<String, Finding> {
    const START: &str = "the start of a target";
    if let (422, Some((message, _))) = (answer.status, answer.message()) {
        return Err(State::Wrong.finding(
            format!("{START}: 422 {message}"),
            "--service-url names another place for the agent to register",
        ));
    }
    if answer.status != 200 {
        return Err(unexpected(START, answer));
    }
    let body: Option<Value> = serde_json::from_str(&answer.body).ok();
    let id = body.as_ref().and_then(|body| body["uniqueId"].as_str());
    match id {
        // A container's, or a service's on a Swarm.
        Some(id) if matches!(id.len(), 64 | 25) && id.bytes().all(is_of_id) => Ok(id.to_owned()),
        _ => Err(unexpected(START, answer)),
    }
}

fn is_of_id(byte: u8) -> bool {
    byte.is_ascii_digit() || byte.is_ascii_lowercase()
}

fn stopped(answer: Result<Answer>, id: &str) -> Finding {
    let why = match answer {
        Ok(answer) if answer.status == 200 && answer.body.trim() == "{}" => {
            return Finding::fine(format!("stopped it, after {} ms", answer.took.as_millis()));
        }
        Ok(answer) => {
            let Finding { text, fix, .. } = unexpected("the stop of the target", &answer);
            format!("{text}; {fix}")
        }
        Err(error) => format!("{error:#}"),
    };
    State::Wrong.finding(
        "the target that was started is not stopped",
        format!("{why}; on the Engine: {}", how_to_remove(id)),
    )
}

const UNREACHABLE: &str = "it does not answer";

fn unreachable(error: &anyhow::Error) -> Finding {
    State::Wrong.finding(UNREACHABLE, format!("{error:#}"))
}

fn transport(base: &str) -> Finding {
    if !is_plain(base) {
        return Finding::fine(format!("{base}: https"));
    }
    let uri = base.parse::<Uri>();
    let host = uri.as_ref().ok().and_then(Uri::host).unwrap_or_default();
    let url = EngineUrl::parse(&format!("http://{host}:80"));
    // Whatever cannot be parsed counts as elsewhere.
    match url.is_ok_and(|url| !url.is_plaintext_beyond_loopback()) {
        true => Finding::fine(format!("{base}: http, within this machine")),
        false => State::Wrong.finding(
            format!("{base}: the secret would be sent unencrypted"),
            "serve it over https: `spin up --tls-cert … --tls-key …`, or a proxy in front",
        ),
    }
}

fn without_credentials(answer: &Answer) -> Finding {
    match answer.status {
        401 if answer.message().is_some() => Finding::fine("without the secret: refused"),
        200 => State::Wrong.finding("without the secret: accepted",
            "this is another server, or something in front of it adds the secret; take it off the internet",
        ),
        _ => unexpected("without the secret", answer),
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
        200 if answer.body.trim() == "{}" => Finding::fine(format!(
            "healthy, after {} ms: the next start can work",
            answer.took.as_millis()
        )),
        401 => State::Wrong.finding(
            format!("the secret in {SECRET} is refused"),
            "set it to the value of the server's webhook_secret",
        ),
        _ => unexpected("with the secret", answer),
    }
}

/// An error of the server, or of something in its place.
fn unexpected(with: &str, answer: &Answer) -> Finding {
    let status = answer.status;
    match answer.message() {
        Some((message, id)) => State::Wrong.finding(
            format!("{with}: {status} {message}"),
            format!("the server's log has the reason, in the line with {id}"),
        ),
        None => State::Wrong.finding(
            format!("{with}: {status}, which is not an answer of this server"),
            "the URL points to another server, or to a gateway that does not reach this one",
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

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
        assert_eq!(finding.state == State::Fine, is_fine, "{finding:?}");
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
    }

    #[test]
    fn an_unhealthy_server_is_told_in_its_own_words() {
        let told = |status, body: &str| with_credentials(&answer(status, body));
        check(&told(200, "{}"), true, "7 ms");
        check(&told(200, "hello"), false, "not an answer of this server");
        check(&told(401, &failure("x")), false, "webhook_secret");
        check(&told(503, &failure("cannot")), false, "503 cannot");
    }

    #[test]
    fn a_route_of_operators_that_is_open_is_wrong() {
        assert!(open_without_credentials("/", &answer(401, "")).is_none());
        assert!(open_without_credentials("/", &answer(404, "<html>")).is_none());
        let open = open_without_credentials("/metrics", &answer(200, "")).expect("a finding");
        check(&open, false, "/metrics without a secret");
    }

    #[test]
    fn a_start_gives_the_id_that_is_stopped() {
        let id = "0123456789abcdef".repeat(4);
        let body = format!(r#"{{"uniqueId":"{id}"}}"#);
        assert_eq!(started(&answer(200, &body)), Ok(id.clone()));
        let odd = r#"{"uniqueId":"../0"}"#;
        for (status, body) in [(200, "{}"), (200, odd), (200, "<html>"), (502, "<html>")] {
            let finding = started(&answer(status, body)).expect_err(body);
            check(&finding, false, "not an answer of this server");
        }
        let refused = started(&answer(500, &failure("cannot"))).expect_err("refused");
        check(&refused, false, "line with 0-1");
        let elsewhere = started(&answer(422, &failure("not there"))).expect_err("refused");
        check(&elsewhere, false, "--service-url");
        let done = stopped(Ok(answer(200, "{}")), &id);
        check(&done, true, "stopped it, after 7 ms");
        let left = stopped(Ok(answer(504, &failure("late"))), &id);
        check(&left, false, &format!("docker rm --force --volumes {id}"));
        check(&left, false, "504 late");
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
