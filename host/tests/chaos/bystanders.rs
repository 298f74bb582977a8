//! Containers of other people, some of which look like the component's.

use serde_json::{Value, json};
use test_support::engine::RealEngine;
use test_support::own::Own;
use test_support::wait::wait_until;
use test_support::{given, unique};

/// Containers that nobody may touch, each with its state at the start. A restart of the Engine ends
/// those that run.
pub struct Bystanders<'a>(Vec<(Own<'a>, Value)>);

impl<'a> Bystanders<'a> {
    /// Makes one plain container, and look-alikes of a deployment's that are
    /// running, only created, and ended.
    pub fn new(engine: &'a RealEngine, deployment: &str) -> Self {
        // If they belonged to the deployment, all would be long overdue.
        let overdue = |name: &str| {
            json!({
                "dynamic-access.deployment": deployment,
                "dynamic-access.name": name,
                "dynamic-access.start-within": "0",
                "dynamic-access.max-lifetime": "0",
            })
        };
        let make = |state: &str, labels: Value| {
            let lasts = if state == "exited" { "0" } else { "3600" };
            let body = json!({
                "Image": given("TEST_AGENT_IMAGE"),
                "Entrypoint": ["sleep", lasts],
                "Labels": labels,
                // A restarting Engine ends running containers, and waits for them.
                "StopSignal": "SIGKILL",
            });
            let made = engine.foreign(&unique(&format!("{deployment}-{state}-")), body);
            if state != "created" {
                made.start();
            }
            wait_until(state, || engine.state(&made.id).as_deref() == Some(state));
            let before = look(&made);
            (made, before)
        };
        Self(vec![
            make("running", json!({})),
            make("running", overdue(&unique("other"))),
            make("exited", overdue("x")),
            make("created", overdue(&unique("another"))),
        ])
    }

    /// Checks that none has changed.
    #[track_caller]
    pub fn check_untouched(&self) {
        for (container, before) in &self.0 {
            assert_eq!(look(container), *before);
        }
    }
}

/// Everything about a container that touching it would change.
fn look(container: &Own<'_>) -> Value {
    let seen = container.engine.inspect(&container.id);
    json!(["Id", "Name", "State", "RestartCount"].map(|part| seen[part].clone()))
}
