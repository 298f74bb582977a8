//! The folder of a private Engine. Everything that a later run needs to remove the Engine is in it.
//!
//! Dropping it removes what an Engine leaves outside its namespaces: bridges, firewall rules, control groups and files,
//! and those of a Swarm beside it. It looks for them and remembers nothing, so this also works after a crash.

use std::fs::{self, DirBuilder, File};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use dev::processes;
use dev::swarm::control_groups;
use dev::swarm::place::Place;
use dynamic_access_admin::progress::say;
use dynamic_access_admin::random;
use ipnet::Ipv4Net;

use crate::engine::{bridge, outbound};

/// Engines live here: paths short enough for a unix socket (107 bytes), and a disk rather than
/// memory, since overlay2 needs a real file system below it.
const HOME: &str = "/var/tmp";

/// The names of an Engine's folder, bridge and control groups begin with this, before a random part.
const PREFIX: &str = "dax-";

/// Holds the addresses of the Engine's networks. The run that uses an Engine keeps it locked.
const LOCK_FILE: &str = "lock";

/// The folder of a private Engine; dropping it, after the Engine's processes have ended, removes it.
pub struct EngineDir {
    pub dir: PathBuf,
    /// The addresses of its networks.
    pub block: Ipv4Net,
    /// The Engine's first process holds it too. The kernel unlocks it when both have ended, however they end.
    pub lock: File,
    /// Whether another run has to remove it, because its processes do not end.
    pub is_left: bool,
}

impl EngineDir {
    pub fn create() -> Result<Self> {
        let block = bridge::free_block()?;
        let dir = Path::new(HOME).join(format!("{PREFIX}{}", random::hex::<4>()?));
        DirBuilder::new()
            .mode(0o700)
            .create(&dir)
            .with_context(|| format!("failed to create {}", dir.display()))?;
        let path = dir.join(LOCK_FILE);
        let locked = File::create(&path).and_then(|mut lock| {
            // Locked while it is empty, because another run removes unlocked folders.
            lock.lock()?;
            writeln!(lock, "{block}")?;
            Ok(lock)
        });
        let lock = locked.with_context(|| format!("failed to write {}", path.display()))?;
        Ok(Self {
            dir,
            block,
            lock,
            is_left: false,
        })
    }

    /// The folder's name, which also names the control group and the bridge; the kernel allows a bridge 15 characters.
    pub fn name(&self) -> String {
        self.dir
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default()
    }

    pub fn swarm(&self) -> Place {
        Place::beside(&self.dir, self.block.network())
    }

    /// Removes the Engines of this user's runs that were killed.
    pub fn sweep() {
        let entries = fs::read_dir(HOME).into_iter().flatten().flatten();
        let ours = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX));
        for engine in ours.filter_map(|entry| Self::if_abandoned(entry.path())) {
            let dir = engine.dir.display();
            say(&format!("removing {dir}, left by a run that was killed"));
        }
    }

    fn remove(&self) -> Result<()> {
        self.swarm().remove();
        outbound::close(&self.dir, self.block, !is_any_engine_running());
        bridge::remove(&self.name(), self.block)?;
        control_groups::remove(&self.name());
        fs::remove_dir_all(&self.dir)
            .with_context(|| format!("failed to remove {}", self.dir.display()))
    }

    fn if_abandoned(dir: PathBuf) -> Option<Self> {
        // Anybody can make a folder there, so only our own counts.
        let metadata = dir.symlink_metadata().ok()?;
        if !metadata.is_dir() || metadata.uid() != rustix::process::geteuid().as_raw() {
            return None;
        }
        let lock = File::open(dir.join(LOCK_FILE)).ok()?;
        lock.try_lock().ok()?;
        let text = fs::read_to_string(dir.join(LOCK_FILE)).ok()?;
        let block = text.lines().next()?.parse().ok()?;
        Some(Self {
            dir,
            block,
            lock,
            is_left: false,
        })
    }
}

impl Drop for EngineDir {
    fn drop(&mut self) {
        let problem = match self.is_left {
            true => "its processes do not end".to_owned(),
            false => match self.remove() {
                Ok(()) => return,
                Err(error) => format!("{error:#}"),
            },
        };
        say(&format!(
            "private Engine: {problem}; the next one to start removes what is left"
        ));
    }
}

/// Whether any `dockerd` still runs, ours or not.
fn is_any_engine_running() -> bool {
    processes::running().any(|process| {
        let name = fs::read_to_string(process.dir.join("comm"));
        name.is_ok_and(|name| name.trim() == "dockerd")
    })
}
