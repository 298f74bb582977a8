//! Goes through every schedule of a scenario, depth first.
//!
//! A schedule is the list of its choices. The next one has the same choices up to the
//! last that has an alternative left, so it continues from a copy of the world before
//! that choice. A schedule ends at a state that was met before: everything that could
//! follow has been tried.

use std::collections::HashSet;
use std::fmt::Write;
use std::rc::Rc;

use crate::run::{End, begin, run};
use crate::scenario::Scenario;
use crate::server::Server;
use crate::world::World;

/// The most schedules of a scenario; with more, its bounds are wrong.
const SCHEDULES_MAX: usize = 2_000_000;

/// The choices of one schedule, and the states met on all.
#[derive(Debug, Default)]
pub struct Path {
    taken: Vec<Choice>,
    at: usize,
    met: HashSet<u64>,
    /// Copies of the world, each with the number of choices before it.
    kept: Vec<(usize, World)>,
}

#[derive(Debug, Clone, Copy)]
struct Choice {
    taken: usize,
    of: usize,
}

impl Path {
    /// The path of printed choices.
    pub fn along(choices: &[usize]) -> Self {
        let given = |&taken: &usize| Choice {
            taken,
            of: usize::MAX,
        };
        Self {
            taken: choices.iter().map(given).collect(),
            ..Self::default()
        }
    }

    /// Makes one of `of` choices.
    pub fn choose(&mut self, of: usize) -> usize {
        if of == 1 {
            return 0;
        }
        if self.at == self.taken.len() {
            self.taken.push(Choice { taken: 0, of });
        }
        let choice = &mut self.taken[self.at];
        assert!(
            choice.taken < of && (choice.of == of || choice.of == usize::MAX),
            "a schedule took another course than before: {choice:?} of {of}"
        );
        choice.of = of;
        self.at += 1;
        choice.taken
    }

    /// Whether the next choice was made before, by an earlier schedule.
    pub fn is_given(&self) -> bool {
        self.at < self.taken.len()
    }

    /// Meets a state; returns whether it is the first time.
    pub fn meet(&mut self, state: u64) -> bool {
        self.met.insert(state)
    }

    /// Keeps a copy of the world, to continue from there with another choice.
    pub fn keep(&mut self, world: &World) {
        self.kept.pop_if(|(at, _)| *at == self.at);
        self.kept.push((self.at, world.clone()));
    }

    /// Turns to the next schedule, if there is one, and returns the world to continue
    /// from.
    fn turn(&mut self) -> Option<World> {
        while let Some(Choice { taken, of }) = self.taken.pop() {
            if taken + 1 == of {
                continue;
            }
            let taken = taken + 1;
            self.taken.push(Choice { taken, of });
            self.kept.retain(|(at, _)| *at < self.taken.len());
            let (at, world) = self.kept.last()?;
            self.at = *at;
            return Some(world.clone());
        }
        None
    }

    fn choices(&self) -> Vec<usize> {
        self.taken[..self.at].iter().map(|one| one.taken).collect()
    }
}

/// How many schedules there were.
#[derive(Debug, Default, Clone, Copy)]
pub struct Tally {
    pub schedules: usize,
    pub to_the_end: usize,
}

/// Runs every schedule of `scenario`.
///
/// # Errors
///
/// The transcript of the first schedule on which the promise is broken.
pub fn explore(scenario: &Scenario) -> Result<Tally, String> {
    let scenario = Rc::new(scenario.clone());
    let mut path = Path::default();
    let mut server = Server::new(Rc::clone(&scenario));
    let mut tally = Tally::default();
    let mut world = begin(&scenario, false);
    loop {
        tally.schedules += 1;
        match run(world, &mut server, &mut path).end {
            End::Over => tally.to_the_end += 1,
            End::MetBefore => {}
            End::Broken(problem) => return Err(told(&scenario, &path.choices(), &problem)),
        }
        assert!(
            tally.schedules < SCHEDULES_MAX,
            "{} has more schedules than can be run",
            scenario.name
        );
        match path.turn() {
            Some(next) => world = next,
            None => return Ok(tally),
        }
    }
}

/// Runs every schedule of each scenario, prints how many there were, and fails
/// with a transcript for each scenario whose promise is broken.
pub fn explore_all(group: &str, scenarios: &[Scenario]) {
    let mut sum = Tally::default();
    let mut broken = 0;
    for scenario in scenarios {
        match explore(scenario) {
            Ok(tally) => {
                sum.schedules += tally.schedules;
                sum.to_the_end += tally.to_the_end;
                println!("{}: {} schedules", scenario.name, tally.schedules);
            }
            Err(transcript) => {
                broken += 1;
                println!("{transcript}");
            }
        }
    }
    println!(
        "{group}: {} schedules of {} scenarios, {} of them to their end",
        sum.schedules,
        scenarios.len(),
        sum.to_the_end
    );
    assert_eq!(broken, 0, "scenarios of {group} break the promise");
}

/// The transcript of one schedule, and how it ended.
pub fn replay(scenario: &Scenario, choices: &[usize]) -> (Vec<String>, End) {
    let scenario = Rc::new(scenario.clone());
    let mut server = Server::new(Rc::clone(&scenario));
    let world = begin(&scenario, true);
    let outcome = run(world, &mut server, &mut Path::along(choices));
    (outcome.transcript, outcome.end)
}

fn told(scenario: &Scenario, choices: &[usize], problem: &str) -> String {
    let (transcript, _) = replay(scenario, choices);
    let choices: Vec<String> = choices.iter().map(ToString::to_string).collect();
    let mut text = format!("\nThe promise is broken: {problem}\n");
    for line in transcript {
        writeln!(text, "{line}").expect("a string takes all that is written to it");
    }
    let replay = format!("REPLAY=\"{}:{}\"", scenario.name, choices.join(","));
    write!(
        text,
        "{replay} cargo test --test promise -- replay --nocapture"
    )
    .expect("a string takes all that is written to it");
    text
}
