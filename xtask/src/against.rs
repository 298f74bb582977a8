//! Asks a deployed server for its health, as BastionZero would, and says what an operator needs to know.

use std::env;
use std::io::Write;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
// The crate, not the module of that name.
use ::http::Uri;
use serde_json::Value;

use crate::progress::{remark, say};
use crate::ready::first_secret;
use crate::up::is_loopback;
use crate::workspace;

/// The variable that a server reads its secret from, and so do we: anybody can read a command line.
const SECRET: &str = "SPIN_VARIABLE_WEBHOOK_SECRET";

/// A webhook is answered within 25 seconds, on a platform that may have to start an instance before.
const ANSWER_BOUND: Duration = Duration::from_secs(30);

/// What one look has shown.
#[derive(Debug, PartialEq, Eq)]
enum Finding {
    /// As it should be.
    Fine(String),
    /// Not as it should be, and what to do about it.
    Wrong(String, String),
}

/// An answer of the server.
struct Answer {
    status: u16,
    body: String,
    took: Duration,
}

/// Looks at the server at `url`, and fails if anything is wrong with it.
pub fn against(url: &str) -> Result<ExitCode> {
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
    match first_secret(&secret) {
        "" => remark(&format!(
            "{SECRET} is not set, so its health is not asked for"
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
            Finding::Wrong(what, mend) => println!("WRONG    {what}\n         {mend}"),
        }
    }
    let is_fine = !findings
        .iter()
        .any(|finding| matches!(finding, Finding::Wrong(..)));
    if is_fine {
        say(
            "what is unsafe in its variables, if anything, is in its log: `notes` in the line about /health",
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
        "a server's URL is http(s)://host[:port][/path], as it is given to BastionZero";
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

/// Sends a GET by curl, which knows this machine's authorities, and for https its proxies.
fn ask(url: &str, secret: Option<&str>) -> Result<Answer> {
    let Some(curl) = workspace::program("curl") else {
        bail!("curl is missing; as root: apt-get install curl");
    };
    let mut command = Command::new(curl);
    // Taken as the first argument alone. In ~/.curlrc, `verbose` would have the header shown.
    command.arg("--disable");
    if is_plain(url) {
        // A proxy would read all of it, and be asked even for this machine.
        command.args(["--noproxy", "*"]);
    }
    let begun = Instant::now();
    let mut child = command
        .args(["--silent", "--show-error", "--header", "@-"])
        .args(["--max-time", &ANSWER_BOUND.as_secs().to_string()])
        // No answer of the server's comes near.
        .args(["--max-filesize", "65536"])
        .args(["--write-out", "\n%{http_code}"])
        .arg(url)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("failed to run curl")?;
    let header = secret.map(|secret| format!("Authorization: Basic {secret}\n"));
    child
        .stdin
        .take()
        .context("curl has no input")?
        .write_all(header.unwrap_or_default().as_bytes())?;
    let output = child.wait_with_output()?;
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr).trim());
    }
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let (body, status) = text.rsplit_once('\n').context("curl told no status")?;
    Ok(Answer {
        status: status.parse().context("curl told no status")?,
        body: body.to_owned(),
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
            format!("{base}: the secret would travel in the clear"),
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
            "without the secret: admitted".to_owned(),
            "this is another server, or something in front of it adds the secret; take it away from the internet".to_owned(),
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
            "it is not the one in the server's webhook_secret".to_owned(),
        ),
        _ => unexpected("with the secret", answer),
    }
}

/// An answer that is an error of the server's, or of somebody in its place.
fn unexpected(with: &str, answer: &Answer) -> Finding {
    match message(&answer.body) {
        Some((message, id)) => Finding::Wrong(
            format!("{with}: {} {message}", answer.status),
            format!("the reason is in its log, in the line with {id}"),
        ),
        None => Finding::Wrong(
            format!("{with}: {}, not in this server's words", answer.status),
            "the URL is another server's, or that of a gateway that does not reach this one"
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
    fn who_is_admitted_without_the_secret_is_wrong() {
        let refused = failure("The credentials are missing or wrong.");
        check(
            &without_credentials(&answer(401, &refused)),
            true,
            "refused",
        );
        check(&without_credentials(&answer(200, "{}")), false, "admitted");
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
            "not in this server's words",
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
        check(&transport("http://h.example.com"), false, "in the clear");
    }
}
