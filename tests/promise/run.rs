//! One schedule, from its first choice to its end.
//!
//! First the scenario's webhooks are called, in any order of their steps. Then
//! each is called again, alone and while nothing fails, until its answer is
//! the last word. Then time passes and a reaper comes, three times: after
//! three minutes, after eleven more, after nine days more.

use std::cell::{Ref, RefCell, RefMut};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::fate::{Effect, Fate, Fates};
use crate::model::swarm::Move;
use crate::model::{Op, Orchestrator, Reply};
use crate::scenario::{LATE_WITHIN, Scenario, Webhook};
use crate::schedule::Path;
use crate::steps::{Idle, Step};
use crate::world::{Call, Drift, Shared, Wait, World, actor};

/// What an Engine has begun with, it ends within this time.
const HALF_DONE: Duration = Duration::from_secs(10);

/// More steps than any schedule has that comes to an end.
const STEPS_MAX: usize = 5_000;

/// How a schedule ended.
#[derive(Debug, PartialEq, Eq)]
pub enum End {
    Over,
    MetBefore,
    Broken(String),
}

/// A schedule that has ended.
#[derive(Debug)]
pub struct Outcome {
    pub end: End,
    pub transcript: Vec<String>,
}

/// Where a schedule has got to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    Work,
    Again { webhook: usize, tries: usize },
    Reap(usize),
    Over,
}

/// A schedule that is under way.
pub struct Run<'a> {
    pub world: Shared,
    actors: Vec<Option<Pin<Box<dyn Future<Output = ()>>>>>,
    path: &'a mut Path,
    pub phase: Phase,
    pub left: Left,
    /// Whether the calls of an actor have begun to meet a lasting fate.
    hit: bool,
}

/// How much of what is bounded is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Left {
    pub faults: usize,
    pub delays: usize,
    pub ends: usize,
    pub restarts: usize,
    pub prunes: usize,
    pub lags: usize,
    pub rejections: usize,
    pub losses: usize,
}

/// Runs one schedule, with the choices of `path`.
pub fn run(scenario: &Rc<Scenario>, path: &mut Path, with_transcript: bool) -> Outcome {
    let world = World::new(Rc::clone(scenario), with_transcript);
    let bounds = scenario.swarm.unwrap_or_default();
    let mut run = Run {
        world: Rc::new(RefCell::new(world)),
        actors: Vec::new(),
        path,
        phase: Phase::Work,
        left: Left {
            faults: scenario.faults,
            delays: scenario.delays,
            ends: scenario.ends,
            restarts: scenario.restarts,
            prunes: scenario.prunes,
            lags: bounds.lags,
            rejections: bounds.rejections,
            losses: bounds.losses,
        },
        hit: false,
    };
    for (number, webhook) in scenario.webhooks.iter().enumerate() {
        run.expect(format!("{}-{}", webhook.name(), number + 1), *webhook);
    }
    let end = run.run_to_end();
    let transcript = run.world().transcript.take().unwrap_or_default();
    Outcome { end, transcript }
}

