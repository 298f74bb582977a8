//! Calls the service: registers with it, and keeps the control channel that makes this target online.
//!
//! A session is simple: the service sends lines over the control channel, and each is echoed by a call of its own.

use std::io::{BufRead, BufReader, Read};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use ureq::http::{Response, StatusCode};
use ureq::{Agent, Body, Error};

use crate::flags::Flags;

/// How long the real agent keeps trying to reach a service.
pub const PATIENCE: Duration = Duration::from_secs(600);

/// The time between two attempts.
const PAUSE: Duration = Duration::from_secs(1);

/// The longest wait for a connection.
const CONNECT_BOUND: Duration = Duration::from_secs(5);

/// The longest wait for the head of an answer.
const ANSWER_BOUND: Duration = Duration::from_secs(10);

/// The answer to a registration only names the target.
const BODY_BYTES_MAX: u64 = 4 * 1024;

/// A line of a session is a few words; a longer one is cut.
const LINE_BYTES_MAX: u64 = 4096;

/// A service at its URL.
struct Service<'a> {
    url: &'a str,
    client: Agent,
}

/// Registers and returns the target's id, if the service has chosen one. The reason of a failure never holds the token.
///
/// A service that cannot be reached is tried again until `patience` is over.
pub fn register(flags: &Flags, patience: Duration) -> Result<Option<String>, String> {
    let url = flags.get("serviceUrl").map_or("", String::as_str);
    let service = Service::at(url);
    if !url.starts_with("http://") {
        return Err("the stand-in registers over http:// alone; the real agent is needed for this service URL".to_owned());
    }
    let begun = Instant::now();
    let mut answer = loop {
        match service.post("register", &json!(flags).to_string()) {
            Ok(answer) => break answer,
            Err(error)
                if matches!(error, Error::BadUri(_) | Error::Http(_))
                    || begun.elapsed() >= patience =>
            {
                return Err(format!("failed to register with {url}: {error}"));
            }
            Err(_) => thread::sleep(PAUSE),
        }
    };
    let status = answer.status();
    // A redirect is not followed: the token is for this service alone.
    if !status.is_success() {
        return Err(format!("{url} refused the registration: {status}"));
    }
    let body = answer.body_mut().with_config().limit(BODY_BYTES_MAX);
    // Only the status counts: without a complete body the target merely has no id.
    let body = body.read_to_vec().unwrap_or_default();
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let id = body["targetId"].as_str().filter(|id| is_id(id));
    Ok(id.map(str::to_owned))
}

/// Keeps a channel open while the process lives; returns if the service has none for this target.
pub fn keep_channel(url: &str, id: &str) {
    let service = Service::at(url);
    let place = service.place(&format!("control-channel?targetId={id}"));
    loop {
        // Failures are not printed: one a second would fill the log if the service is gone.
        if let Ok(answer) = service.client.get(&place).call() {
            match answer.status() {
                StatusCode::OK => service.serve(id, answer.into_body()),
                StatusCode::NOT_FOUND => return,
                _ => {}
            }
        }
        thread::sleep(PAUSE);
    }
}

impl<'a> Service<'a> {
    fn at(url: &'a str) -> Self {
        let client = Agent::config_builder()
            .timeout_connect(Some(CONNECT_BOUND))
            .timeout_send_request(Some(ANSWER_BOUND))
            .timeout_send_body(Some(ANSWER_BOUND))
            // A session may be silent for days. The channel ends with its connection.
            .timeout_recv_response(Some(ANSWER_BOUND))
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .build()
            .new_agent();
        Self {
            url: url.trim_end_matches('/'),
            client,
        }
    }

    fn place(&self, what: &str) -> String {
        format!("{}/api/v2/agent/{what}", self.url)
    }

    fn post(&self, what: &str, body: &str) -> Result<Response<Body>, Error> {
        let call = self.client.post(self.place(what));
        call.content_type("application/json").send(body)
    }

    /// Serves an open channel until it ends.
    fn serve(&self, id: &str, channel: Body) {
        println!("bzero (stand-in): the control channel is open");
        // However it ends, it was open.
        let _ = self.echo(id, BufReader::new(channel.into_reader()));
        println!("bzero (stand-in): the control channel has ended");
    }

