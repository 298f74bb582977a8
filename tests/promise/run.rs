//! One schedule, from its first choice to its end.
//!
//! First the scenario's webhooks are called, in any order of their steps. Then each is
//! called again, alone and without faults, until its answer is final. Then time passes
//! and a reaper comes, three times: after three minutes, after eleven more, after nine
//! days more.

use std::rc::Rc;
use std::time::Duration;

use crate::fate::{Effect, Fate, Fates};
use crate::model::swarm::Move;
use crate::model::{Happening, Op, Orchestrator, Reply};
use crate::promise;
use crate::scenario::{Event, Scenario};
use crate::schedule::Path;
use crate::server::{Deed, Server, Told};
use crate::steps::Step;
use crate::world::{Drift, Phase, Wait, World};

/// More steps than any schedule that ends.
const STEPS_MAX: usize = 5_000;

/// How a schedule ended.
#[derive(Debug, PartialEq, Eq)]
pub enum End {
    Over,
    MetBefore,
    Broken(String),
}

/// A schedule that is under way.
pub struct Run<'a> {
    pub world: &'a mut World,
    pub server: &'a mut Server,
    pub path: &'a mut Path,
}

/// The world before any schedule.
pub fn begin(scenario: &Rc<Scenario>, with_transcript: bool) -> World {
    let mut world = World::new(Rc::clone(scenario), with_transcript);
    for (number, webhook) in scenario.webhooks.iter().enumerate() {
        let word = scenario.name.split(['/', '|']).nth(1).unwrap_or_default();
        let word = word.split('+').nth(number).unwrap_or_default().trim();
        world.expect(format!("{word}-{}", number + 1), *webhook);
    }
    world
}

