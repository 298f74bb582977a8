//! Removes what a private Engine leaves outside of its namespaces: its bridges, firewall rules,
//! control groups and files.
//!
//! Works from what is found rather than from what was remembered, so that it also serves after a
//! crash.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use dynamic_access_admin::progress::say;

use crate::bridge;
use crate::engine_dir::EngineDir;
use crate::image_cache;
use crate::namespaces;
use crate::outbound;
use crate::workspace;

/// Removes the Engines that stay for this checkout, and says how many they were.
pub fn stop_all() -> Result<usize> {
    sweep();
    let root = Some(workspace::root());
    let mut stopped = 0;
    for engine in EngineDir::all() {
        if engine.stays_for == root {
            remove(&engine)?;
            stopped += 1;
        }
    }
    Ok(stopped)
}

/// Removes the Engines whose runs were killed before they could.
pub fn sweep() {
    for engine in EngineDir::all()
        .into_iter()
        .filter_map(EngineDir::if_abandoned)
    {
        say(&format!(
            "removing {}, left by a run that was killed",
            engine.dir.display()
        ));
        if let Err(error) = remove(&engine) {
            say(&format!("{error:#}"));
        }
    }
}

/// Removes one Engine.
pub fn remove(engine: &EngineDir) -> Result<()> {
    take_apart(engine)?;
    delete(engine)
}

/// As [`remove`], but keeps the images of an Engine without containers for the next run.
pub fn remove_but_images(engine: &EngineDir) -> Result<()> {
    take_apart(engine)?;
    let kept = image_cache::keep(engine);
    delete(engine)?;
    kept
}

/// Ends and undoes everything but the files.
fn take_apart(engine: &EngineDir) -> Result<()> {
    if !namespaces::kill(&engine.dir) {
        bail!("the processes of {} do not end", engine.dir.display());
    }
    outbound::close(engine, !is_any_engine_running());
    bridge::remove(&engine.bridge(), engine.block)?;
    remove_control_groups(&engine.name());
    Ok(())
}

fn delete(engine: &EngineDir) -> Result<()> {
    fs::remove_dir_all(&engine.dir)
        .with_context(|| format!("failed to remove {}", engine.dir.display()))
}

/// Whether any `dockerd` still runs, ours or not.
fn is_any_engine_running() -> bool {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).any(|process| {
        let name = fs::read_to_string(process.join("comm")).unwrap_or_default();
        let line = fs::read(process.join("cmdline")).unwrap_or_default();
        // A zombie has no command line.
        name.trim() == "dockerd" && !line.is_empty()
    })
}

/// Removes the empty control groups of an Engine, in every hierarchy of either version.
fn remove_control_groups(name: &str) {
    let root = Path::new("/sys/fs/cgroup");
    let hierarchies = fs::read_dir(root)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path());
    for hierarchy in hierarchies.chain([root.to_owned()]) {
        let group = hierarchy.join(name);
        for child in fs::read_dir(&group).into_iter().flatten().flatten() {
            // Its files cannot be removed and go with their folder.
            let _ = fs::remove_dir(child.path());
        }
        let _ = fs::remove_dir(group);
    }
}
