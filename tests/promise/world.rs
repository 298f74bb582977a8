//! Everything there is in one schedule: a clock, an Engine, and the actors
//! that call webhooks. [`Shell`] is what an actor sees of it.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::future::{Future, poll_fn};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use dynamic_access::platform::{HttpRequest, HttpResponse, Keep, Platform, TransportError};
use dynamic_access::server;

use crate::fate::Fate;
use crate::model::{Change, Container, Engine, Key, Op, Reply, State};
use crate::promise;
use crate::scenario::{BEGINNING, Scenario, Webhook, is_foreign};

/// What an actor waits for.
#[derive(Debug)]
pub enum Wait {
    /// To be called.
    Call,
    /// For nothing: it is at work.
    Nothing,
    /// For the Engine.
    Engine(Box<Call>),
    /// For a moment.
    Until(Duration),
    /// For nothing any more.
    Over,
}

/// Whose request it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct By {
    pub actor: usize,
    /// Whether it was sent after the answer, for which it is then not needed.
    pub in_tail: bool,
}

/// A call to the Engine that is under way.
#[derive(Debug)]
pub struct Call {
    pub op: Rc<Op>,
    pub key: Key,
    pub sent: Duration,
    pub deadline: Duration,
    pub fate: Option<Fate>,
    pub by: By,
    /// What its first step has left for the second.
    pub half: Option<Key>,
    /// What the Engine has answered.
    pub truth: Option<Reply>,
}

/// A request whose answer nobody waits for, and that may yet take effect.
#[derive(Debug)]
pub struct Drift {
    pub by: By,
    pub op: Rc<Op>,
    pub key: Key,
    pub sent: Duration,
    pub half: Option<(Key, Duration)>,
}

/// One call of a webhook, as the schedule sees it.
#[derive(Debug)]
pub struct Actor {
    pub name: String,
    pub webhook: Webhook,
    pub arrived: Duration,
    pub wait: Wait,
    /// What the actor has been told, or is about to be.
    pub told: Option<Result<HttpResponse, TransportError>>,
    /// Stands for all it was ever told, and so for all it knows.
    pub memory: u64,
    /// The status of its answer, and the seconds it gives to wait.
    pub answer: Option<(u16, Option<u64>)>,
    /// What ran while it was at work, and whose target had ended.
    pub seen_running: BTreeSet<Key>,
    pub seen_ended: BTreeSet<Key>,
    calls: usize,
    draws: u64,
    /// Its last two requests, and how many in a row were one of those before.
    recent: [Option<Rc<Op>>; 2],
    repeats: usize,
}

impl Actor {
    pub fn is_alive(&self) -> bool {
        !matches!(self.wait, Wait::Over)
    }

    /// Whether it asks the same again and again, as one does who waits, but
    /// for a few of those times.
    pub fn is_waiting(&self) -> bool {
        self.is_alive() && !matches!(self.repeats, 0 | 1 | 4 | 16)
    }

    fn is_at_work(&self) -> bool {
        !matches!(self.wait, Wait::Over | Wait::Call)
    }
}

/// Everything there is.
#[derive(Debug)]
pub struct World {
    pub scenario: Rc<Scenario>,
    pub now: Duration,
    pub engine: Engine,
    pub actors: Vec<Actor>,
    pub drifts: Vec<Drift>,
    /// The name and the environment of each container there ever was.
    pub orders: BTreeMap<Key, (String, String)>,
    /// The first thing that was not as promised.
    pub broken: Option<String>,
    /// What happened, when somebody wants to read it.
    pub transcript: Option<Vec<String>>,
}

impl World {
    pub fn new(scenario: Rc<Scenario>, with_transcript: bool) -> Self {
        let engine = scenario.engine();
        let ours = engine.containers.iter();
        let ours = ours.filter(|container| !is_foreign(container.key));
        let orders = ours.map(order_of).collect();
        Self {
            now: BEGINNING,
            engine,
            orders,
            scenario,
            actors: Vec::new(),
            drifts: Vec::new(),
            broken: None,
            transcript: with_transcript.then(Vec::new),
        }
    }

    /// Adds an actor that is yet to arrive.
    pub fn expect(&mut self, name: String, webhook: Webhook) -> usize {
        self.actors.push(Actor {
            name,
            webhook,
            arrived: Duration::ZERO,
            wait: Wait::Call,
            told: None,
            memory: 0,
            answer: None,
            seen_running: BTreeSet::new(),
            seen_ended: BTreeSet::new(),
            calls: 0,
            draws: 0,
            recent: [None, None],
            repeats: 0,
        });
        self.actors.len() - 1
    }

    /// Lets an actor begin, with what it can see at that moment.
    pub fn arrive(&mut self, actor: usize) {
        let in_state = |states: &[State]| {
            let containers = self.engine.containers.iter();
            containers
                .filter(|container| !is_foreign(container.key))
                .filter(|container| states.contains(&container.state))
                .map(|container| container.key)
                .collect()
        };
        let running = in_state(&[State::Running]);
        let ended = in_state(&[State::Exited, State::Dead]);
        let now = self.now;
        let actor = &mut self.actors[actor];
        actor.arrived = now;
        actor.wait = Wait::Nothing;
        actor.seen_running = running;
        actor.seen_ended = ended;
    }

