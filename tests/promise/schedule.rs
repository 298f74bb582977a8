//! Goes through every schedule of a scenario, depth first.
//!
//! A schedule is the list of its choices. The next one has the same choices up to the
//! last that has an alternative left, so it continues from a copy of the world before
//! that choice. A schedule ends at a state that was met before: everything that could
//! follow has been tried.

use std::collections::HashSet;
use std::rc::Rc;

use crate::fate::Fates;
use crate::model::Kind;
use crate::rows;
use crate::run::{End, begin, run};
use crate::scenario::{Event, Left, Place, Scenario};
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

/// Runs every schedule of `scenario`, and returns how many there were, and how many of
/// them went on to the end.
///
/// # Errors
///
/// The transcript of the first schedule on which the promise is broken.
fn explore_one(scenario: &Scenario) -> Result<[usize; 2], String> {
    let scenario = Rc::new(scenario.clone());
    let mut path = Path::default();
    let mut server = Server::new(Rc::clone(&scenario));
    let (mut all, mut to_the_end) = (0, 0);
    let mut next = Some(begin(&scenario, false));
    while let Some(mut world) = next {
        all += 1;
        match run(&mut world, &mut server, &mut path) {
            End::Over => to_the_end += 1,
            End::MetBefore => {}
            End::Broken(problem) => return Err(told(&scenario, &path.choices(), &problem)),
        }
        assert!(all < SCHEDULES_MAX, "{} has too many", scenario.name);
        next = path.turn();
    }
    Ok([all, to_the_end])
}

/// Runs every schedule of each scenario of a table in these places, and prints how many
/// there were; with `REPLAY`, only the schedule that it names.
///
/// # Panics
///
/// With a transcript for each scenario whose promise is broken.
pub fn explore(group: &str, places: &[Place], rows: &str, fates: Fates, events: &[Event]) {
    let in_place = |&place: &Place| {
        let is_podman = matches!(place, Place::Engine(Kind::Podman));
        let prefix = if is_podman { "podman: " } else { "" };
        rows::scenarios(rows).map(move |scenario| Scenario {
            name: format!("{group}/{prefix}{}", scenario.name),
            place,
            fates,
            left: Left::of(events),
            ..scenario
        })
    };
    let scenarios: Vec<Scenario> = places.iter().flat_map(in_place).collect();
    if let Ok(text) = std::env::var("REPLAY") {
        return replay_one(group, &scenarios, &text);
    }
    let (mut all, mut to_the_end, mut broken) = (0, 0, 0);
    for scenario in &scenarios {
        let first = replay(scenario, &[]);
        assert_eq!(first, replay(scenario, &[]), "{}", scenario.name);
        match explore_one(scenario) {
            Ok([own, own_to_the_end]) => {
                all += own;
                to_the_end += own_to_the_end;
                println!("{}: {own} schedules", scenario.name);
            }
            Err(transcript) => {
                broken += 1;
                println!("{transcript}");
            }
        }
    }
    let count = scenarios.len();
    println!("{group}: {all} schedules of {count} scenarios, {to_the_end} to their end");
    assert_eq!(broken, 0, "scenarios of {group} break the promise");
}

/// Runs the schedule that `text` names, if it is of this group.
fn replay_one(group: &str, scenarios: &[Scenario], text: &str) {
    let (name, choices) = text.rsplit_once(':').unwrap_or((text, ""));
    if name.split('/').next() != Some(group) {
        return;
    }
    let choices = choices.split(',').filter(|choice| !choice.is_empty());
    let choices = choices.map(|choice| choice.parse().expect("choices are numbers"));
    let scenario = scenarios.iter().find(|scenario| scenario.name == name);
    let scenario = scenario.expect("REPLAY names a scenario");
    let (transcript, end) = replay(scenario, &choices.collect::<Vec<_>>());
    println!("{}\n{end:?}", transcript.join("\n"));
    assert_eq!(end, End::Over);
}

/// The transcript of one schedule, and how it ended.
fn replay(scenario: &Scenario, choices: &[usize]) -> (Vec<String>, End) {
    let scenario = Rc::new(scenario.clone());
    let mut server = Server::new(Rc::clone(&scenario));
    let mut world = begin(&scenario, true);
    let end = run(&mut world, &mut server, &mut Path::along(choices));
    (world.transcript.unwrap_or_default(), end)
}

fn told(scenario: &Scenario, choices: &[usize], problem: &str) -> String {
    let (transcript, _) = replay(scenario, choices);
    let choices: Vec<String> = choices.iter().map(ToString::to_string).collect();
    let (lines, choices) = (transcript.join("\n"), choices.join(","));
    format!(
        "\nThe promise is broken: {problem}\n{lines}\nREPLAY=\"{}:{choices}\" cargo test --test promise -- --nocapture",
        scenario.name
    )
}
