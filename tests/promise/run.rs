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
use crate::model::{Op, Orchestrator, Reply};
use crate::promise;
use crate::scenario::Scenario;
use crate::schedule::Path;
use crate::server::{Deed, Server, Told};
use crate::steps::{Idle, Step};
use crate::world::{Call, Drift, Phase, Wait, World};

/// More steps than any schedule that ends.
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

/// A schedule that is under way.
pub struct Run<'a> {
    pub world: World,
    server: &'a mut Server,
    path: &'a mut Path,
}

/// The world before any schedule.
pub fn begin(scenario: &Rc<Scenario>, with_transcript: bool) -> World {
    let mut world = World::new(Rc::clone(scenario), with_transcript);
    for (number, webhook) in scenario.webhooks.iter().enumerate() {
        world.expect(format!("{}-{}", webhook.name(), number + 1), *webhook);
    }
    world
}

/// Continues one schedule from `world`, with the choices of `path`.
pub fn run(world: World, server: &mut Server, path: &mut Path) -> Outcome {
    let mut run = Run {
        world,
        server,
        path,
    };
    let end = run.run_to_end();
    let transcript = run.world.transcript.take().unwrap_or_default();
    Outcome { end, transcript }
}

impl Run<'_> {
    fn run_to_end(&mut self) -> End {
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
                if steps.len() > 1 || self.world.left.faults > 0 {
                    self.path.keep(&self.world);
                }
            }
            let step = steps[self.path.choose(steps.len())];
            self.take(step);
        }
        End::Broken("it does not come to an end".to_owned())
    }

    fn take(&mut self, step: Step) {
        let world = &mut self.world;
        match step {
            Step::Arrive(actor) => {
                world.arrive(actor);
                world.note(|world| format!("{} is called", world.actors[actor].name));
                let webhook = world.actors[actor].webhook;
                self.go(actor, Told::Called(actor, webhook));
            }
            Step::Act(actor) => self.act(actor),
            Step::Tell(actor) => self.tell(actor),
            Step::Land(drift) => world.land(drift),
            Step::End(key) => {
                world.left.ends -= 1;
                let change = world.orchestrator.end(key, world.now);
                world.note(|_| "a target ends by itself".to_owned());
                world.changed(None, change);
            }
            Step::Prune(key) => {
                world.left.prunes -= 1;
                if let Orchestrator::Engine(engine) = &mut world.orchestrator {
                    let change = engine.prune(key);
                    world.note(|_| "somebody prunes created containers".to_owned());
                    world.changed(None, change);
                }
            }
            Step::Restart => self.restart(),
            Step::Move(key, next) => {
                world.left.rejections -=
                    usize::from(next == Move::Reject && world.left.rejections > 0);
                world.make(key, next);
            }
            Step::Lose => {
                world.left.losses -= 1;
                world.lose();
            }
            Step::FindAgain => world.find_again(),
            Step::Wait { until, although } => {
                world.left.delays -= usize::from(although == Idle::Actor);
                world.left.lags -= usize::from(although == Idle::Task);
                self.wait(until);
            }
            Step::GoOn => world.go_on(),
        }
    }

    /// Takes an actor's call one step further in the Engine.
    fn act(&mut self, actor: usize) {
        let world = &mut self.world;
        let Wait::Engine(call) = &mut world.actors[actor].wait else {
            unreachable!("only a call takes effect");
        };
        let fails_halfway = call.fate == Some(Fate::FailsHalfway);
        let by = call.by;
        let (change, reply) = match (call.half, &mut world.orchestrator) {
            (Some(key), Orchestrator::Engine(engine)) if fails_halfway => {
                let change = engine.fail_halfway(key, world.now);
                (Some(change), Some(Reply::new(500, "", world.now)))
            }
            (_, orchestrator) => {
                let step = orchestrator.step(&call.op, &mut call.half, call.key, world.now);
                (step.change, step.reply)
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
        let world = &mut self.world;
        let Wait::Engine(call) = &world.actors[actor].wait else {
            unreachable!("only a call is answered");
        };
        let fate = call.fate.expect("a call's fate is chosen as it is made");
        let told = fate.told(&call.op, call.truth.as_ref(), world.now);
        let op = Rc::clone(&call.op);
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
        let Scenario { left, .. } = &*self.world.scenario;
        let is_on_swarm = self.world.scenario.is_on_swarm();
        let is_late = left.delays > 0 && !is_on_swarm && self.world.phase == Phase::Work;
        if !is_late && self.world.can_tell(actor) {
            self.tell(actor);
        }
    }

    /// Lets an actor go on until it waits, and chooses the fate of its call.
    fn go(&mut self, number: usize, told: Told) {
        let world = &mut self.world;
        let before = world.actors[number].history;
        let (history, deeds) = self.server.next(before, told, world.now);
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
                let op = Rc::clone(&call.op);
                let fate = self.fate(number, &op);
                self.meet(number, fate);
            }
            _ => {}
        }
    }

    fn fate(&mut self, actor: usize, op: &Op) -> Fate {
        let world = &mut self.world;
        match world.scenario.fates {
            _ if world.phase != Phase::Work => Fate::Answered,
            Fates::Lasting(fate) if world.hit => fate,
            _ if world.left.faults == 0 => Fate::Answered,
            // On a Swarm, a waiting actor asks the same a hundred times.
            _ if world.scenario.is_on_swarm() && world.actors[actor].is_waiting() => Fate::Answered,
            fates => {
                let fates = fates.of(op);
                let fate = fates[self.path.choose(fates.len())];
                if fate != Fate::Answered {
                    world.left.faults -= 1;
                    world.hit = true;
                    world.note(|world| format!("{} {op}: {fate:?}", world.actors[actor].name));
                }
                fate
            }
        }
    }

    fn meet(&mut self, actor: usize, fate: Fate) {
        let world = &mut self.world;
        let Wait::Engine(call) = &mut world.actors[actor].wait else {
            unreachable!("it has just made a call");
        };
        call.fate = Some(fate);
        let has_room = world.drifts.len() < world.scenario.fates.adrift_max();
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

    fn restart(&mut self) {
        let world = &mut self.world;
        world.left.restarts -= 1;
        world.note(|_| "the Engine is killed and started again".to_owned());
        world.drifts.clear();
        if let Orchestrator::Engine(engine) = &mut world.orchestrator {
            for change in engine.restart(world.now) {
                world.changed(None, change);
            }
        }
        for actor in &mut world.actors {
            if let Wait::Engine(call) = &mut actor.wait {
                call.fate = Some(Fate::Reset);
                call.half = None;
            }
        }
        for actor in 0..self.world.actors.len() {
            self.hurry(actor);
        }
    }
}
