//! Registers over plain HTTP/1.1: one request, one answer, every step bounded.

use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::thread;
use std::time::{Duration, Instant};

use crate::flags::Target;
use crate::service_url::ServiceUrl;

/// A service that takes longer to accept a connection is not there.
const CONNECT_BOUND: Duration = Duration::from_secs(5);

/// A service that takes longer to say the next word hangs.
const SILENCE_BOUND: Duration = Duration::from_secs(10);

/// How long the real agent asks a service that cannot be reached again.
pub const PATIENCE: Duration = Duration::from_secs(600);

/// The time between two attempts.
const PAUSE: Duration = Duration::from_secs(1);

/// Only the status line is of interest, and it comes first.
const STATUS_LINE_BYTES_MAX: u64 = 256;

/// Registers, or says why not; never with the token in the reason.
///
/// Whoever cannot be reached is asked again, as long as `patience` lasts.
pub fn register(target: &Target, patience: Duration) -> Result<(), String> {
    let url = ServiceUrl::parse(&target.service_url)?;
    let answer = persist(&url, &request(&url, target), patience)
        .map_err(|error| format!("failed to register with {}: {error}", url.authority))?;
    match status(&answer) {
        Some(code) if (200..300).contains(&code) => Ok(()),
        // A redirect is not followed: the token is for this service alone.
        Some(code) => Err(format!(
            "{} refused the registration: {code}",
            url.authority
        )),
        None => Err(format!("{} does not speak HTTP", url.authority)),
    }
}

/// Asks until there is an answer, or it has been long enough.
fn persist(url: &ServiceUrl, request: &str, patience: Duration) -> std::io::Result<Vec<u8>> {
    let started = Instant::now();
    loop {
        match exchange(url, request) {
            Err(_) if started.elapsed() < patience => thread::sleep(PAUSE),
            outcome => return outcome,
        }
    }
}

fn exchange(url: &ServiceUrl, request: &str) -> std::io::Result<Vec<u8>> {
    let address = url
        .authority
        .to_socket_addrs()?
        .next()
        .ok_or(std::io::ErrorKind::NotFound)?;
    let mut stream = TcpStream::connect_timeout(&address, CONNECT_BOUND)?;
    stream.set_read_timeout(Some(SILENCE_BOUND))?;
    stream.set_write_timeout(Some(SILENCE_BOUND))?;
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    let mut status_line = stream.take(STATUS_LINE_BYTES_MAX);
    let mut byte = [0];
    while !answer.ends_with(b"\n") && status_line.read(&mut byte)? == 1 {
        answer.push(byte[0]);
    }
    Ok(answer)
}

fn request(url: &ServiceUrl, target: &Target) -> String {
    let body = format!(
        "{{\"activationToken\":{},\"environmentId\":{},\"targetId\":{}}}",
        quoted(&target.activation_token),
        quoted(&target.environment_id),
        quoted(&target.target_id)
    );
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

fn status(answer: &[u8]) -> Option<u16> {
    let line = std::str::from_utf8(answer).ok()?;
    let code = line.strip_prefix("HTTP/1.")?.split_whitespace().nth(1)?;
    code.parse().ok()
}

/// A JSON string (RFC 8259, section 7).
fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for found in text.chars() {
        match found {
            '"' | '\\' => quoted.extend(['\\', found]),
            '\0'..='\u{1f}' => quoted.push_str(&format!("\\u{:04x}", u32::from(found))),
            _ => quoted.push(found),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    fn target(service_url: String) -> Target {
        Target {
            service_url,
            activation_token: "t0ken\"\n".to_owned(),
            environment_id: "e".to_owned(),
            target_id: "i".to_owned(),
        }
    }

    /// Registers with a service that gives one answer; returns the outcome and what it was sent.
    fn register_with(answer: &'static str) -> (Result<(), String>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback is there");
        let address = listener.local_addr().expect("it is bound");
        let service = thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("the agent connects");
            let mut request = vec![0; 4096];
            let length = stream.read(&mut request).expect("the agent sends");
            stream
                .write_all(answer.as_bytes())
                .expect("the agent reads");
            String::from_utf8_lossy(&request[..length]).into_owned()
        });
        let outcome = register(&target(format!("http://{address}/")), Duration::ZERO);
        (outcome, service.join().expect("the service is well"))
    }

    #[test]
    fn a_success_registers_with_token_environment_and_id() {
        let (outcome, request) = register_with("HTTP/1.1 200 OK\r\n\r\n");
        assert_eq!(outcome, Ok(()));
        assert!(request.starts_with("POST /api/v2/agent/register HTTP/1.1\r\n"));
        assert!(request.ends_with(
            r#"{"activationToken":"t0ken\"\u000a","environmentId":"e","targetId":"i"}"#
        ));
    }

    #[test]
    fn a_refusal_is_told_without_the_token() {
        for answer in [
            "HTTP/1.1 401 Unauthorized\r\n\r\n",
            "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\n\r\n",
            "t0ken\r\n",
            "",
        ] {
            let reason = register_with(answer).0.expect_err("it is refused");
            assert!(!reason.contains("t0ken"), "{reason}");
        }
    }

    #[test]
    fn an_absent_service_is_told() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback is there");
        let address = listener.local_addr().expect("it is bound");
        drop(listener);
        let target = target(format!("http://{address}"));
        let reason = register(&target, Duration::ZERO).expect_err("nobody listens");
        assert!(
            reason.starts_with("failed to register with 127.0.0.1:"),
            "{reason}"
        );
    }
    #[test]
    fn a_service_that_goes_away_is_asked_again() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback is there");
        let address = listener.local_addr().expect("it is bound");
        let service = thread::spawn(move || {
            // What is left unread turns the end of a connection into a reset.
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
        assert_eq!(register(&target, PATIENCE), Ok(()));
        service.join().expect("the service is well");
    }
}
