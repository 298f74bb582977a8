//! What patches can change, and what they cannot.
//!
//! Most tests are tables. A row has a mark, the path of an option, and values for it as
//! JSON, with ` | ` between them. `+` marks values that are accepted, `-` those that are
//! refused for one problem unless isolation is given up, `?` those of an option that no
//! Engine knows, and `!` those that are always refused. A mark before a later value counts
//! from there on. After ` -> ` stands how the problem begins, if not with the path and a
//! space.

/// Tests of one table each, for the body of a container or of a service.
macro_rules! tables {
    ($($body:ident: $claim:ident $table:literal)*) => {
        $(#[test] fn $claim() { $body.check($table); })*
    };
}

mod allowed;
mod create_body;
mod page;
mod task_template;
mod types;

use std::slice;
use std::time::Duration;

use serde_json::{Value, json};

use super::{Allowed, Body, Isolation, Of, Patch, PerTarget, SecretsVolume};

const CONTAINER: Of = Of::Container;
const SERVICE: Of = Of::Service;

const MARKS: [&str; 4] = ["+", "-", "?", "!"];

impl Of {
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
        Body::new(
            *self,
            &patches.iter().collect::<Vec<_>>(),
            isolation,
            allowed,
        )
    }

    /// Checks each row of a table.
    #[track_caller]
    fn check(&self, table: &str) {
        self.check_allowing(&Allowed::default(), table);
    }

    #[track_caller]
    fn check_allowing(&self, allowed: &Allowed, table: &str) {
        let options = match self {
            Self::Container => &super::create_body::TABLE,
            Self::Service => &super::task_template::TABLE,
        };
        let rows = table.lines().map(str::trim);
        for row in rows.filter(|row| !row.is_empty() && !row.starts_with('#')) {
            let (mut mark, rest) = row.split_once(' ').expect("a mark");
            let (path, rest) = rest.split_once(' ').expect("a value");
            let of_path = format!("{path} ");
            let (values, problem) = rest.rsplit_once(" -> ").unwrap_or((rest, &of_path));
            // A misspelt option is refused too.
            let option = path.trim_end_matches(".Config");
            let is_known = options.rows.iter().any(|(path, ..)| *path == option);
            for value in values.split(" | ") {
                let marked = value
                    .split_once(' ')
                    .filter(|(mark, _)| MARKS.contains(mark));
                let (new, value) = marked.unwrap_or((mark, value));
                mark = new;
                assert!(mark != "-" || is_known, "{row}");
                let value = serde_json::from_str(value).expect(row);
                self.check_one(allowed, mark, &patch(path, value), problem);
            }
        }
    }

    #[track_caller]
    fn check_one(&self, allowed: &Allowed, mark: &str, patch: &Value, problem: &str) {
        let shown = patch.to_string();
        let build = |isolation| self.build_allowing(allowed, slice::from_ref(patch), isolation);
        let (kept, given_up) = (build(Isolation::Kept), build(Isolation::GivenUp));
        let problems = match mark {
            "+" => {
                // The body has it as it was written.
                let body = kept.expect(&shown);
                let mut merged = body.value().clone();
                json_patch::merge(&mut merged, patch);
                return assert_eq!(body.value(), &merged);
            }
            "-" | "?" => {
                assert!(given_up.is_ok(), "{shown}: {given_up:?}");
                kept
            }
            "!" => {
                assert!(kept.is_err(), "{shown}");
                given_up
            }
            _ => panic!("an unknown mark {mark}"),
        };
        let problems = problems.expect_err(&shown);
        let is_one = problems.len() == 1 && problems[0].starts_with(problem);
        assert!(is_one, "{shown}: {problems:?}");
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

#[test]
fn no_value_is_shown_in_a_problem() {
    let patch = json!({
        "Env": ["SERVICE_URL=planted", "planted"],
        "Labels": {"dynamic-access.x": "planted"},
        "HostConfig": {"Binds": ["planted"], "NetworkMode": "container:planted"},
    });
    let problems = CONTAINER.build(&[patch], Isolation::Kept);
    let problems = problems.expect_err("problems").join(" ");
    assert!(!problems.contains("planted"), "{problems}");
}
