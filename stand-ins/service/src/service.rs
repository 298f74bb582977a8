//! The service that agents talk to: it accepts registrations and holds control channels. A target is online while it has one.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context, Result};
use dev::message::{Connection, Head};
use serde_json::{Value, json};

use crate::agents::Agents;

/// How long an agent may be silent before it is online.
const SILENCE_BOUND: Duration = Duration::from_secs(5);

/// A registration has a few hundred bytes, and a line of a session is a few words.
const REQUEST_BYTES_MAX: u64 = 16 * 1024;

/// How long the service waits for its own thread to notice the end.
const SELF_BOUND: Duration = Duration::from_secs(1);

/// A running service; dropping it ends it and every control channel.
pub struct Service {
    url: String,
    address: SocketAddr,
    agents: Arc<Agents>,
    has_ended: Arc<AtomicBool>,
    accepting: Option<JoinHandle<()>>,
}

impl Service {
    /// Listens on an address that agents can reach; port 0 picks a free port.
    pub fn listen(address: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind(address)
            .with_context(|| format!("failed to listen for agents on {address}"))?;
        let address = listener.local_addr()?;
        let agents = Arc::new(Agents::default());
        let has_ended = Arc::new(AtomicBool::new(false));
        let accepting = {
            let (agents, has_ended) = (agents.clone(), has_ended.clone());
            thread::spawn(move || accept(&listener, &agents, &has_ended))
        };
        Ok(Self {
            url: format!("http://{address}"),
            address,
            agents,
            has_ended,
            accepting: Some(accepting),
        })
    }

    /// The `serviceUrl` for agents.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// From now on also accepts tokens that it has not given out, and calls `notice` for each.
    pub fn admit_anyone(&self, notice: impl Fn() + Send + 'static) {
        self.agents.admit_anyone(notice);
    }

    /// From now on leaves registrations without an answer until they are refused.
    pub fn keep_registrations_waiting(&self) {
        self.agents.keep_waiting();
    }

    /// From now on answers every registration with 403, as for an expired token.
    pub fn refuse_registrations(&self) {
        self.agents.refuse();
    }

    pub(crate) fn agents(&self) -> &Arc<Agents> {
        &self.agents
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.has_ended.store(true, Ordering::Relaxed);
        // A registration that waits would keep the thread.
        self.agents.refuse();
        // The thread notices the end at its next connection.
        let is_awake = TcpStream::connect_timeout(&self.address, SELF_BOUND).is_ok();
        if let Some(accepting) = self.accepting.take().filter(|_| is_awake) {
            // A panic there has already been printed.
            let _ = accepting.join();
        }
        self.agents.close();
    }
}

/// Serves one agent after the other: they are few, and each is bounded until it is online.
fn accept(listener: &TcpListener, agents: &Arc<Agents>, has_ended: &AtomicBool) {
    for stream in listener.incoming().flatten() {
        if has_ended.load(Ordering::Relaxed) {
            return;
        }
        // An agent whose connection breaks tries again.
        let _ = answer(stream, agents);
    }
}

fn answer(mut stream: TcpStream, agents: &Arc<Agents>) -> Result<()> {
    stream.set_read_timeout(Some(SILENCE_BOUND))?;
    stream.set_write_timeout(Some(SILENCE_BOUND))?;
    let mut connection = Connection::new(stream.try_clone()?.take(REQUEST_BYTES_MAX));
    let request = connection.message().context("no whole request")?;
    let head = Head::of(&request).context("a whole request has a head")?;
    let mut words = head.line.split(' ');
    let (method, target) = (words.next(), words.next().unwrap_or_default());
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let id = query.strip_prefix("targetId=").unwrap_or_default();
    match (method, path) {
        (Some("POST"), "/api/v2/agent/register") => match register(&head.body(), agents) {
            Some(id) => respond(&mut stream, "200 OK", &json!({"targetId": id})),
            None => respond(&mut stream, "403 Forbidden", &json!({})),
        },
        (Some("GET"), "/api/v2/agent/control-channel") => match agents.is_registered(id) {
            true => hold(stream, id.to_owned(), agents),
            false => respond(&mut stream, "403 Forbidden", &json!({})),
        },
        (Some("POST"), "/api/v2/agent/echo") => {
            agents.hear(id, &head.body());
            respond(&mut stream, "200 OK", &json!({}))
        }
        _ => respond(&mut stream, "404 Not Found", &json!({})),
    }
}

