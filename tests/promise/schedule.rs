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
use crate::run::{End, Run, begin};
use crate::scenario::{Event, Left, Place, Scenario};
use crate::server::Server;
use crate::world::World;

/// The most schedules of a scenario; with more, its bounds are wrong.
const SCHEDULES_MAX: usize = 2_000_000;

/// The choices of one schedule, and the states met on all.
#[derive(Debug, Default)]
pub struct Path {
    /// Each choice, and the number of its alternatives.
    taken: Vec<(usize, usize)>,
    at: usize,
    met: HashSet<u64>,
    /// Copies of the world, each with the number of choices before it.
    kept: Vec<(usize, World)>,
}

impl Path {
    /// The path of printed choices.
    fn along(choices: &[usize]) -> Self {
        let given = |&taken: &usize| (taken, usize::MAX);
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
            self.taken.push((0, of));
        }
        let (taken, before) = &mut self.taken[self.at];
        assert!(
            *taken < of && [of, usize::MAX].contains(before),
            "a schedule took another course than before: {taken} of {before}, now of {of}"
        );
        *before = of;
        self.at += 1;
        *taken
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
        while let Some((taken, of)) = self.taken.pop() {
            if taken + 1 == of {
                continue;
            }
            self.taken.push((taken + 1, of));
            self.kept.retain(|(at, _)| *at < self.taken.len());
            let (at, world) = self.kept.last()?;
            self.at = *at;
            return Some(world.clone());
        }
        None
    }
}

/// Runs every schedule of `scenario`, and returns how many there were, and how many of
/// them went on to the end.
///
/// # Errors
///
/// The transcript of the first schedule on which the promise is broken.
fn explore_one(scenario: &Rc<Scenario>) -> Result<[usize; 2], String> {
    let mut path = Path::default();
    let mut server = Server::new(Rc::clone(scenario));
    let (mut all, mut to_the_end) = (0, 0);
    let mut next = Some(begin(scenario, false));
    while let Some(mut world) = next {
        all += 1;
        let (world, server) = (&mut world, &mut server);
        let path_there = &mut path;
        match (Run {
            world,
            server,
            path: path_there,
        })
        .run()
        {
            End::Over => to_the_end += 1,
            End::MetBefore => {}
            End::Broken(problem) => {
                let choices: Vec<usize> = path.taken[..path.at].iter().map(|one| one.0).collect();
                return Err(told(scenario, &choices, &problem));
            }
        }
        assert!(all < SCHEDULES_MAX, "{} has too many", scenario.name);
        next = path.turn();
    }
    Ok([all, to_the_end])
}

/// The groups of scenarios.
const GROUPS: &str = "
    calm fault faults adrift ending ending-wait restarted restarted-fault pruned pruned-fault
    lasting-Unreachable lasting-HangsIdle lasting-HangsDone lasting-FailsBefore
    lasting-FailsAfter lasting-Garbage lasting-Refused lasting-SlowToAct lasting-SlowToAnswer
    pair pair-fault pair-crash pair-ending three
    renew-calm renew-fault renew-pair renew-pair-fault renew-three renew-slow renew-swarm
    renew-swarm-pair renew-lasting-FailsBefore renew-lasting-FailsAfter
    renew-lasting-HangsDone renew-lasting-SlowToAct
    swarm swarm-nodes swarm-without-Make swarm-without-Prepare swarm-without-Run
    swarm-without-Doom swarm-without-Confirm swarm-older-Looks swarm-older-Changes
    swarm-older-Both swarm-deaf swarm-fault swarm-faults swarm-ended swarm-rejected swarm-lost
    swarm-pair swarm-pair-large swarm-pair-lost-answer swarm-pair-lost-node swarm-pair-fault
    swarm-pair-late swarm-pair-late-look
";

/// Runs every schedule of each scenario of a table in these places, and prints how many
/// there were; with `REPLAY`, only the schedule that it names.
///
/// # Panics
///
/// With a transcript for each scenario whose promise is broken, and if `REPLAY` names no
/// group.
pub fn explore(group: &str, places: &[Place], rows: &str, fates: Fates, events: &[Event]) {
    let in_place = |&place: &Place| {
        let is_podman = matches!(place, Place::Engine(Kind::Podman));
        let prefix = if is_podman { "podman: " } else { "" };
        rows::scenarios(rows).map(move |scenario| {
            Rc::new(Scenario {
                name: format!("{group}/{prefix}{}", scenario.name),
                place,
                fates,
                left: Left::of(events),
                ..scenario
            })
        })
    };
    let scenarios: Vec<_> = places.iter().flat_map(in_place).collect();
    let is_known = |group| GROUPS.split_whitespace().any(|known| known == group);
    assert!(is_known(group), "{group} is missing in GROUPS");
    if let Ok(text) = std::env::var("REPLAY") {
        let named = text.split('/').next().unwrap_or_default();
        assert!(
            is_known(named),
            "REPLAY names none of these groups: {GROUPS}"
        );
        if named == group {
            replay_one(&scenarios, &text);
        }
        return;
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

/// Runs the schedule that `text` names.
fn replay_one(scenarios: &[Rc<Scenario>], text: &str) {
    let (name, choices) = text.rsplit_once(':').unwrap_or((text, ""));
    let choices = choices.split(',').filter(|choice| !choice.is_empty());
    let choices = choices.map(|choice| choice.parse().expect("choices are numbers"));
    let scenario = scenarios.iter().find(|scenario| scenario.name == name);
    let scenario = scenario.expect("REPLAY names a scenario");
    let (transcript, end) = replay(scenario, &choices.collect::<Vec<_>>());
    println!("{}\n{end:?}", transcript.join("\n"));
    assert_eq!(end, End::Over);
}

/// The transcript of one schedule, and how it ended.
fn replay(scenario: &Rc<Scenario>, choices: &[usize]) -> (Vec<String>, End) {
    let world = &mut begin(scenario, true);
    let end = Run {
        world,
        server: &mut Server::new(Rc::clone(scenario)),
        path: &mut Path::along(choices),
    }
    .run();
    (world.transcript.take().unwrap_or_default(), end)
}

fn told(scenario: &Rc<Scenario>, choices: &[usize], problem: &str) -> String {
    let (transcript, _) = replay(scenario, choices);
    let choices: Vec<String> = choices.iter().map(ToString::to_string).collect();
    let (name, lines, choices) = (&scenario.name, transcript.join("\n"), choices.join(","));
    format!(
        "\nThe promise is broken: {problem}\n{lines}\nREPLAY=\"{name}:{choices}\" cargo test --test promise -- --nocapture"
    )
}
