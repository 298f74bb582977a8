//! The next steps of a schedule, and the digest by which two states are the same.

use std::time::Duration;

use crate::digest::digest;
use crate::fate::Effect;
use crate::model::swarm::{Habit, Move};
use crate::model::{Happening, State};
use crate::scenario::Event;
use crate::world::{Actor, Call, Phase, Wait, World};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// A webhook is called.
    Arrive(usize),
    /// An actor's call goes one step further in the Engine.
    Act(usize),
    /// An actor's call is answered.
    Tell(usize),
    /// A request whose answer nobody waits for goes one step further.
    Land(usize),
    /// Something happens that no request asks for.
    Happen(Happening),
    /// Time passes, because nobody could go on, or as this event.
    Wait {
        until: Duration,
        although: Option<Event>,
    },
    /// All actors have ended: the next phase begins.
    GoOn,
}

impl World {
    /// All steps that are possible, always in the same order.
    pub fn steps(&self) -> Vec<Step> {
        if self.phase == Phase::Over {
            return Vec::new();
        }
        let all = 0..self.actors.len();
        let mut steps: Vec<Step> = all.filter_map(|actor| step_of(self, actor)).collect();
        // Events while somebody waits in vain matter little: whether they come before the
        // tenth look or the eleventh.
        let in_vain = self.actors.iter().any(Actor::is_waiting);
        let moves = self.moves();
        let (although, may_wait) = match (steps.is_empty(), moves.is_empty()) {
            (false, _) => (Some(Event::Delay), self.left.has(Event::Delay)),
            // A task is not late while somebody waits for it in vain.
            (true, false) => (Some(Event::Lag), self.left.has(Event::Lag) && !in_vain),
            (true, true) => (None, true),
        };
        if may_wait {
            steps.extend(wait(self).map(|until| Step::Wait { until, although }));
        }
        steps.extend(moves.into_iter().map(Step::Happen));
        let all_ended = !self.actors.iter().any(Actor::is_alive);
        if all_ended {
            steps.push(Step::GoOn);
        }
        if !in_vain {
            steps.extend((0..self.drifts.len()).map(Step::Land));
        }
        if self.phase == Phase::Work && !all_ended && !in_vain {
            steps.extend(self.events().into_iter().map(Step::Happen));
        }
        steps
    }

    /// The events that may still happen.
    fn events(&self) -> Vec<Happening> {
        let may = |event, happening| self.left.has(event).then_some(happening);
        let ours = self.orchestrator.ours();
        let of_targets = ours.filter_map(|target| match target.state {
            State::Running => may(Event::End, Happening::End(target.key)),
            State::Created => may(Event::Prune, Happening::Prune(target.key)),
            _ => None,
        });
        let restart = may(Event::Restart, Happening::Restart);
        let loss = may(Event::Loss, Happening::Loss);
        let found_again = self.is_node_lost().then_some(Happening::Return);
        of_targets
            .chain(restart)
            .chain(loss)
            .chain(found_again)
            .collect()
    }

    /// The next moves of a Swarm's tasks. After the work they happen as time passes, and
    /// their order makes no difference.
    fn moves(&self) -> Vec<Happening> {
        let swarm = self.orchestrator.as_swarm();
        let Some(swarm) = swarm.filter(|_| self.phase == Phase::Work) else {
            return Vec::new();
        };
        let is_stuck = |next| swarm.habit == Habit::Stuck(next);
        let moves = swarm.moves().filter(|(_, next)| {
            let may_be = match next {
                Move::Reject => !swarm.has_image || self.left.has(Event::Rejection),
                Move::NoNode => is_stuck(Move::Prepare),
                _ => true,
            };
            may_be && !is_stuck(*next)
        });
        moves
            .map(|(key, next)| Happening::Move(key, next))
            .collect()
    }

    pub fn can_tell(&self, actor: usize) -> bool {
        step_of(self, actor) == Some(Step::Tell(actor))
    }

    /// A digest of everything that could make a difference from here on.
    pub fn state(&self) -> u64 {
        // A sum, because the order of independent parts makes no difference.
        let drifts = self.drifts.iter().map(|drift| {
            // Its content follows from the history of its actor.
            let history = self.actors[drift.sent.by.actor].history;
            digest((drift.sent.key, drift.sent.at, drift.half, history))
        });
        let drifts = drifts.fold(0, u64::wrapping_add);
        let actors: Vec<u64> = self.actors.iter().map(state_of).collect();
        let last = self.actors.last().map(|actor| actor.answer);
        let last = last.filter(|_| self.phase != Phase::Work);
        // An Engine never removes what runs without force, whatever any answer said.
        let is_swarm = self.scenario.is_on_swarm();
        let promised = (is_swarm.then_some(&self.promised), &self.renewed);
        let held = (self.orchestrator.digest(), drifts, actors, last, promised);
        digest((held, (self.phase, self.left, self.now)))
    }
}

/// The step that an actor can take by itself, unless it waits for time to pass.
fn step_of(world: &World, number: usize) -> Option<Step> {
    match &world.actors[number].wait {
        Wait::Call => Some(Step::Arrive(number)),
        Wait::Engine(call) => {
            let (is_owed, from) = next_of(call)?;
            let step = if is_owed { Step::Act } else { Step::Tell };
            (from <= world.now).then_some(step(number))
        }
        Wait::Nothing | Wait::Until(_) | Wait::Over => None,
    }
}

/// Whether a call still owes its effect, and the moment of its next step; none for one
/// that its actor waits for in vain.
fn next_of(call: &Call) -> Option<(bool, Duration)> {
    let fate = call.fate?;
    let [acts, answers] = fate.not_before(call.sent.at, call.deadline);
    match fate.effect() == Effect::Sure && call.truth.is_none() {
        true => Some((true, acts)),
        false => Some((false, answers)).filter(|_| !fate.hangs()),
    }
}

/// The next moment at which something is due; none if a call that will be
/// answered would have to wait for longer than its limit.
fn wait(world: &World) -> Option<Duration> {
    let due = |actor: &Actor| match &actor.wait {
        Wait::Until(moment) => Some(*moment),
        Wait::Engine(call) if call.fate?.hangs() => Some(call.deadline),
        Wait::Engine(call) => next_of(call).map(|(_, from)| from),
        _ => None,
    };
    let due = |actor| due(actor).filter(|moment| *moment > world.now);
    let next = world.actors.iter().filter_map(due).min()?;
    let is_too_late = |actor: &Actor| match &actor.wait {
        Wait::Engine(call) => {
            let answers = call.fate.is_some_and(|fate| !fate.hangs());
            answers && call.deadline <= next
        }
        _ => false,
    };
    (!world.actors.iter().any(is_too_late)).then_some(next)
}

fn state_of(actor: &Actor) -> u64 {
    let wait = match &actor.wait {
        Wait::Over => return 0,
        Wait::Call => return 1,
        Wait::Nothing => 2,
        Wait::Until(moment) => digest(moment),
        Wait::Engine(call) => digest((call.fate, call.half, &call.truth)),
    };
    // After the answer, it no longer matters what was seen.
    let seen = actor.answer.is_none();
    let seen = seen.then_some((&actor.seen_running, &actor.seen_ended, &actor.vouched));
    digest((wait, actor.history, actor.arrived, seen))
}
