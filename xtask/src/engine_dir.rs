//! What is written down about a private Engine, so that any later run can remove it.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::bridge::Block;

/// Engines live here: paths short enough for a unix socket (107 bytes), and a disk rather than
/// memory, since overlay2 wants a real file system below it.
pub const HOME: &str = "/var/tmp";

/// What the folder of an Engine, its bridge and its control groups are called, before the random part.
pub const PREFIX: &str = "dax-";

/// The name of the record in the folder of its Engine.
const FILE: &str = "record";

/// A private Engine, as far as its removal needs to know it.
pub struct EngineDir {
    /// The folder that holds all of it.
    pub dir: PathBuf,
    /// The addresses of its networks.
    pub block: Block,
    /// Whose end is also its own.
    pub owner: Owner,
}

/// Who removes an Engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// `engine stop` does, in this checkout.
    Checkout(PathBuf),
    /// The process with this number and start time does.
    Process(String),
}

impl Owner {
    /// This process.
    pub fn us() -> Result<Self> {
        let pid = std::process::id();
        let started = start_time(pid).context("failed to read /proc/self/stat")?;
        Ok(Self::Process(format!("{pid}@{started}")))
    }

    /// Whether it was a process and has ended.
    fn is_gone(&self) -> bool {
        let Self::Process(identity) = self else {
            return false;
        };
        let alive = identity.split_once('@').is_some_and(|(pid, started)| {
            pid.parse()
                .is_ok_and(|pid| start_time(pid).as_deref() == Some(started))
        });
        !alive
    }
}

impl EngineDir {
    /// The folder's name, which also names the control group.
    pub fn name(&self) -> String {
        self.dir
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default()
    }

    /// The bridge's name; the kernel allows 15 characters, and the folder's name has 12.
    pub fn bridge(&self) -> String {
        self.name()
    }

    /// The unix socket.
    pub fn socket(&self) -> PathBuf {
        self.dir.join("docker.sock")
    }

    /// Where the Engine keeps images and containers.
    pub fn data(&self) -> PathBuf {
        self.dir.join("data")
    }

    /// Whether its owner has ended without removing it.
    pub fn is_abandoned(&self) -> bool {
        self.owner.is_gone()
    }

    /// Writes it down.
    pub fn write(&self) -> Result<()> {
        let owner = match &self.owner {
            Owner::Checkout(root) => root.display().to_string(),
            Owner::Process(identity) => identity.clone(),
        };
        let path = self.dir.join(FILE);
        fs::write(&path, format!("{}\n{owner}\n", self.block))
            .with_context(|| format!("failed to write {}", path.display()))
    }

    fn read(dir: &Path) -> Option<Self> {
        // Anybody can make a folder there; only our own is to be believed.
        let metadata = dir.symlink_metadata().ok()?;
        if !metadata.is_dir() || metadata.uid() != rustix::process::geteuid().as_raw() {
            return None;
        }
        let text = fs::read_to_string(dir.join(FILE)).ok()?;
        let (block, owner) = parse(&text)?;
        Some(Self {
            dir: dir.to_owned(),
            block,
            owner,
        })
    }

    /// Every private Engine of this user.
    pub fn all() -> Vec<Self> {
        let Ok(entries) = fs::read_dir(HOME) else {
            return Vec::new();
        };
        entries
            .flatten()
            .filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX))
            .filter_map(|entry| Self::read(&entry.path()))
            .collect()
    }
}

fn parse(text: &str) -> Option<(Block, Owner)> {
    let mut lines = text.lines();
    let block = Block::parse(lines.next()?)?;
    let owner = match lines.next()? {
        root if root.starts_with('/') => Owner::Checkout(root.into()),
        identity => Owner::Process(identity.to_owned()),
    };
    Some((block, owner))
}

/// When a process started, which together with its number tells it from a later one.
fn start_time(pid: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is the program's name in parentheses, and may hold blanks; proc(5) counts
    // the start time as the 22nd field.
    let after_name = stat.rsplit_once(')')?.1;
    after_name.split_whitespace().nth(19).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engine_is_abandoned_once_its_owner_has_ended() {
        assert!(!Owner::us().expect("we run").is_gone());
        assert!(Owner::Process("1@0".to_owned()).is_gone());
        assert!(Owner::Process("nonsense".to_owned()).is_gone());
    }

    #[test]
    fn an_engine_that_is_to_stay_is_never_abandoned() {
        assert!(!Owner::Checkout("/home/a".into()).is_gone());
    }

    #[test]
    fn a_record_that_was_cut_off_is_not_believed() {
        assert!(parse("10.1.16.0/20\n/home/a\n").is_some());
        assert!(parse("10.1.16.0/20\n").is_none());
        assert!(parse("").is_none());
    }
}
