//! The agents: who may register, who has registered, and who is online.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::channel::Channel;
use crate::uuid;

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
    channel: Option<Arc<Channel>>,
}

/// A place for one agent.
pub struct Invitation {
    /// What BastionZero calls the target.
    pub target_id: String,
    /// The single-use token of its agent.
    pub activation_token: String,
}

impl Agents {
    /// Makes a place for one more agent.
    pub fn invite(&self) -> Invitation {
        let invitation = Invitation {
            target_id: uuid(),
            activation_token: uuid(),
        };
        let agent = Agent {
            token: invitation.activation_token.clone(),
            is_registered: false,
            channel: None,
        };
        let id = invitation.target_id.clone();
        self.known().agents.insert(id, agent);
        invitation
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

    /// Notes that the target is online over this channel, which replaces an earlier one.
    pub fn connected(&self, target_id: &str, channel: &Arc<Channel>) {
        if let Some(agent) = self.known().agents.get_mut(target_id)
            && let Some(earlier) = agent.channel.replace(channel.clone())
        {
            earlier.close();
        }
        self.changed.notify_all();
    }

    /// Notes that this channel has ended; the target is offline unless it has a newer one.
    pub fn disconnected(&self, target_id: &str, channel: &Arc<Channel>) {
        if let Some(agent) = self.known().agents.get_mut(target_id) {
            agent
                .channel
                .take_if(|current| Arc::ptr_eq(current, channel));
        }
        self.changed.notify_all();
    }

    /// The channel of an online target.
    pub fn channel(&self, target_id: &str) -> Option<Arc<Channel>> {
        self.known().channel(target_id)
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
        for agent in self.known().agents.values() {
            if let Some(channel) = &agent.channel {
                channel.close();
            }
        }
    }

    /// No change is ever half done, so a panic in another thread does not matter.
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn channel(&self, target_id: &str) -> Option<Arc<Channel>> {
        self.agents.get(target_id)?.channel.clone()
    }
}
