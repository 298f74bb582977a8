//! Makes a base image without a registry: a small Debian by `debootstrap`, kept for later runs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::apt;
use crate::docker::Docker;
use crate::mounts;
use crate::process;
use crate::workspace;
use dynamic_access_admin::progress::{say, timed};

/// What the base is called on an Engine.
pub const IMAGE: &str = "dynamic-access-base:bookworm";

/// The Debian that is installed: that of the Dockerfile's own base.
const SUITE: &str = "bookworm";

/// Asked when the machine's own package sources name no mirror of the suite.
const DEFAULT_MIRROR: &str = "http://deb.debian.org/debian";

/// What a target does not need: package lists, caches, documentation.
const LEFT_OUT: [&str; 5] = [
    "./var/cache/apt",
    "./var/lib/apt/lists",
    "./var/log",
    "./usr/share/doc",
    "./usr/share/man",
];

/// Makes sure that the Engine has the base image.
pub fn ensure(docker: &Docker) -> Result<()> {
    if docker.has_image(IMAGE) {
        return Ok(());
    }
    let tarball = tarball();
    if !tarball.exists() {
        timed("base image: debootstrap", || bootstrap(&tarball))?;
    }
    let mut command = docker.command();
    command.arg("import").arg(&tarball).arg(IMAGE);
    process::output(&mut command).context("failed to import the base image")?;
    Ok(())
}

/// Whether the base can be had without a registry.
pub fn is_within_reach() -> bool {
    tarball().exists() || workspace::is_root()
}

fn tarball() -> PathBuf {
    workspace::cache_dir().join(format!("base-{SUITE}.tar"))
}

fn bootstrap(tarball: &Path) -> Result<()> {
    if !workspace::is_root() {
        bail!(
            "neither a registry nor root's debootstrap is at hand for a base image; \
             as root: cargo xtask image"
        );
    }
    if workspace::program("debootstrap").is_none() {
        apt::install(&["debootstrap"], "a base image without a registry")?;
    }
    let debootstrap = workspace::program("debootstrap")
        .context("`debootstrap` is missing; as root: apt-get install debootstrap")?;
    let tree = Tree::create()?;
    let mirror = mirror();
    say(&format!(
        "base image: installing a small Debian from {mirror}, which takes about a minute"
    ));
    process::output(
        Command::new(debootstrap)
            .args(["--variant=minbase", SUITE])
            .arg(&tree.0)
            .arg(&mirror),
    )
    .with_context(|| format!("is {mirror} reachable?"))?;
    pack(&tree.0, tarball)
}

/// Packs under another name first, so that a run that is cut short leaves no half of a tarball.
fn pack(tree: &Path, tarball: &Path) -> Result<()> {
    fs::create_dir_all(workspace::cache_dir())?;
    let unfinished = tarball.with_extension("unfinished");
    let mut command = Command::new("tar");
    command.arg("--create").arg("--file").arg(&unfinished);
    command.arg("--directory").arg(tree);
    for path in LEFT_OUT {
        // The folder itself stays, since packages expect it.
        command.arg(format!("--exclude={path}/*"));
    }
    process::output(command.arg("."))?;
    fs::rename(&unfinished, tarball)?;
    Ok(())
}

/// The mirror that this machine installs from, if it has the suite.
fn mirror() -> String {
    let codename = format!("Codename: {SUITE}");
    process::output(Command::new("apt-get").args([
        "indextargets",
        "--format",
        "$(REPO_URI)",
        "Label: Debian",
        &codename,
    ]))
    .ok()
    .and_then(|uris| uris.lines().next().map(str::to_owned))
    .filter(|uri| uri.starts_with("http"))
    .unwrap_or_else(|| DEFAULT_MIRROR.to_owned())
}

/// A folder that goes when it is no longer needed.
struct Tree(PathBuf);

impl Tree {
    /// On a disk, since a target directory may forbid device files and programs.
    fn create() -> Result<Self> {
        let dir = Path::new("/var/tmp").join(format!("da-base-{}", crate::random::suffix()?));
        fs::create_dir(&dir).with_context(|| format!("failed to create {}", dir.display()))?;
        Ok(Self(dir))
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        // A `debootstrap` that was cut short leaves its mounts.
        mounts::detach_below(&self.0);
        if let Err(error) = fs::remove_dir_all(&self.0) {
            say(&format!("failed to remove {}: {error}", self.0.display()));
        }
    }
}
