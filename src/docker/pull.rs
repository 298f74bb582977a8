//! `POST /images/create` (Engine API, ImageCreate): a pull.
//!
//! The Engine answers 200 as soon as it has progress to report, and reports a later
//! failure at the end of its reply. A pull lasts as long as its connection.

use std::time::Duration;

use http::Method;
use serde_json::Value;

use super::call::Call;
use super::{ImageReference, Reply, bodiless, query_encoded, says, with_registry_auth};
use crate::fault::Fault;
use crate::platform::Keep;
use crate::secret::Secret;

/// Pulls one image by its tag or digest. Without either, the Engine would pull all tags
/// of the repository.
///
/// The call has no limit of its own: it lasts as long as the Engine is used. The end of
/// the reply shows how the pull went.
pub fn pull(image: &ImageReference, registry_auth: Option<&Secret>) -> Call<Pulled> {
    let (repository, tag) = image.repository_and_tag();
    let path = format!(
        "/images/create?fromImage={}&tag={}",
        query_encoded(repository),
        query_encoded(tag)
    );
    let request = with_registry_auth(bodiless(Method::POST, &path), registry_auth);
    Call {
        keep: Keep::End,
        ..Call::change("pull", request, Duration::MAX, pulled)
    }
}

/// How a pull ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Pulled {
    /// The image is there.
    Done,
    /// The registry does not have it, or does not give it to us.
    Refused(String),
    /// Something failed on the way.
    Failed(String),
}

fn pulled(reply: &Reply) -> Result<Pulled, Fault> {
    let problem = match reply.status() {
        200 => problem_in(reply.body()),
        _ => match reply.fault() {
            Fault::EngineError { message, .. } => Some(message),
            fault => return Err(fault),
        },
    };
    Ok(match problem {
        None => Pulled::Done,
        Some(message) if is_refusal(&message) => Pulled::Refused(message),
        Some(message) => Pulled::Failed(message),
    })
}

/// The failure in the last line, if there is one.
fn problem_in(body: &[u8]) -> Option<String> {
    let line = body.trim_ascii_end().rsplit(|byte| *byte == b'\n').next()?;
    let progress: Value = serde_json::from_slice(line).ok()?;
    let message = progress["errorDetail"]["message"].as_str();
    message.or(progress["error"].as_str()).map(str::to_owned)
}

/// The longest silence of a pull that makes progress. Docker sends several lines a second
/// for a layer whose bytes it counts, and about one a second for others.
const SENDS_WITHIN: Duration = Duration::from_secs(5);

/// Whether a pull makes progress. `end` is the end of its reply so far, and nothing has
/// arrived for the time `quiet`.
///
/// Counted bytes are progress. Podman and Docker's containerd store count none for some
/// layers, so any other line that has just arrived is progress too, unless it says that a
/// layer waits. An Engine that is about to retry makes none, however much it sends.
pub fn is_moving(end: &[u8], quiet: Duration) -> bool {
    let mut is_news = quiet <= SENDS_WITHIN;
    let lines = end.rsplit(|byte| *byte == b'\n');
    let lines = lines.filter_map(|line| serde_json::from_slice::<Value>(line).ok());
    for line in lines {
        let bytes = line["progressDetail"]["current"].as_u64();
        match line["status"].as_str().unwrap_or_default() {
            status if status.starts_with("Retrying") => return false,
            "Pull complete" | "Download complete" => return true,
            _ if bytes.is_some_and(|bytes| bytes > 0) => return true,
            "Waiting" => is_news = false,
            _ if is_news => return true,
            _ => {}
        }
    }
    false
}