fn register(body: &[u8], agents: &Agents) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    agents.register(body["activationToken"].as_str()?)
}

fn respond(stream: &mut TcpStream, status: &str, body: &Value) -> Result<()> {
    let body = body.to_string();
    let length = body.len();
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
    Ok(stream.write_all(answer.as_bytes())?)
}

/// Holds a control channel, which makes the target online. A new channel ends the one before it.
fn hold(mut stream: TcpStream, id: String, agents: &Arc<Agents>) -> Result<()> {
    stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")?;
    // A session may be silent for days. The channel ends with its connection, on which the agent sends nothing.
    stream.set_read_timeout(None)?;
    let number = agents.connected(&id, stream.try_clone()?);
    let agents = agents.clone();
    thread::spawn(move || {
        let _ = stream.read(&mut [0]);
        agents.disconnected(&id, number);
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader};

    use super::*;

    /// Long enough for a busy machine.
    const PATIENCE: Duration = Duration::from_secs(20);

    fn service() -> Service {
        Service::listen("127.0.0.1:0".parse().unwrap()).unwrap()
    }

    /// Sends a request, and returns the head of the answer and the rest of the connection.
    fn ask(service: &Service, request: &str) -> (String, BufReader<TcpStream>) {
        let mut stream = TcpStream::connect(service.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut reader = BufReader::new(stream);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head).unwrap() > 0 {}
        (head, reader)
    }

    fn register(service: &Service, token: &str) -> Option<String> {
        let body = json!({"activationToken": token}).to_string();
        let length = body.len();
        let request = format!("POST /api/v2/agent/register HTTP/1.1\r\nContent-Length: {length}");
        let (head, mut rest) = ask(service, &format!("{request}\r\n\r\n{body}"));
        let mut body = String::new();
        rest.read_to_string(&mut body).unwrap();
        let body: Value = serde_json::from_str(&body).unwrap();
        match head.get(..13) {
            Some("HTTP/1.1 200 ") => Some(body["targetId"].as_str().unwrap().to_owned()),
            Some("HTTP/1.1 403 ") => None,
            _ => panic!("{head}"),
        }
    }

    fn connect(service: &Service, id: &str) -> (String, BufReader<TcpStream>) {
        ask(
            service,
            &format!("GET /api/v2/agent/control-channel?targetId={id} HTTP/1.1\r\n\r\n"),
        )
    }

    fn online(service: &Service) -> (String, BufReader<TcpStream>) {
        let (_, token) = service.agents().invite();
        let id = register(service, &token).unwrap();
        let (head, channel) = connect(service, &id);
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        assert!(service.agents().wait_for(&id, true, PATIENCE));
        (id, channel)
    }

    #[test]
    fn a_token_admits_one_agent() {
        let service = service();
        let (id, token) = service.agents().invite();
        assert_eq!(register(&service, &token), Some(id));
        assert_eq!(register(&service, &token), None);
        assert_eq!(register(&service, "unknown"), None);
    }

    #[test]
    fn a_service_that_admits_anyone_takes_unknown_tokens_once() {
        let service = service();
        service.admit_anyone(|| {});
        let id = register(&service, "unknown").unwrap();
        assert_eq!(register(&service, "unknown"), None);
        let (head, _channel) = connect(&service, &id);
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    }

    #[test]
    fn only_who_has_registered_has_a_channel() {
        let service = service();
        let (invited, _) = service.agents().invite();
        for id in [invited.as_str(), "unknown", ""] {
            let (head, _) = connect(&service, id);
            assert!(head.starts_with("HTTP/1.1 403 "), "{head}");
        }
        let (head, _) = ask(&service, "GET / HTTP/1.1\r\n\r\n");
        assert!(head.starts_with("HTTP/1.1 404 "), "{head}");
    }

    #[test]
    fn a_further_channel_takes_the_place_of_the_first() {
        let service = service();
        let (id, mut first) = online(&service);
        let (_, second) = connect(&service, &id);
        assert_eq!(first.read_line(&mut String::new()).unwrap(), 0);
        drop(first);
        assert!(
            !service
                .agents()
                .wait_for(&id, false, Duration::from_millis(50))
        );
        drop(second);
        assert!(service.agents().wait_for(&id, false, PATIENCE));
    }

    #[test]
    fn the_end_of_the_service_is_the_end_of_its_channels() {
        let service = service();
        let (_, mut channel) = online(&service);
        drop(service);
        assert_eq!(channel.read_line(&mut String::new()).unwrap(), 0);
    }
}