impl Run<'_> {
    fn run_to_end(&mut self) -> End {
        for _ in 0..STEPS_MAX {
            if let Some(problem) = self.world().broken.take() {
                return End::Broken(problem);
            }
            let steps = self.steps();
            if steps.is_empty() {
                return End::Over;
            }
            if !self.path.is_given() && !self.path.meet(self.state()) {
                return End::MetBefore;
            }
            let step = steps[self.path.choose(steps.len())];
            self.take(step);
        }
        End::Broken("it does not come to an end".to_owned())
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Arrive(actor) => {
                self.world().arrive(actor);
                self.note(actor, "is called");
                self.poll(actor);
            }
            Step::Act(actor) => self.act(actor),
            Step::Tell(actor) => self.tell(actor),
            Step::Land(drift) => self.land(drift),
            Step::End(key) => {
                let mut world = self.world();
                let now = world.now;
                let change = world.orchestrator.end(key, now);
                world.note(|_| "a target ends by itself".to_owned());
                world.changed(None, change);
                drop(world);
                self.left.ends -= 1;
            }
            Step::Prune(key) => {
                let mut world = self.world();
                if let Orchestrator::Engine(engine) = &mut world.orchestrator {
                    let change = engine.prune(key);
                    world.note(|_| "somebody prunes created containers".to_owned());
                    world.changed(None, change);
                }
                drop(world);
                self.left.prunes -= 1;
            }
            Step::Restart => self.restart(),
            Step::Move(key, next) => {
                self.left.rejections -=
                    usize::from(next == Move::Reject && self.left.rejections > 0);
                self.world().make(key, next);
            }
            Step::Lose => {
                self.left.losses -= 1;
                self.world().lose();
            }
            Step::FindAgain => self.world().find_again(),
            Step::Wait { until, although } => {
                self.left.delays -= usize::from(although == Idle::Actor);
                self.left.lags -= usize::from(although == Idle::Task);
                self.wait(until);
            }
            Step::GoOn => self.go_on(),
        }
    }

    /// Lets the Engine take an actor's call one step on.
    fn act(&mut self, actor: usize) {
        let mut shared = self.world();
        let world = &mut *shared;
        let Wait::Engine(call) = &mut world.actors[actor].wait else {
            unreachable!("only a call takes effect");
        };
        let fails_halfway = call.fate == Some(Fate::FailsHalfway);
        let (op, by) = (Rc::clone(&call.op), call.by);
        let (change, reply) = match (call.half, &mut world.orchestrator) {
            (Some(key), Orchestrator::Engine(engine)) if fails_halfway => {
                let change = engine.fail_halfway(key, world.now);
                (Some(change), Some(Reply::new(500, "", world.now)))
            }
            (_, orchestrator) => {
                let step = orchestrator.step(&op, &mut call.half, call.key, world.now);
                (step.change, step.reply)
            }
        };
        let is_done = reply.is_some();
        call.truth = reply;
        if let Some(change) = change {
            world.changed(Some(by), change);
        }
        drop(shared);
        if is_done {
            self.hurry(actor);
        }
    }

    /// Lets a request take effect of which nobody awaits the answer.
    fn land(&mut self, number: usize) {
        let mut shared = self.world();
        let world = &mut *shared;
        let drift = &mut world.drifts[number];
        let (by, op) = (drift.by, Rc::clone(&drift.op));
        let mut half = drift.half.map(|(key, _)| key);
        let orchestrator = &mut world.orchestrator;
        let step = orchestrator.step(&op, &mut half, drift.key, world.now);
        drift.half = half.map(|key| (key, world.now));
        if step.reply.is_some() {
            world.drifts.remove(number);
        }
        world.note(|world| {
            let name = &world.actors[by.actor].name;
            format!("{name}: {op} takes effect late")
        });
        if let Some(change) = step.change {
            world.changed(Some(by), change);
        }
    }

    /// Gives an actor the answer that it waits for.
    fn tell(&mut self, actor: usize) {
        let mut shared = self.world();
        let world = &mut *shared;
        let now = world.now;
        let Wait::Engine(call) = &world.actors[actor].wait else {
            unreachable!("only a call is answered");
        };
        let fate = call.fate.expect("a call's fate is chosen as it is made");
        let told = fate.told(&call.op, call.truth.as_ref(), now);
        let op = Rc::clone(&call.op);
        world.note(|world| {
            let name = &world.actors[actor].name;
            match &told {
                Ok(reply) => format!("{name}: {op} -> {}", reply.status),
                Err(error) => format!("{name}: {op} -> {error:?}"),
            }
        });
        let teller = &mut world.actors[actor];
        teller.memory = crate::world::digest((teller.memory, now, fate, told.as_ref().ok()));
        teller.told = Some(told.map(|reply| reply.to_http()));
        drop(shared);
        self.poll(actor);
    }

    /// Answers at once what nobody else could tell from a later answer.
    fn hurry(&mut self, actor: usize) {
        let late = self.world().scenario.late_replies && self.phase == Phase::Work;
        if !late && self.can_tell(actor) {
            self.tell(actor);
        }
    }

    /// Lets an actor go on until it waits, and chooses the fate of its call.
    fn poll(&mut self, number: usize) {
        let mut future = self.actors[number].take().expect("it has not ended");
        self.world().actors[number].wait = Wait::Nothing;
        let poll = future
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()));
        if poll == Poll::Ready(()) {
            self.world().actors[number].wait = Wait::Over;
            return self.ended(number);
        }
        self.actors[number] = Some(future);
        if self.world().broken.is_some() {
            return;
        }
        let op = match &self.world().actors[number].wait {
            Wait::Engine(call) => Some(Rc::clone(&call.op)),
            Wait::Until(_) => None,
            other => panic!("an actor waits for nothing that comes: {other:?}"),
        };
        if let Some(op) = op {
            let fate = self.fate(number, &op);
            self.meet(number, fate);
        }
    }

    fn fate(&mut self, actor: usize, op: &Op) -> Fate {
        let fates = self.world().scenario.fates;
        match fates {
            _ if self.phase != Phase::Work => Fate::Answered,
            Fates::Lasting(fate) if self.hit => fate,
            _ if self.left.faults == 0 => Fate::Answered,
            // On a Swarm, one who waits asks the same a hundred times.
            _ if self.is_asked_in_vain(actor) => Fate::Answered,
            _ => {
                let fates = fates.of(op, self.left.faults);
                let fate = fates[self.path.choose(fates.len())];
                if fate != Fate::Answered {
                    self.left.faults -= 1;
                    self.hit = true;
                    self.note(actor, &format!("{op}: {fate:?}"));
                }
                fate
            }
        }
    }

    fn is_asked_in_vain(&self, actor: usize) -> bool {
        let world = self.look();
        world.scenario.swarm.is_some() && world.actors[actor].is_waiting()
    }

    fn meet(&mut self, actor: usize, fate: Fate) {
        let mut shared = self.world();
        let world = &mut *shared;
        let Wait::Engine(call) = &mut world.actors[actor].wait else {
            unreachable!("it has just made a call");
        };
        call.fate = Some(fate);
        let has_room = world.drifts.len() < world.scenario.adrift;
        if fate.effect() == Effect::Adrift && call.op.is_change() && has_room {
            let Call { key, sent, by, .. } = **call;
            let op = Rc::clone(&call.op);
            world.drifts.push(Drift {
                by,
                op,
                key,
                sent,
                half: None,
            });
        }
        if fate == Fate::Crash {
            world.actors[actor].wait = Wait::Over;
            drop(shared);
            self.actors[actor] = None;
            return;
        }
        drop(shared);
        self.hurry(actor);
    }

    /// Lets time pass, and wakes whom it wakes.
    fn wait(&mut self, until: Duration) {
        self.pass(until);
        for actor in 0..self.actors.len() {
            let is_due = match &self.world().actors[actor].wait {
                Wait::Until(moment) => Some((*moment <= until, false)),
                Wait::Engine(call) => {
                    let hangs = call.fate.is_some_and(Fate::hangs);
                    Some((hangs && call.deadline <= until, true))
                }
                _ => None,
            };
            match is_due {
                Some((true, true)) => self.tell(actor),
                Some((true, false)) => {
                    let mut world = self.world();
                    let sleeper = &mut world.actors[actor];
                    sleeper.memory = crate::world::digest((sleeper.memory, until));
                    drop(world);
                    self.poll(actor);
                }
                _ => {}
            }
        }
    }

    /// Turns the clock: what has begun is ended, what can no longer take
    /// effect is dropped.
    pub fn pass(&mut self, until: Duration) {
        if self.phase != Phase::Work {
            self.world().settle();
        }
        let mut number = 0;
        loop {
            let mut world = self.world();
            let Some(drift) = world.drifts.get(number) else {
                world.now = until;
                return;
            };
            match drift.half {
                Some((_, since)) if since + HALF_DONE <= until => {
                    drop(world);
                    self.land(number);
                }
                None if drift.sent + LATE_WITHIN < until => {
                    world.drifts.remove(number);
                }
                _ => number += 1,
            }
        }
    }

    fn restart(&mut self) {
        self.left.restarts -= 1;
        let mut shared = self.world();
        let world = &mut *shared;
        world.note(|_| "the Engine is killed and started again".to_owned());
        world.drifts.clear();
        let now = world.now;
        if let Orchestrator::Engine(engine) = &mut world.orchestrator {
            for change in engine.restart(now) {
                world.changed(None, change);
            }
        }
        for actor in &mut world.actors {
            if let Wait::Engine(call) = &mut actor.wait {
                call.fate = Some(Fate::Reset);
                call.half = None;
            }
        }
        let calls = world.actors.len();
        drop(shared);
        for actor in 0..calls {
            self.hurry(actor);
        }
    }

    pub fn expect(&mut self, name: String, webhook: Webhook) {
        let number = self.world().expect(name, webhook);
        self.actors.push(Some(actor(&self.world, number)));
    }

    pub fn note(&self, actor: usize, text: &str) {
        self.world()
            .note(|world| format!("{} {text}", world.actors[actor].name));
    }

    pub fn world(&self) -> RefMut<'_, World> {
        self.world.borrow_mut()
    }

    pub fn look(&self) -> Ref<'_, World> {
        self.world.borrow()
    }
}