    fn echo(&self, id: &str, mut lines: impl BufRead) -> Result<(), Error> {
        loop {
            let mut line = String::new();
            let mut limited = lines.by_ref().take(LINE_BYTES_MAX);
            if limited.read_line(&mut line)? == 0 {
                return Ok(());
            }
            self.post(&format!("echo?targetId={id}"), &line)?;
        }
    }
}

/// Whether a text can be used in a path unchanged.
fn is_id(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    !text.is_empty() && text.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::net::{TcpListener, TcpStream};
    use std::sync::mpsc::channel;

    use super::*;

    /// Long enough for a busy machine.
    const SOON: Duration = Duration::from_secs(20);

    /// A service that treats each connection in turn with one of these.
    fn service(answers: Vec<fn(&mut TcpStream)>) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback is there");
        let url = format!("http://{}/", listener.local_addr().expect("it is bound"));
        thread::spawn(move || {
            for answer in answers {
                let (mut stream, _) = listener.accept().expect("the agent connects");
                stream.read_exact(&mut [0]).expect("the agent sends");
                answer(&mut stream);
            }
        });
        url
    }

    /// Reads a request and sends an answer; closing a connection with unread data would reset it.
    fn say(stream: &mut TcpStream, answer: &str) {
        let _ = stream.read(&mut [0; 4096]).expect("the agent sends");
        stream
            .write_all(answer.as_bytes())
            .expect("the agent reads");
    }

    fn register_at(url: String, patience: Duration) -> Result<Option<String>, String> {
        let token = "t0ken\"\n".to_owned();
        let flags = [("serviceUrl", url), ("activationToken", token)];
        register(&flags.into(), patience)
    }

    fn register_with(answer: fn(&mut TcpStream)) -> Result<Option<String>, String> {
        register_at(service(vec![answer]), Duration::ZERO)
    }

    #[test]
    fn the_service_may_choose_the_id_of_the_target() {
        let outcome =
            register_with(|it| say(it, "HTTP/1.1 200 OK\r\n\r\n{\"targetId\":\"0a-1b\"}"));
        assert_eq!(outcome, Ok(Some("0a-1b".to_owned())));
        let outcome = register_with(|it| say(it, "HTTP/1.1 200 OK\r\n\r\n{\"targetId\":\"a b\"}"));
        assert_eq!(outcome, Ok(None), "it goes into a path as it is");
    }

    #[test]
    fn a_refusal_is_told_without_the_token() {
        let answers: [fn(&mut TcpStream); 4] = [
            |it| say(it, "HTTP/1.1 401 Unauthorized\r\n\r\n"),
            |it| say(it, "HTTP/1.1 302 Found\r\nLocation: http://a/\r\n\r\n"),
            |it| say(it, "t0ken\r\n"),
            |it| say(it, ""),
        ];
        for answer in answers {
            let reason = register_with(answer).expect_err("it is refused");
            assert!(!reason.contains("t0ken"), "{reason}");
        }
    }

    #[test]
    fn a_service_that_goes_away_is_asked_again() {
        let url = service(vec![|_| {}, |it| say(it, "HTTP/1.1 200 OK\r\n\r\n")]);
        assert_eq!(register_at(url, PATIENCE), Ok(None));
    }

    #[test]
    fn a_url_that_is_not_of_plain_http_is_refused_at_once() {
        for url in [
            "https://cloud.bastionzero.com/",
            "",
            "http://",
            "http://a b",
        ] {
            assert!(register_at(url.to_owned(), PATIENCE).is_err(), "{url}");
        }
    }

    #[test]
    fn a_channel_that_breaks_is_opened_again() {
        let url = service(vec![
            |it| say(it, "HTTP/1.1 200 OK\r\n\r\n"),
            |it| say(it, "HTTP/1.1 403 Forbidden\r\n\r\n"),
            |it| say(it, "HTTP/1.1 404 Not Found\r\n\r\n"),
        ]);
        let (sender, ended) = channel();
        thread::spawn(move || {
            keep_channel(&url, "0a-1b");
            sender.send(())
        });
        let ended = ended.recv_timeout(SOON);
        ended.expect("a service without channels is left alone");
    }
}
