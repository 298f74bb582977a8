//! The state of one schedule: a clock, an Engine or a Swarm, and the actors that call
//! webhooks.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

use dynamic_access::platform::HttpRequest;

use crate::fate::Fate;
use crate::model::swarm::{Move, Nodes};
use crate::model::{Change, Happening, Key, Op, Orchestrator, Reply, State, What};
use crate::promise;
use crate::scenario::{BEGINNING, LATE_WITHIN, Left, Scenario, Webhook};

/// An Engine finishes what it has begun within this time.
const HALF_DONE: Duration = Duration::from_secs(10);

#[derive(Debug, Clone, Default)]
pub enum Wait {
    /// To be called.
    #[default]
    Call,
    /// For nothing: it can go on.
    Nothing,
    /// For the Engine.
    Engine(Box<Call>),
    /// For a moment.
    Until(Duration),
    /// For nothing any more: it has ended.
    Over,
}

/// The sender of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct By {
    pub actor: usize,
    /// Whether it was sent after the answer.
    pub in_tail: bool,
}

#[derive(Debug, Clone)]
pub struct Sent {
    pub by: By,
    pub op: Rc<Op>,
    pub key: Key,
    pub at: Duration,
}

/// A call to the Engine that is under way.
#[derive(Debug, Clone)]
pub struct Call {
    pub sent: Sent,
    pub deadline: Duration,
    pub fate: Option<Fate>,
    /// What its first step has left for the second.
    pub half: Option<Key>,
    /// The Engine's answer.
    pub truth: Option<Reply>,
}

/// A request whose answer nobody waits for, and that may still take effect.
#[derive(Debug, Clone)]
pub struct Drift {
    pub sent: Sent,
    pub half: Option<(Key, Duration)>,
}

/// One call of a webhook, as the schedule sees it.
#[derive(Debug, Clone, Default)]
pub struct Actor {
    pub name: Rc<str>,
    pub webhook: Webhook,
    pub arrived: Duration,
    pub wait: Wait,
    /// A digest of all its inputs, and so of everything it knows.
    pub history: u64,
    /// The status of its answer, and its `Retry-After` in seconds.
    pub answer: Option<(u16, Option<u64>)>,
    /// The targets that ran, and those that had ended, while it was at work.
    pub seen_running: BTreeSet<Key>,
    pub seen_ended: BTreeSet<Key>,
    /// The services of a Swarm that it vouched for, whether it knows that or not.
    pub vouched: BTreeSet<Key>,
    calls: usize,
    /// Its last two requests, and how many in a row repeated one of them.
    recent: [Option<Rc<Op>>; 2],
    repeats: usize,
}

impl Actor {
    pub fn is_alive(&self) -> bool {
        !matches!(self.wait, Wait::Over)
    }

    /// Whether it repeats the same request, as a waiting actor does; false for a few of
    /// the repetitions.
    pub fn is_waiting(&self) -> bool {
        self.is_alive() && !matches!(self.repeats, 0 | 1 | 4 | 16)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    Work,
    Again { webhook: usize, tries: usize },
    Reap(usize),
    Over,
}

#[derive(Debug, Clone)]
pub struct World {
    pub scenario: Rc<Scenario>,
    pub phase: Phase,
    /// The events that may still happen.
    pub left: Left,
    /// Whether the calls of an actor have begun to meet a lasting fate.
    pub hit: bool,
    pub now: Duration,
    pub orchestrator: Orchestrator,
    pub actors: Vec<Actor>,
    pub drifts: Vec<Drift>,
    /// The targets that some answer has called running.
    pub promised: BTreeSet<Key>,
    /// The ages up to which answers have said that targets are renewed.
    pub renewed: BTreeMap<Key, Duration>,
    /// The first broken promise.
    pub broken: Option<String>,
    /// The transcript, if somebody wants to read it.
    pub transcript: Option<Vec<String>>,
}

impl World {
    pub fn new(scenario: Rc<Scenario>, with_transcript: bool) -> Self {
        let orchestrator = scenario.orchestrator();
        let ours: Vec<_> = orchestrator.ours().collect();
        let running = ours.iter().filter(|one| one.state == State::Running);
        let promised = running.map(|one| one.key).collect();
        let keys = ours.iter().map(|one| one.key);
        let renewed = keys.map(|key| (key, orchestrator.renewed(key))).collect();
        Self {
            phase: Phase::Work,
            left: scenario.left,
            hit: false,
            now: BEGINNING,
            promised,
            renewed,
            orchestrator,
            scenario,
            actors: Vec::new(),
            drifts: Vec::new(),
            broken: None,
            transcript: with_transcript.then(Vec::new),
        }
    }

    /// Adds an actor that will arrive.
    pub fn expect(&mut self, name: String, webhook: Webhook) {
        self.actors.push(Actor {
            name: name.into(),
            webhook,
            ..Actor::default()
        });
    }

    /// Lets an actor begin, with the targets that it can see at that moment.
    pub fn arrive(&mut self, actor: usize) {
        let in_state = |states: &[State]| {
            let ours = self.orchestrator.ours();
            let found = ours.filter(|target| states.contains(&target.state));
            found.map(|target| target.key).collect()
        };
        let seen_running = in_state(&[State::Running]);
        let seen_ended = in_state(&[State::Exited, State::Dead, State::Stopping]);
        let actor = &mut self.actors[actor];
        (actor.arrived, actor.wait) = (self.now, Wait::Nothing);
        (actor.seen_running, actor.seen_ended) = (seen_running, seen_ended);
    }

