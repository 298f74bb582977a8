//! The service that agents talk to: it accepts registrations and holds control channels.
//!
//! An agent is online while it holds a control channel, an answer without an end. A session is a line that the service
//! writes into it, and that the agent echoes in a call of its own.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context, Result};
use dev::message::{Connection, Head};
use serde_json::{Value, json};

use crate::uuid;

/// How long an agent may be silent before it is online.
const SILENCE_BOUND: Duration = Duration::from_secs(5);

/// A registration has a few hundred bytes, and a line of a session is a few words.
const REQUEST_BYTES_MAX: u64 = 16 * 1024;

/// How long the service waits for its own thread to notice the end.
const SELF_BOUND: Duration = Duration::from_secs(1);

/// An agent echoes a line at once, unless the machine is busy.
const ECHO_BOUND: Duration = Duration::from_secs(10);

/// A running service; dropping it ends it and every control channel.
pub struct Service {
    url: String,
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

/// The state that the service's threads share.
#[derive(Default)]
struct Shared {
    known: Mutex<Known>,
    changed: Condvar,
}

#[derive(Default)]
struct Known {
    /// By the target's id. There is one for each started target, and none is ever removed.
    agents: BTreeMap<String, Agent>,
    has_ended: bool,
    /// How many channels there have been.
    channels: u64,
    /// Called when an agent registers with a token that was not given out; without it, none can.
    admits_anyone: Option<Box<dyn Fn() + Send>>,
}

#[derive(Default)]
struct Agent {
    token: String,
    is_registered: bool,
    channel: Option<Channel>,
}

struct Channel {
    /// Distinguishes it from an earlier one of the same agent.
    number: u64,
    stream: TcpStream,
    /// The last line that came back.
    heard: Option<String>,
}

impl Service {
    /// Listens on an address that agents can reach; port 0 picks a free port.
    pub fn listen(address: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind(address)
            .with_context(|| format!("failed to listen for agents on {address}"))?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::default());
        let accepting = {
            let shared = shared.clone();
            thread::spawn(move || accept(&listener, &shared))
        };
        Ok(Self {
            url: format!("http://{address}"),
            address,
            shared,
            accepting: Some(accepting),
        })
    }

    /// The `serviceUrl` for agents.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// From now on also accepts tokens that it has not given out, and calls `notice` for each.
    pub fn admit_anyone(&self, notice: impl Fn() + Send + 'static) {
        self.shared.known().admits_anyone = Some(Box::new(notice));
    }

    /// Makes a place for one more agent. Returns what BastionZero calls the target, and the single-use token of its agent.
    pub(crate) fn invite(&self) -> (String, String) {
        let (id, token) = (uuid(), uuid());
        let agent = Agent {
            token: token.clone(),
            ..Agent::default()
        };
        self.shared.known().agents.insert(id.clone(), agent);
        (id, token)
    }

    /// Whether an agent has registered as this target.
    pub(crate) fn is_registered(&self, target_id: &str) -> bool {
        self.shared.is_registered(target_id)
    }