impl Run<'_> {
    /// Continues the schedule from the state of its world.
    pub fn run(&mut self) -> End {
        for _ in 0..STEPS_MAX {
            if let Some(problem) = self.world.broken.take() {
                return End::Broken(problem);
            }
            let steps = self.world.steps();
            if steps.is_empty() {
                return End::Over;
            }
            if !self.path.is_given() {
                if !self.path.meet(self.world.state()) {
                    return End::MetBefore;
                }
                if steps.len() > 1 || self.world.left.has(Event::Fault) {
                    self.path.keep(self.world);
                }
            }
            let step = steps[self.path.choose(steps.len())];
            self.take(step);
        }
        End::Broken("it does not come to an end".to_owned())
    }

    fn take(&mut self, step: Step) {
        let world = &mut *self.world;
        match step {
            Step::Arrive(actor) => {
                world.arrive(actor);
                world.note(|world| format!("{} is called", world.actors[actor].name));
                let webhook = world.actors[actor].webhook;
                self.go(actor, Told::Called(webhook));
            }
            Step::Act(actor) => self.act(actor),
            Step::Tell(actor) => self.tell(actor),
            Step::Land(drift) => world.land(drift),
            Step::Happen(event) => {
                let limited = match event {
                    Happening::End(_) => Some(Event::End),
                    Happening::Prune(_) => Some(Event::Prune),
                    Happening::Restart => Some(Event::Restart),
                    Happening::Move(_, Move::Reject) => Some(Event::Rejection),
                    Happening::Loss => Some(Event::Loss),
                    Happening::Move(..) | Happening::Return => None,
                };
                limited.into_iter().for_each(|event| world.left.take(event));
                world.happen(event);
                if event == Happening::Restart {
                    self.restart();
                }
            }
            Step::Wait { until, although } => {
                although
                    .into_iter()
                    .for_each(|event| world.left.take(event));
                self.wait(until);
            }
            Step::GoOn => world.go_on(),
        }
    }

    /// Takes an actor's call one step further in the Engine.
    fn act(&mut self, actor: usize) {
        let world = &mut *self.world;
        let Wait::Engine(call) = &mut world.actors[actor].wait else {
            unreachable!("only a call takes effect");
        };
        let fails_halfway = call.fate == Some(Fate::FailsHalfway);
        let by = call.sent.by;
        let (change, reply) = match (call.half, &mut world.orchestrator) {
            (Some(key), Orchestrator::Engine(engine)) if fails_halfway => {
                let change = engine.fail_halfway(key, world.now);
                (Some(change), Some(Reply::new(500, "").at(world.now)))
            }
            (_, orchestrator) => {
                let sent = &call.sent;
                orchestrator.step(&sent.op, &mut call.half, sent.key, world.now)
            }
        };
        let is_done = reply.is_some();
        call.truth = reply;
        if let Some(change) = change {
            world.changed(Some(by), change);
        }
        if is_done {
            self.hurry(actor);
        }
    }

    /// Gives an actor the answer that it waits for.
    fn tell(&mut self, actor: usize) {
        let world = &mut *self.world;
        let Wait::Engine(call) = &world.actors[actor].wait else {
            unreachable!("only a call is answered");
        };
        let fate = call.fate.expect("a call's fate is chosen as it is made");
        let told = fate.told(&call.sent.op, call.truth.as_ref(), world.now);
        let op = Rc::clone(&call.sent.op);
        world.note(|world| {
            let name = &world.actors[actor].name;
            match &told {
                Ok(reply) => format!("{name}: {op} -> {}", reply.status),
                Err(error) => format!("{name}: {op} -> {error:?}"),
            }
        });
        self.go(actor, Told::Reply(told));
    }

    /// Answers at once if nobody else could notice a later answer.
    fn hurry(&mut self, actor: usize) {
        let left = self.world.scenario.left;
        let is_on_swarm = self.world.scenario.is_on_swarm();
        let is_late = left.has(Event::Delay) && !is_on_swarm && self.world.phase == Phase::Work;
        if !is_late && self.world.can_tell(actor) {
            self.tell(actor);
        }
    }

    /// Lets an actor go on until it waits, and chooses the fate of its call.
    fn go(&mut self, number: usize, told: Told) {
        let world = &mut *self.world;
        let before = world.actors[number].history;
        let (history, deeds) = self.server.next(number, before, told, world.now);
        world.actors[number].history = history;
        world.actors[number].wait = Wait::Over;
        for deed in &*deeds {
            match deed {
                Deed::Send(request, limit) => world.send(number, request, *limit),
                Deed::Sleep(until) => world.actors[number].wait = Wait::Until(*until),
                Deed::Answer(response, lines) => {
                    promise::on_answer(world, number, response, lines);
                }
                Deed::Finish(lines) => promise::on_tail(world, number, lines),
            }
        }
        match &world.actors[number].wait {
            Wait::Over => world.ended(number),
            Wait::Engine(call) if world.broken.is_none() => {
                let op = Rc::clone(&call.sent.op);
                let fate = self.fate(number, &op);
                self.meet(number, fate);
            }
            _ => {}
        }
    }

    fn fate(&mut self, actor: usize, op: &Op) -> Fate {
        let world = &mut *self.world;
        match world.scenario.fates {
            _ if world.phase != Phase::Work => Fate::Answered,
            Fates::Lasting(fate) if world.hit => fate,
            _ if !world.left.has(Event::Fault) => Fate::Answered,
            // On a Swarm, a waiting actor asks the same a hundred times.
            _ if world.scenario.is_on_swarm() && world.actors[actor].is_waiting() => Fate::Answered,
            fates => {
                let fates = fates.of(op);
                let fate = fates[self.path.choose(fates.len())];
                if fate != Fate::Answered {
                    world.left.take(Event::Fault);
                    world.hit = true;
                    world.note(|world| format!("{} {op}: {fate:?}", world.actors[actor].name));
                }
                fate
            }
        }
    }

    fn meet(&mut self, actor: usize, fate: Fate) {
        let world = &mut *self.world;
        let Wait::Engine(call) = &mut world.actors[actor].wait else {
            unreachable!("it has just made a call");
        };
        call.fate = Some(fate);
        let has_room = world.drifts.len() < world.scenario.fates.adrift_max();
        if fate.effect() == Effect::Adrift && call.sent.op.is_change && has_room {
            let (sent, half) = (call.sent.clone(), None);
            world.drifts.push(Drift { sent, half });
        }
        if fate == Fate::Crash {
            world.actors[actor].wait = Wait::Over;
        } else {
            self.hurry(actor);
        }
    }

    /// Lets time pass, and wakes whoever is due.
    fn wait(&mut self, until: Duration) {
        self.world.pass(until);
        for actor in 0..self.world.actors.len() {
            match &self.world.actors[actor].wait {
                Wait::Until(moment) if *moment <= until => self.go(actor, Told::Time),
                Wait::Engine(call)
                    if call.fate.is_some_and(Fate::hangs) && call.deadline <= until =>
                {
                    self.tell(actor);
                }
                _ => {}
            }
        }
    }

    /// Breaks all connections to an Engine.
    fn restart(&mut self) {
        self.world.drifts.clear();
        for actor in &mut self.world.actors {
            if let Wait::Engine(call) = &mut actor.wait {
                (call.fate, call.half) = (Some(Fate::Reset), None);
            }
        }
        for actor in 0..self.world.actors.len() {
            self.hurry(actor);
        }
    }
}
