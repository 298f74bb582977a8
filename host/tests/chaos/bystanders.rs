//! Containers of other people, some of which look like the component's.

use serde_json::{Value, json};
use test_support::engine::RealEngine;
use test_support::own::Foreign;
use test_support::wait::wait_for;
use test_support::{given, unique};

/// Containers that nobody may touch, and their state at the start. A restart of the Engine ends
/// those that run.
pub struct Bystanders<'a> {
    engine: &'a RealEngine,
    all: Vec<Foreign<'a>>,
    before: Vec<Value>,
}

impl<'a> Bystanders<'a> {
    /// Makes one plain container, and look-alikes of a deployment's that are
    /// running, only created, and ended.
    pub fn new(engine: &'a RealEngine, deployment: &str) -> Self {
        let name = |suffix: &str| unique(&format!("{deployment}-{suffix}-"));
        // If they belonged to the deployment, all would be long overdue.
        let overdue = |name: &str| {
            json!({
                "dynamic-access.deployment": deployment,
                "dynamic-access.name": name,
                "dynamic-access.start-within": "0",
                "dynamic-access.max-lifetime": "0",
            })
        };
        let make = |suffix: &str, command: &str, labels: Value| {
            let body = json!({
                "Image": given("TEST_AGENT_IMAGE"),
                "Entrypoint": ["sleep", command],
                "Labels": labels,
                // A restarting Engine ends running containers, and waits for them.
                "StopSignal": "SIGKILL",
            });
            engine.foreign(&name(suffix), body)
        };
        let all = vec![
            make("plain", "3600", json!({})),
            make("image", "3600", overdue(&name("other"))),
            make("ended", "0", overdue("x")),
            make("created", "3600", overdue(&name("another"))),
        ];
        for foreign in &all[..3] {
            foreign.start();
        }
        wait_for("the end of one", || {
            (engine.state(&all[2].id).as_deref() == Some("exited")).then_some(())
        });
        let mut bystanders = Self {
            engine,
            all,
            before: Vec::new(),
        };
        bystanders.before = bystanders.now();
        bystanders
    }

    /// Everything about each container that touching it would change.
    fn now(&self) -> Vec<Value> {
        let look = |foreign: &Foreign<'_>| {
            let mut seen = self.engine.inspect(&foreign.id);
            seen["State"]["Health"] = Value::Null;
            json!([
                seen["Id"],
                seen["Name"],
                seen["State"],
                seen["RestartCount"]
            ])
        };
        self.all.iter().map(look).collect()
    }

    /// Checks that none has changed.
    #[track_caller]
    pub fn check_untouched(&self) {
        assert_eq!(self.now(), self.before);
    }
}