    /// Follows a change of the Engine, which somebody has asked for or nobody.
    pub fn changed(&mut self, by: Option<By>, change: Change) {
        self.note(|_| format!("    {change}"));
        if let (Some(container), None) = (self.engine.get(change.key), change.from) {
            let (key, order) = order_of(container);
            self.orders.insert(key, order);
        }
        for witness in self.actors.iter_mut().filter(|actor| actor.is_at_work()) {
            match (change.from, change.to) {
                (_, Some(State::Running)) => witness.seen_running.insert(change.key),
                (_, Some(State::Exited | State::Dead))
                | (Some(State::Running), Some(State::Removing)) => {
                    witness.seen_ended.insert(change.key)
                }
                _ => false,
            };
        }
        if let Some(by) = by {
            let outcome = promise::on_change(self, by, change);
            self.check(outcome);
        }
    }

    /// Whether the container of that id, if there ever was one, is an actor's.
    pub fn has_created(&self, actor: usize, id: &str) -> bool {
        let mut calls = 0..self.actors[actor].calls;
        calls.any(|call| Key { actor, call }.id() == id)
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

    fn send(&mut self, actor: usize, request: &HttpRequest, limit: Duration) {
        let op = match Op::read(request) {
            Ok(op) => op,
            // The schedule ends here; any request will do.
            Err(problem) => {
                self.check(Err(problem));
                Rc::new(Op::Image(String::new()))
            }
        };
        let outcome = promise::on_request(self, actor, request, &op);
        self.check(outcome);
        let now = self.now;
        let sender = &mut self.actors[actor];
        let key = Key {
            actor,
            call: sender.calls,
        };
        sender.calls += 1;
        let is_repeated = sender.recent.iter().flatten().any(|recent| *recent == op);
        sender.repeats = if is_repeated { sender.repeats + 1 } else { 0 };
        sender.recent.rotate_left(1);
        sender.recent[1] = Some(Rc::clone(&op));
        let by = By {
            actor,
            in_tail: sender.answer.is_some(),
        };
        sender.wait = Wait::Engine(Box::new(Call {
            op,
            key,
            sent: now,
            deadline: now + limit,
            fate: None,
            by,
            half: None,
            truth: None,
        }));
    }
}

/// What a container was made for.
fn order_of(container: &Container) -> (Key, (String, String)) {
    let label = container.labels.get("dynamic-access.environment-id");
    let environment = label.cloned().unwrap_or_default();
    (container.key, (container.name.to_string(), environment))
}

/// What stands for a value among states that are compared.
pub fn digest(value: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

pub type Shared = Rc<RefCell<World>>;

/// What an actor sees of the world.
pub struct Shell {
    world: Shared,
    actor: usize,
}

impl Platform for Shell {
    async fn send(
        &self,
        request: HttpRequest,
        limit: Duration,
        _keep: Keep,
    ) -> Result<HttpResponse, TransportError> {
        self.world.borrow_mut().send(self.actor, &request, limit);
        poll_fn(
            |_| match self.world.borrow_mut().actors[self.actor].told.take() {
                Some(told) => Poll::Ready(told),
                None => Poll::Pending,
            },
        )
        .await
    }

    fn now(&self) -> Duration {
        self.world.borrow().now
    }

    async fn sleep(&self, duration: Duration) {
        let until = self.now() + duration;
        self.world.borrow_mut().actors[self.actor].wait = Wait::Until(until);
        poll_fn(|_| {
            if self.world.borrow().now < until {
                Poll::Pending
            } else {
                Poll::Ready(())
            }
        })
        .await;
    }

    fn random(&self) -> u128 {
        let mut world = self.world.borrow_mut();
        let actor = &mut world.actors[self.actor];
        actor.draws += 1;
        let half = |salt: u8| u128::from(digest((self.actor, actor.draws, salt)));
        // The lowest bits, which shorten pauses, differ from actor to actor
        // and are small, as long pauses make short schedules.
        let bits = (half(0) << 64) | half(1);
        (bits & !0x1ff) | ((self.actor as u128 & 7) << 4)
    }
}

/// One call of a webhook, from its request to the end of its tail.
pub fn actor(world: &Shared, actor: usize) -> Pin<Box<dyn Future<Output = ()>>> {
    let world = Rc::clone(world);
    let shell = Shell {
        world: Rc::clone(&world),
        actor,
    };
    Box::pin(async move {
        let (webhook, scenario) = {
            let world = world.borrow();
            (world.actors[actor].webhook, Rc::clone(&world.scenario))
        };
        let (head, body) = webhook.request();
        let variables = |name: &'static str| scenario.variable(name);
        let answer = server::serve(&shell, &variables, &head, async move |_| Ok(body)).await;
        promise::on_answer(&world, actor, &answer.response, &answer.lines);
        if let Some(after) = answer.after {
            let lines = after.run(&shell).await;
            promise::on_tail(&world, actor, &lines);
        }
    })
}
