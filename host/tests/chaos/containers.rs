//! The containers of one deployment, as the Engine lists them.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use test_support::engine::{RealEngine, list};

/// A container that the component has created.
#[derive(Debug, Clone)]
pub struct Ours {
    /// Its id.
    pub id: String,
    /// Its state.
    pub state: String,
    /// The environment that it was created for. Here each token has its own, which shows duplicates
    /// whatever their names.
    pub environment: String,
}

/// All containers that the component has created for a deployment; `None` if the
/// Engine is down. Look-alikes have no environment.
pub fn ours(engine: &RealEngine, deployment: &str) -> Option<Vec<Ours>> {
    let label = format!("dynamic-access.deployment={deployment}");
    let answer = engine.try_call("GET", &list(&json!({"label": [label]})))?;
    assert_eq!(answer.status, 200, "{answer:?}");
    let listed = answer.json();
    let ours = listed.as_array().expect("a list").iter();
    let ours = ours.filter_map(|listed| {
        Some(Ours {
            environment: text(&listed["Labels"]["dynamic-access.environment-id"])?,
            id: text(&listed["Id"])?,
            state: text(&listed["State"])?,
        })
    });
    Some(ours.collect())
}

/// The state of a container; `None` if the Engine is down, `"gone"` if the
/// container does not exist.
pub fn state(engine: &RealEngine, id: &str) -> Option<String> {
    let answer = engine.try_call("GET", &list(&json!({"id": [id]})))?;
    assert_eq!(answer.status, 200, "{answer:?}");
    let state = text(&answer.json()[0]["State"]);
    Some(state.unwrap_or_else(|| "gone".to_owned()))
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

/// Each environment with two containers. A name belongs to one container in any
/// state, so a second one may not even be created beside a running one.
pub fn doubles_in(ours: &[Ours]) -> Vec<String> {
    let mut counts = BTreeMap::<_, Vec<_>>::new();
    for container in ours {
        // A container that is being removed has given up its name.
        if container.state != "removing" && container.state != "dead" {
            let same = counts.entry(&container.environment).or_default();
            same.push(format!("{} {}", container.id, container.state));
        }
    }
    let doubles = counts.into_iter().filter(|(_, same)| same.len() > 1);
    doubles
        .map(|(environment, same)| format!("{environment}: {same:?}"))
        .collect()
}