    /// Follows a change, with or without a request for it.
    pub fn changed(&mut self, by: Option<By>, change: Change) {
        self.note(|_| format!("    {change}"));
        let is_at_work = |actor: &&mut Actor| !matches!(actor.wait, Wait::Over | Wait::Call);
        for witness in self.actors.iter_mut().filter(is_at_work) {
            let seen = match change.what {
                What::Runs if change.to == Some(State::Running) => &mut witness.seen_running,
                // It may run although it should end.
                What::Runs | What::Ends => &mut witness.seen_ended,
                What::Withdrawn if change.from == Some(State::Running) => &mut witness.seen_ended,
                _ => continue,
            };
            seen.insert(change.key);
        }
        let swarm = self.orchestrator.as_swarm();
        if let Some(by) = by
            && swarm.is_some_and(|swarm| swarm.is_vouch(change))
        {
            self.actors[by.actor].vouched.insert(change.key);
        }
        let outcome = promise::on_change(self, by, change);
        self.check(outcome);
    }

    /// Lets a request take effect whose answer nobody waits for.
    pub fn land(&mut self, number: usize) {
        let drift = &mut self.drifts[number];
        let Sent { by, op, key, .. } = drift.sent.clone();
        let mut half = drift.half.map(|(key, _)| key);
        let (change, reply) = self.orchestrator.step(&op, &mut half, key, self.now);
        drift.half = half.map(|key| (key, self.now));
        if reply.is_some() {
            self.drifts.remove(number);
        }
        self.note(|world| format!("{}: {op} takes effect late", world.actors[by.actor].name));
        if let Some(change) = change {
            self.changed(Some(by), change);
        }
    }

    /// Turns the clock: finishes what has begun, and drops requests that can no longer
    /// take effect.
    pub fn pass(&mut self, until: Duration) {
        if self.phase != Phase::Work {
            self.settle();
        }
        let mut number = 0;
        while let Some(drift) = self.drifts.get(number) {
            match drift.half {
                Some((_, since)) if since + HALF_DONE <= until => self.land(number),
                None if drift.sent.at + LATE_WITHIN < until => {
                    self.drifts.remove(number);
                }
                _ => number += 1,
            }
        }
        self.now = until;
    }

    /// Lets something happen that no request asks for.
    pub fn happen(&mut self, event: Happening) {
        let changes = self.orchestrator.happen(event, self.now);
        self.note(|_| format!("it happens: {event:?}"));
        for change in changes {
            self.changed(None, change);
        }
    }

    /// Lets all tasks go on as far as they can by themselves.
    pub fn settle(&mut self) {
        while let Orchestrator::Swarm(swarm) = &self.orchestrator {
            let is_usual = |(_, next): &(Key, Move)| {
                let is_reject = *next == Move::Reject && swarm.has_image;
                !is_reject && !matches!(next, Move::NoNode | Move::Forget)
            };
            let Some((key, next)) = swarm.moves().find(is_usual) else {
                return;
            };
            self.happen(Happening::Move(key, next));
        }
    }

    pub fn is_node_lost(&self) -> bool {
        let swarm = self.orchestrator.as_swarm();
        swarm.is_some_and(|swarm| swarm.nodes == Nodes::OneLost)
    }

    /// Whether an actor created the target with this id, if there ever was one.
    pub fn has_created(&self, actor: usize, id: &str) -> bool {
        let mut calls = 0..self.actors[actor].calls;
        calls.any(|call| self.orchestrator.id_of(Key { actor, call }) == id)
    }

    pub fn note(&mut self, text: impl FnOnce(&Self) -> String) {
        if self.transcript.is_some() {
            let since = (self.now - BEGINNING).as_secs_f64();
            let line = format!("{since:>10.3}  {}", text(self));
            if let Some(transcript) = &mut self.transcript {
                transcript.push(line);
            }
        }
    }

    pub fn check(&mut self, outcome: Result<(), String>) {
        if let (Err(problem), None) = (outcome, &self.broken) {
            self.broken = Some(problem);
        }
    }

    /// Lets an actor send a request.
    pub fn send(&mut self, actor: usize, request: &HttpRequest, limit: Duration) {
        let op = Op::read(request);
        let outcome = promise::on_request(self, actor, request, &op);
        self.check(outcome);
        let at = self.now;
        let sender = &mut self.actors[actor];
        let call = sender.calls;
        sender.calls += 1;
        let is_repeated = sender.recent.iter().flatten().any(|recent| *recent == op);
        sender.repeats = if is_repeated { sender.repeats + 1 } else { 0 };
        sender.recent.rotate_left(1);
        sender.recent[1] = Some(Rc::clone(&op));
        let in_tail = sender.answer.is_some();
        let (by, key) = (By { actor, in_tail }, Key { actor, call });
        sender.wait = Wait::Engine(Box::new(Call {
            sent: Sent { by, op, key, at },
            deadline: at + limit,
            fate: None,
            half: None,
            truth: None,
        }));
    }
}
