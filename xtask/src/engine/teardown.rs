//! Removes what a private Engine leaves outside its namespaces: its bridges, firewall rules,
//! control groups and files, and those of a Swarm beside it.
//!
//! It looks for them and remembers nothing, so it also works after a crash.

use std::fs;

use anyhow::{Context, Result};
use dev::processes;
use dev::swarm::control_groups;
use dynamic_access_admin::progress::say;

use crate::engine::dir::EngineDir;
use crate::engine::{bridge, outbound};

/// Removes the Engines of killed runs.
pub fn sweep() {
    for engine in EngineDir::abandoned() {
        say(&format!(
            "removing {}, left by a run that was killed",
            engine.dir.display()
        ));
        if let Err(error) = remove(&engine) {
            say(&format!("{error:#}"));
        }
    }
}

/// Removes one Engine, whose processes have ended.
pub fn remove(engine: &EngineDir) -> Result<()> {
    engine.swarm().remove();
    outbound::close(engine, !is_any_engine_running());
    bridge::remove(&engine.name(), engine.block)?;
    control_groups::remove(&engine.name());
    fs::remove_dir_all(&engine.dir)
        .with_context(|| format!("failed to remove {}", engine.dir.display()))
}

/// Whether any `dockerd` still runs, ours or not.
fn is_any_engine_running() -> bool {
    processes::running().any(|process| {
        let name = fs::read_to_string(process.dir.join("comm"));
        name.is_ok_and(|name| name.trim() == "dockerd")
    })
}