    /// Sends a line to an online target, and returns the one that comes back.
    pub(crate) fn say(&self, target_id: &str, line: &str) -> Result<String> {
        let mut known = self.shared.known();
        let channel = known.channel(target_id).context("the target is offline")?;
        channel.heard = None;
        (&channel.stream)
            .write_all(format!("{line}\n").as_bytes())
            .context("the control channel is broken")?;
        let is_silent = |known: &mut Known| {
            let channel = known.channel(target_id);
            channel.is_some_and(|channel| channel.heard.is_none())
        };
        let changed = &self.shared.changed;
        let waited = changed.wait_timeout_while(known, ECHO_BOUND, is_silent);
        let (mut known, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let channel = known.channel(target_id);
        let heard = channel.and_then(|channel| channel.heard.take());
        heard.context("nothing came back for a line over the control channel")
    }

    /// Waits until a target is online, or offline. Returns whether it is within `patience`.
    pub(crate) fn wait_for(&self, target_id: &str, online: bool, patience: Duration) -> bool {
        let waiting = |known: &mut Known| known.channel(target_id).is_some() != online;
        let (known, changed) = (self.shared.known(), &self.shared.changed);
        let waited = changed.wait_timeout_while(known, patience, waiting);
        let (_known, outcome) = waited.unwrap_or_else(PoisonError::into_inner);
        !outcome.timed_out()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.shared.known().has_ended = true;
        // The thread notices the end at its next connection.
        let is_awake = TcpStream::connect_timeout(&self.address, SELF_BOUND).is_ok();
        if let Some(accepting) = self.accepting.take().filter(|_| is_awake) {
            // A panic there has already been printed.
            let _ = accepting.join();
        }
        for agent in self.shared.known().agents.values() {
            agent.channel.as_ref().inspect(|channel| channel.close());
        }
    }
}

impl Shared {
    /// No change is ever half done, so a panic in another thread does not matter.
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_registered(&self, target_id: &str) -> bool {
        let known = self.known();
        let agent = known.agents.get(target_id);
        agent.is_some_and(|agent| agent.is_registered)
    }

    /// Registers an agent and returns the target's id; `None` if the token is unknown or used.
    fn register(&self, body: &[u8]) -> Option<String> {
        let body: Value = serde_json::from_slice(body).ok()?;
        let token = body["activationToken"].as_str()?;
        let mut known = self.known();
        let mut agents = known.agents.iter_mut();
        if let Some((id, agent)) = agents.find(|(_, agent)| agent.token == token) {
            let is_first = !std::mem::replace(&mut agent.is_registered, true);
            return is_first.then(|| id.clone());
        }
        known.admits_anyone.as_ref()?();
        let (id, token) = (uuid(), token.to_owned());
        let agent = Agent {
            token,
            is_registered: true,
            channel: None,
        };
        known.agents.insert(id.clone(), agent);
        Some(id)
    }

