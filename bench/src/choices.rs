//! Measures options that an operator may choose against the defaults.

use anyhow::{Context, Result};
use serde_json::json;

use crate::embedded::Bench;
use crate::native::PAUSE;
use crate::say;
use crate::sides::{Side, visits};

/// Starts targets with and without each option, in turns.
pub async fn measure(bench: &mut Bench<'_>) -> Result<()> {
    let engine = &bench.empty.url;
    for (name, patch) in [
        ("/start, Runtime crun", json!({"Runtime": "crun"})),
        ("/start, NetworkMode none", json!({"NetworkMode": "none"})),
        ("/start, NetworkMode host", json!({"NetworkMode": "host"})),
        ("/start, no Init", json!({"Init": false})),
    ] {
        say(name);
        let patch = json!({"HostConfig": patch}).to_string();
        let variables = [
            ("container_patch", patch.as_str()),
            // The host's network gives up isolation, which is refused otherwise.
            ("container_patch_unsafe", "allow"),
        ];
        let ours = bench.hosting.server(engine, &variables, None).await?;
        let usual = bench.hosting.server(engine, &[], None).await?;
        // A runtime may be missing, or unable to run on this kernel.
        match ours.start().await {
            Ok((id, _)) => ours.stop(&id).await?,
            Err(error) => {
                say(&format!("{name} cannot be measured here: {error:#}"));
                continue;
            }
        };
        let rounds = bench.arguments.rounds(30);
        let [starts, _] = visits(&ours, &usual, PAUSE, rounds).await.context(name)?;
        bench.report.row(name, "the defaults", starts, &[]);
    }
    Ok(())
}
