//! The agents: who may register, who has registered, and who is online.
//!
//! An agent is online while it holds a control channel, an answer without an end. A session is a line that the service
//! writes into it, and that the agent echoes in a call of its own.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::{Shutdown, TcpStream};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};

use crate::uuid;

/// An agent echoes a line at once, unless the machine is busy.
const ECHO_BOUND: Duration = Duration::from_secs(10);

/// All agents of a service, shared by its threads.
#[derive(Default)]
pub struct Agents {
    known: Mutex<Known>,
    changed: Condvar,
}

#[derive(Default)]
struct Known {
    /// By the target's id. There is one for each started target, and none is ever removed.
    agents: BTreeMap<String, Agent>,
    registrations: Registrations,
    /// How many channels there have been.
    channels: u64,
    /// Called when an agent registers with a token that was not given out; without it, none can.
    admits_anyone: Option<Box<dyn Fn() + Send>>,
}

/// What becomes of registrations.
#[derive(Default, PartialEq)]
enum Registrations {
    #[default]
    Answered,
    Waiting,
    Refused,
}

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

impl Agents {
    /// Makes a place for one more agent. Returns what BastionZero calls the target, and the single-use token of its agent.
    pub fn invite(&self) -> (String, String) {
        let (id, token) = (uuid(), uuid());
        let agent = Agent {
            token: token.clone(),
            is_registered: false,
            channel: None,
        };
        self.known().agents.insert(id.clone(), agent);
        (id, token)
    }

    /// From now on also accepts tokens that were not given out.
    pub fn admit_anyone(&self, notice: impl Fn() + Send + 'static) {
        self.known().admits_anyone = Some(Box::new(notice));
    }

    /// From now on registrations get no answer before [`Self::refuse`] is called.
    pub fn keep_waiting(&self) {
        self.known().registrations = Registrations::Waiting;
    }

    /// From now on nobody can register.
    pub fn refuse(&self) {
        self.known().registrations = Registrations::Refused;
        self.changed.notify_all();
    }

    /// Registers an agent and returns the target's id; `None` if the token is unknown or used.
    pub fn register(&self, token: &str) -> Option<String> {
        let is_waiting = |known: &mut Known| known.registrations == Registrations::Waiting;
        let mut known = self
            .changed
            .wait_while(self.known(), is_waiting)
            .unwrap_or_else(PoisonError::into_inner);
        if known.registrations == Registrations::Refused {
            return None;
        }
        if let Some((id, agent)) = known
            .agents
            .iter_mut()
            .find(|(_, agent)| agent.token == token)
        {
            let is_first = !std::mem::replace(&mut agent.is_registered, true);
            return is_first.then(|| id.clone());
        }
        known.admits_anyone.as_ref()?();
        let id = uuid();
        let agent = Agent {
            token: token.to_owned(),
            is_registered: true,
            channel: None,
        };
        known.agents.insert(id.clone(), agent);
        Some(id)
    }

    /// Whether an agent has registered as this target.
    pub fn is_registered(&self, target_id: &str) -> bool {
        let known = self.known();
        let agent = known.agents.get(target_id);
        agent.is_some_and(|agent| agent.is_registered)
    }

    /// Notes that the target is online over this channel, which replaces an earlier one. Returns its number.
    pub fn connected(&self, target_id: &str, stream: TcpStream) -> u64 {
        let mut known = self.known();
        known.channels += 1;
        let channel = Channel {
            number: known.channels,
            stream,
            heard: None,
        };
        let number = channel.number;
        if let Some(agent) = known.agents.get_mut(target_id)
            && let Some(earlier) = agent.channel.replace(channel)
        {
            earlier.close();
        }
        self.changed.notify_all();
        number
    }

    /// Notes that this channel has ended; the target is offline unless it has a newer one.
    pub fn disconnected(&self, target_id: &str, number: u64) {
        if let Some(agent) = self.known().agents.get_mut(target_id) {
            agent.channel.take_if(|current| current.number == number);
        }
        self.changed.notify_all();
    }

    /// Sends a line to an online target, and returns the one that comes back.
    pub fn say(&self, target_id: &str, line: &str) -> Result<String> {
        let mut known = self.known();
        let channel = known.channel(target_id).context("the target is offline")?;
        channel.heard = None;
        (&channel.stream)
            .write_all(format!("{line}\n").as_bytes())
            .context("the control channel is broken")?;
        let is_silent = |known: &mut Known| {
            let channel = known.channel(target_id);
            channel.is_some_and(|channel| channel.heard.is_none())
        };
        let (mut known, _) = self
            .changed
            .wait_timeout_while(known, ECHO_BOUND, is_silent)
            .unwrap_or_else(PoisonError::into_inner);
        let channel = known.channel(target_id);
        let heard = channel.and_then(|channel| channel.heard.take());
        heard.context("nothing came back for a line over the control channel")
    }

    /// Notes a line that an agent has sent.
    pub fn hear(&self, target_id: &str, line: &[u8]) {
        if let Some(channel) = self.known().channel(target_id) {
            channel.heard = Some(String::from_utf8_lossy(line).trim_end().to_owned());
        }
        self.changed.notify_all();
    }

    /// Waits until a target is online, or offline. Returns whether it is within `patience`.
    pub fn wait_for(&self, target_id: &str, online: bool, patience: Duration) -> bool {
        let waiting = |known: &mut Known| known.channel(target_id).is_some() != online;
        let (_known, outcome) = self
            .changed
            .wait_timeout_while(self.known(), patience, waiting)
            .unwrap_or_else(PoisonError::into_inner);
        !outcome.timed_out()
    }

    /// Ends every channel.
    pub fn close(&self) {
        let known = self.known();
        let channels = known
            .agents
            .values()
            .filter_map(|agent| agent.channel.as_ref());
        channels.for_each(Channel::close);
    }

    /// No change is ever half done, so a panic in another thread does not matter.
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
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
