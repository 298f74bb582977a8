//! What patches can change, and what they cannot.
//!
//! Most tests are tables. A line has the path of an option, and values for it as JSON,
//! with ` | ` between them. After ` -> ` stands how the problem begins, if not with
//! the path and a space.

mod allowed;
mod create_body;
mod networks;
mod page;
mod properties;
mod task_template;
mod types;

use std::slice;
use std::time::Duration;

use serde_json::{Value, json};

use super::{Allowed, Body, Isolation, Patch, PerTarget, SecretsVolume};

/// What is patched.
struct Patched(Build);

type Build = fn(&[&Patch], Isolation, &Allowed) -> Result<Body, Vec<String>>;

const CONTAINER: Patched = Patched(Body::of_container);
const SERVICE: Patched = Patched(Body::of_service);

impl Patched {
    fn build(&self, patches: &[Value], isolation: Isolation) -> Result<Body, Vec<String>> {
        self.build_allowing(&Allowed::default(), patches, isolation)
    }

    fn build_allowing(
        &self,
        allowed: &Allowed,
        patches: &[Value],
        isolation: Isolation,
    ) -> Result<Body, Vec<String>> {
        let patches = patches
            .iter()
            .map(|patch| Patch::from_value(patch.clone()).expect("an object"));
        let patches: Vec<Patch> = patches.collect();
        self.0(&patches.iter().collect::<Vec<_>>(), isolation, allowed)
    }

    /// Checks that each patch is refused for one problem.
    #[track_caller]
    fn refuses(&self, table: &str) {
        self.refuses_with(Isolation::Kept, table);
    }

    /// Checks the same where isolation is given up.
    #[track_caller]
    fn refuses_unsafe(&self, table: &str) {
        self.refuses_with(Isolation::GivenUp, table);
    }

    #[track_caller]
    fn refuses_with(&self, isolation: Isolation, table: &str) {
        for (patch, problem) in patches(table) {
            let problems = self.build(slice::from_ref(&patch), isolation);
            let problems = problems.expect_err(&patch.to_string());
            let is_one = problems.len() == 1 && problems[0].starts_with(&problem);
            assert!(is_one, "{patch}: {problems:?}");
        }
    }

    /// Checks both.
    #[track_caller]
    fn always_refuses(&self, table: &str) {
        self.refuses(table);
        self.refuses_unsafe(table);
    }

    /// Checks that each patch is refused for one problem unless isolation is given up.
    #[track_caller]
    fn guards_against(&self, table: &str) {
        self.refuses(table);
        self.accepts_with(Isolation::GivenUp, table);
    }

    #[track_caller]
    fn accepts(&self, table: &str) {
        self.accepts_with(Isolation::Kept, table);
    }

    #[track_caller]
    fn accepts_with(&self, isolation: Isolation, table: &str) {
        for (patch, _) in patches(table) {
            let body = self.build(slice::from_ref(&patch), isolation);
            assert!(body.is_ok(), "{patch}: {body:?}");
        }
    }
}

/// A target with nothing of its own but its name and its image.
fn plain_target() -> PerTarget<'static> {
    PerTarget {
        name: "own",
        stop_grace: Duration::ZERO,
        image: "agent@sha256:0123",
        env: &[],
        labels: &[],
        volume: SecretsVolume::Absent,
    }
}

/// A patch that sets one option.
fn patch(path: &str, value: Value) -> Value {
    let steps = path.rsplit('.');
    steps.fold(value, |value, step| json!({step: value}))
}

/// The patches of a table, each with how its problem begins.
fn patches(table: &str) -> Vec<(Value, String)> {
    let mut patches = Vec::new();
    for line in table.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (path, rest) = line.split_once(' ').expect("a path and a value");
        let of_path = format!("{path} ");
        let (values, problem) = rest.rsplit_once(" -> ").unwrap_or((rest, &of_path));
        for value in values.split(" | ") {
            let value = serde_json::from_str(value).expect(line);
            patches.push((patch(path, value), problem.to_owned()));
        }
    }
    patches
}

#[test]
fn no_value_is_shown_in_a_problem() {
    let patch = json!({
        "Env": ["SERVICE_URL=planted", "planted"],
        "Labels": {"dynamic-access.x": "planted"},
        "HostConfig": {"Binds": ["planted"], "NetworkMode": "container:planted"},
    });
    let problems = CONTAINER
        .build(&[patch], Isolation::Kept)
        .expect_err("problems");
    assert!(!problems.join(" ").contains("planted"), "{problems:?}");
}

#[test]
fn a_patch_is_an_object_of_bounded_size() {
    let twice = r#"{"HostConfig":{"Memory":1,"Memory":2}}"#;
    let long = " ".repeat(70_000);
    for text in ["", "[]", "null", "1", "{", "{}x", twice, &long] {
        Patch::parse(text).expect_err(text);
    }
    Patch::parse("{}").expect("a patch");
}
