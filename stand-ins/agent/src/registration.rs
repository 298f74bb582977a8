//! Registers over plain HTTP/1.1 with one request, every step bounded.

use std::io::{BufReader, Read, Write};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::flags::Target;
use crate::http::{self, Head};
use crate::service_url::ServiceUrl;

/// How long the real agent keeps trying to reach a service.
pub const PATIENCE: Duration = Duration::from_secs(600);

/// The time between two attempts.
const PAUSE: Duration = Duration::from_secs(1);

/// The answer only names the target.
const BODY_BYTES_MAX: u64 = 4 * 1024;

/// Registers and returns the target's id, if the service has chosen one. The reason of a failure never holds the token.
///
/// A service that cannot be reached is tried again until `patience` is over.
pub fn register(target: &Target, patience: Duration) -> Result<Option<String>, String> {
    let url = ServiceUrl::parse(&target.service_url)?;
    let (head, body) = persist(&url, &request(&url, target), patience)
        .map_err(|error| format!("failed to register with {}: {error}", url.authority))?;
    match head.status() {
        Some(code) if (200..300).contains(&code) => {
            let id = body["targetId"].as_str().filter(|id| is_id(id));
            Ok(id.map(str::to_owned))
        }
        // A redirect is not followed: the token is for this service alone.
        Some(code) => Err(format!(
            "{} refused the registration: {code}",
            url.authority
        )),
        None => Err(format!("{} does not speak HTTP", url.authority)),
    }
}

/// Tries until there is an answer or `patience` is over.
fn persist(url: &ServiceUrl, request: &str, patience: Duration) -> std::io::Result<(Head, Value)> {
    let started = Instant::now();
    loop {
        match exchange(url, request) {
            Err(_) if started.elapsed() < patience => thread::sleep(PAUSE),
            outcome => return outcome,
        }
    }
}

fn exchange(url: &ServiceUrl, request: &str) -> std::io::Result<(Head, Value)> {
    let mut stream = http::connect(url)?;
    stream.write_all(request.as_bytes())?;
    let mut reader = BufReader::new(stream);
    let head = http::read_head(&mut reader)?;
    let mut body = Vec::new();
    // Only the status counts: without a complete body the target merely has no id.
    let _ = reader.take(BODY_BYTES_MAX).read_to_end(&mut body);
    Ok((head, serde_json::from_slice(&body).unwrap_or_default()))
}

/// Whether a text can be used in a path unchanged.
fn is_id(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    !text.is_empty() && text.bytes().all(is_plain)
}

fn request(url: &ServiceUrl, target: &Target) -> String {
    let body = json!({
        "activationToken": target.activation_token,
        "environmentId": target.environment_id,
        "targetId": target.target_id,
    })
    .to_string();
    format!(
        "POST {}/api/v2/agent/register HTTP/1.1\r\n\
         Host: {}\r\n\
         Content-Type: application/json\r\n\
         Content-Length: {}\r\n\
         Connection: close\r\n\r\n{body}",
        url.path,
        url.authority,
        body.len()
    )
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    fn target(service_url: String) -> Target {
        Target {
            service_url,
            activation_token: "t0ken\"\n".to_owned(),
            environment_id: "e".to_owned(),
            target_id: "i".to_owned(),
        }
    }

    /// Registers with a service that gives one answer.
    fn register_with(answer: &'static str) -> Result<Option<String>, String> {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback is there");
        let address = listener.local_addr().expect("it is bound");
        let service = thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("the agent connects");
            let _ = stream.read(&mut [0; 4096]).expect("the agent sends");
            stream
                .write_all(answer.as_bytes())
                .expect("the agent reads");
        });
        let outcome = register(&target(format!("http://{address}/")), Duration::ZERO);
        service.join().expect("the service is well");
        outcome
    }

    #[test]
    fn the_service_may_choose_the_id_of_the_target() {
        let outcome = register_with("HTTP/1.1 200 OK\r\n\r\n{\"targetId\":\"0a-1b\"}");
        assert_eq!(outcome, Ok(Some("0a-1b".to_owned())));
        let outcome = register_with("HTTP/1.1 200 OK\r\n\r\n{\"targetId\":\"a b\"}");
        assert_eq!(outcome, Ok(None), "it goes into a path as it is");
    }

    #[test]
    fn a_refusal_is_told_without_the_token() {
        for answer in [
            "HTTP/1.1 401 Unauthorized\r\n\r\n",
            "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\n\r\n",
            "t0ken\r\n",
            "",
        ] {
            let reason = register_with(answer).expect_err("it is refused");
            assert!(!reason.contains("t0ken"), "{reason}");
        }
    }

    #[test]
    fn a_service_that_goes_away_is_asked_again() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback is there");
        let address = listener.local_addr().expect("it is bound");
        let service = thread::spawn(move || {
            // Closing a connection with unread data resets it.
            let (mut first, _) = listener.accept().expect("the agent connects");
            first.read_exact(&mut [0]).expect("the agent sends");
            drop(first);
            let (mut second, _) = listener.accept().expect("the agent connects again");
            let _ = second.read(&mut [0; 4096]).expect("the agent sends again");
            second
                .write_all(b"HTTP/1.1 200 OK\r\n\r\n")
                .expect("the agent reads");
        });
        let target = target(format!("http://{address}"));
        assert_eq!(register(&target, PATIENCE), Ok(None));
        service.join().expect("the service is well");
    }
}