    /// Holds a control channel, which makes the target online. A new channel ends the one before it.
    fn hold(self: &Arc<Self>, mut stream: TcpStream, id: String) -> Result<()> {
        stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")?;
        // A session may be silent for days. The channel ends with its connection, on which the agent sends nothing.
        stream.set_read_timeout(None)?;
        let mut known = self.known();
        known.channels += 1;
        let channel = Channel {
            number: known.channels,
            stream: stream.try_clone()?,
            heard: None,
        };
        let number = channel.number;
        if let Some(agent) = known.agents.get_mut(&id) {
            let earlier = agent.channel.replace(channel);
            earlier.inspect(Channel::close);
        }
        drop(known);
        self.changed.notify_all();
        let shared = self.clone();
        thread::spawn(move || {
            let _ = stream.read(&mut [0]);
            // The target is offline unless it has a newer channel.
            if let Some(agent) = shared.known().agents.get_mut(&id) {
                agent.channel.take_if(|current| current.number == number);
            }
            shared.changed.notify_all();
        });
        Ok(())
    }
}

impl Known {
    fn channel(&mut self, target_id: &str) -> Option<&mut Channel> {
        self.agents.get_mut(target_id)?.channel.as_mut()
    }
}

impl Channel {
    fn close(&self) {
        // This fails if the other side has already gone.
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}

/// Serves one agent after the other: they are few, and each is bounded until it is online.
fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for stream in listener.incoming().flatten() {
        if shared.known().has_ended {
            return;
        }
        // An agent whose connection breaks tries again.
        let _ = answer(stream, shared);
    }
}

fn answer(mut stream: TcpStream, shared: &Arc<Shared>) -> Result<()> {
    stream.set_read_timeout(Some(SILENCE_BOUND))?;
    stream.set_write_timeout(Some(SILENCE_BOUND))?;
    let mut connection = Connection::new(stream.try_clone()?.take(REQUEST_BYTES_MAX));
    let request = connection.message().context("no whole request")?;
    let head = Head::of(&request).context("a whole request has a head")?;
    let mut words = head.line.split(' ');
    let (method, target) = (words.next(), words.next().unwrap_or_default());
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let id = query.strip_prefix("targetId=").unwrap_or_default();
    let (status, body) = match (method, path) {
        (Some("POST"), "/api/v2/agent/register") => match shared.register(&head.body()) {
            Some(id) => ("200 OK", json!({"targetId": id})),
            None => ("403 Forbidden", json!({})),
        },
        (Some("GET"), "/api/v2/agent/control-channel") => {
            if shared.is_registered(id) {
                return shared.hold(stream, id.to_owned());
            }
            ("403 Forbidden", json!({}))
        }
        (Some("POST"), "/api/v2/agent/echo") => {
            if let Some(channel) = shared.known().channel(id) {
                let line = String::from_utf8_lossy(&head.body()).into_owned();
                channel.heard = Some(line.trim_end().to_owned());
            }
            shared.changed.notify_all();
            ("200 OK", json!({}))
        }
        _ => ("404 Not Found", json!({})),
    };
    let (body, close) = (body.to_string(), "Connection: close");
    let length = body.len();
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n{close}\r\n\r\n");
    Ok(stream.write_all([head, body].concat().as_bytes())?)
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

    /// Sends a request, and returns the status of the answer and the rest of the connection.
    fn ask(service: &Service, request: &str) -> (u16, BufReader<TcpStream>) {
        let mut stream = TcpStream::connect(service.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut reader = BufReader::new(stream);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head).unwrap() > 0 {}
        (head[9..12].parse().unwrap(), reader)
    }

    fn register(service: &Service, token: &str) -> Option<String> {
        let body = json!({"activationToken": token}).to_string();
        let length = body.len();
        let request = format!("POST /api/v2/agent/register HTTP/1.1\r\nContent-Length: {length}");
        let (status, rest) = ask(service, &format!("{request}\r\n\r\n{body}"));
        let body: Value = serde_json::from_reader(rest).unwrap();
        assert_eq!(
            status == 200,
            body["targetId"].is_string(),
            "{status} {body}"
        );
        body["targetId"].as_str().map(str::to_owned)
    }

    fn connect(service: &Service, id: &str) -> (u16, BufReader<TcpStream>) {
        let path = format!("/api/v2/agent/control-channel?targetId={id}");
        ask(service, &format!("GET {path} HTTP/1.1\r\n\r\n"))
    }

    #[test]
    fn a_token_admits_one_agent_and_an_unknown_one_only_if_anyone_is_admitted() {
        let service = service();
        let (id, token) = service.invite();
        assert_eq!(register(&service, &token), Some(id));
        assert_eq!(register(&service, &token), None);
        assert_eq!(register(&service, "unknown"), None);
        service.admit_anyone(|| {});
        let id = register(&service, "unknown").unwrap();
        assert_eq!(register(&service, "unknown"), None);
        assert_eq!(connect(&service, &id).0, 200);
    }

    #[test]
    fn only_who_has_registered_has_a_channel() {
        let service = service();
        let (invited, _) = service.invite();
        for id in [invited.as_str(), "unknown", ""] {
            assert_eq!(connect(&service, id).0, 403);
        }
        assert_eq!(ask(&service, "GET / HTTP/1.1\r\n\r\n").0, 404);
    }

    #[test]
    fn a_channel_ends_with_the_next_one_of_its_agent_and_with_the_service() {
        let service = service();
        let (id, token) = service.invite();
        register(&service, &token).unwrap();
        let (_, mut first) = connect(&service, &id);
        assert!(service.wait_for(&id, true, PATIENCE));
        let (_, second) = connect(&service, &id);
        assert_eq!(first.read_line(&mut String::new()).unwrap(), 0);
        drop(first);
        assert!(!service.wait_for(&id, false, Duration::from_millis(50)));
        drop(second);
        assert!(service.wait_for(&id, false, PATIENCE));
        let (_, mut third) = connect(&service, &id);
        assert!(service.wait_for(&id, true, PATIENCE));
        drop(service);
        assert_eq!(third.read_line(&mut String::new()).unwrap(), 0);
    }
}
