//! Installs Debian's packages, or says how.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process;
use crate::progress;
use crate::workspace;

/// What Debian's maintainer scripts ask before they start a service.
const POLICY: &str = "/usr/sbin/policy-rc.d";

/// Installs packages and nothing they merely recommend; `purpose` is what the person wanted.
pub fn install(packages: &[&str], purpose: &str) -> Result<()> {
    let by_hand = format!(
        "apt-get update && apt-get install --no-install-recommends {}",
        packages.join(" ")
    );
    if workspace::program("apt-get").is_none() {
        bail!(
            "{purpose}: these of Debian's packages, or what your system calls them, are needed: {}",
            packages.join(" ")
        );
    }
    if !workspace::is_root() {
        bail!("{purpose}: packages are missing; as root: {by_hand}");
    }
    progress::say(&format!("{purpose}: installing {}", packages.join(" ")));
    let _quiet = NoServices::declare()?;
    if apt_get("install", packages).is_ok() {
        return Ok(());
    }
    // The package lists are missing or old.
    apt_get("update", &[])
        .and_then(|()| apt_get("install", packages))
        .with_context(|| format!("{purpose}: packages could not be installed; try: {by_hand}"))
}

/// What brings an Engine, the Docker CLI, and what they call.
pub fn docker_packages() -> Vec<&'static str> {
    let mut packages = vec!["docker.io", "iptables", "iproute2"];
    // A package of its own since Debian 13.
    if knows("docker-cli") {
        packages.push("docker-cli");
    }
    // Where the kernel confines containers with AppArmor, none starts without its parser.
    if fs::read_to_string("/sys/module/apparmor/parameters/enabled")
        .is_ok_and(|enabled| enabled.trim() == "Y")
    {
        packages.push("apparmor");
    }
    packages
}

fn knows(package: &str) -> bool {
    process::output(Command::new("apt-cache").args(["show", "--no-all-versions", package]))
        .is_ok_and(|text| !text.is_empty())
}

fn apt_get(verb: &str, packages: &[&str]) -> Result<()> {
    let mut command = Command::new("apt-get");
    command
        .args(["-q", "-y", verb])
        .env("DEBIAN_FRONTEND", "noninteractive");
    if verb == "install" {
        command.arg("--no-install-recommends").args(packages);
    }
    process::output(&mut command).map(drop)
}

/// Keeps an installed package from starting its service while this value lives.
///
/// Debian's docker.io would otherwise start an Engine for the whole machine,
/// which nobody asked for.
struct NoServices {
    declared: bool,
}

impl NoServices {
    fn declare() -> Result<Self> {
        if Path::new(POLICY).exists() {
            return Ok(Self { declared: false });
        }
        fs::write(POLICY, "#!/bin/sh\nexit 101\n")
            .and_then(|()| fs::set_permissions(POLICY, fs::Permissions::from_mode(0o755)))
            .with_context(|| format!("failed to write {POLICY}"))?;
        Ok(Self { declared: true })
    }
}

impl Drop for NoServices {
    fn drop(&mut self) {
        if self.declared
            && let Err(error) = fs::remove_file(POLICY)
        {
            progress::say(&format!("failed to remove {POLICY}: {error}"));
        }
    }
}