/// Whether a retry would fail the same way: the words of the registry protocol's errors
/// (distribution-spec, "Error codes"), and those of Docker, containerd and Podman if an
/// image does not fit the Engine or the registry's certificate is not trusted.
fn is_refusal(message: &str) -> bool {
    let words = [
        "manifest unknown",
        "not found",
        "does not exist",
        "denied",
        "unauthorized",
        "no basic auth credentials",
        "authentication required",
        "invalid reference",
        "name unknown",
        "forbidden",
        "insufficient_scope",
        "no matching manifest",
        "no match for platform",
        "no image found in manifest list",
        "no image found in image index",
        "does not match the specified platform",
        "cannot be used on this platform",
        "unsupported manifest",
        "unsupported media type",
        "unsupported schema",
        "no longer supported",
        "manifest invalid",
        "certificate signed by unknown authority",
        "gave http response to https client",
    ];
    says(message, &words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::docker::reply::tests::reply;

    #[test]
    fn the_registrys_credentials_go_into_their_header() {
        let image = ImageReference::parse("r.example.com/a").expect("an image");
        let request = pull(&image, Some(&Secret::new("e30="))).request;
        let header = &request.headers()["x-registry-auth"];
        assert!(header == "e30=" && header.is_sensitive());
        let without = pull(&image, None).request;
        assert!(!without.headers().contains_key("x-registry-auth"));
    }

    #[test]
    fn a_pull_is_done_unless_its_end_says_otherwise() {
        let fine = "{\"status\":\"Pulling\"}\r\n{\"status\":\"Downloaded\"}\r\n";
        let failed = "{\"status\":\"Pulling\"}\r\n{\"errorDetail\":{\"message\":\"EOF\"}}\r\n";
        for (status, body, outcome) in [
            (200, fine, "Ok(Done)"),
            (200, failed, r#"Ok(Failed("EOF"))"#),
            (200, r#"{"error":"denied"}"#, r#"Ok(Refused("denied"))"#),
            (404, r#"{"message":"a not found"}"#, "Ok(Refused("),
            (500, r#"{"message":"refused"}"#, "Ok(Failed("),
            (302, "<html>", "Err"),
        ] {
            let found = format!("{:?}", pulled(&reply(status, body)));
            assert!(found.starts_with(outcome), "{body}: {found}");
        }
    }

    #[test]
    fn what_would_be_the_same_again_is_a_refusal() {
        for refusal in [
            "no matching manifest for linux/arm64/v8 in the manifest list entries",
            "no match for platform in manifest: not found",
            "choosing an image from manifest list docker://r/a: no image found in manifest list for architecture amd64",
            "image operating system \"windows\" cannot be used on this platform",
            "image with reference r/a was found but does not match the specified platform",
            "Get \"https://r/v2/\": x509: certificate signed by unknown authority",
            "http: server gave HTTP response to HTTPS client",
            "manifest unknown: manifest unknown",
            "name unknown: repository name not known to registry",
            "error parsing HTTP 403 response body: Forbidden",
        ] {
            assert!(is_refusal(refusal), "{refusal}");
        }
        for failure in [
            "toomanyrequests: You have reached your pull rate limit",
            "unexpected EOF",
            "received unexpected HTTP status: 503 Service Unavailable",
            "dial tcp 192.0.2.1:443: connect: connection refused",
            "net/http: TLS handshake timeout",
        ] {
            assert!(!is_refusal(failure), "{failure}");
        }
    }

    #[test]
    fn a_pull_moves_while_bytes_arrive_or_lines_that_count_none() {
        const LAYER: &str = r#"{"status":"Pulling fs layer","progressDetail":{},"id":"a"}"#;
        const WAITING: &str = r#"{"status":"Waiting","progressDetail":{},"id":"b"}"#;
        const RETRYING: &str = r#"{"status":"Retrying in 5 seconds","progressDetail":{},"id":"a"}"#;
        let bytes = r#"{"status":"Downloading","progressDetail":{"current":1,"total":9},"id":"a"}"#;
        let done = r#"{"status":"Download complete","progressDetail":{},"id":"a"}"#;
        let uncounted = r#"{"status":"Downloading","progressDetail":{"current":0},"id":"a"}"#;
        // Whether it moves if the last line has just arrived, and if that was long ago.
        for (lines, moves) in [
            (&[][..], [false, false]),
            (&[LAYER], [true, false]),
            (&[LAYER, WAITING], [false, false]),
            (&[LAYER, uncounted, uncounted], [true, false]),
            (&[LAYER, bytes], [true, true]),
            (&[bytes, WAITING], [true, true]),
            (&[done], [true, true]),
            (&[bytes, RETRYING, WAITING], [false, false]),
            (&[RETRYING, bytes], [true, true]),
            (&[RETRYING, uncounted], [true, false]),
            // If only the end is kept, the first line is cut.
            (&[&bytes[20..], WAITING], [false, false]),
        ] {
            let end = lines.join("\r\n");
            let long_ago = SENDS_WITHIN + Duration::from_millis(1);
            let found = [SENDS_WITHIN, long_ago].map(|quiet| is_moving(end.as_bytes(), quiet));
            assert_eq!(found, moves, "{lines:?}");
        }
    }
}
