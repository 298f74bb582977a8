//! The places of the checkout, its build output, and programs on this machine.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;
use sha2::{Digest, Sha256};

/// The folder of the workspace's Cargo.toml.
pub fn root() -> PathBuf {
    let ours = env::var_os("CARGO_MANIFEST_DIR");
    let mut root = PathBuf::from(ours.unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into()));
    root.pop();
    root
}

pub fn target_dir() -> PathBuf {
    match env::var_os("CARGO_TARGET_DIR") {
        // Cargo takes a relative path from where it was called.
        Some(dir) => std::path::absolute(&dir).unwrap_or_else(|_| PathBuf::from(dir)),
        None => root().join("target"),
    }
}

/// Where these commands cache things for later runs.
pub fn cache_dir() -> PathBuf {
    target_dir().join("xtask")
}

/// The Cargo that runs us, for this workspace and its build output.
pub fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command
        .current_dir(root())
        .env("CARGO_TARGET_DIR", target_dir());
    forget_our_package(&mut command);
    command
}

/// Removes the variables in which Cargo describes a program's package.
///
/// Build scripts depend on some of them and would run again, with everything
/// that depends on them, each time a person's `cargo` and ours alternate.
pub fn forget_our_package(command: &mut Command) {
    const NAMES: [&str; 6] = [
        "CARGO_MANIFEST_DIR",
        "CARGO_MANIFEST_PATH",
        "CARGO_CRATE_NAME",
        "CARGO_BIN_NAME",
        "CARGO_PRIMARY_PACKAGE",
        "OUT_DIR",
    ];
    let set = env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    for name in set.filter(|name| name.starts_with("CARGO_PKG_") || NAMES.contains(&&**name)) {
        command.env_remove(name);
    }
}

/// A folder of the cache, made anew if it is missing or was made of other inputs.
pub fn kept(name: &str, inputs: &[u8], make: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
    let dir = cache_dir().join(name);
    // Its own path is one of them: the programs of a virtual environment name it.
    let wanted = [inputs, dir.as_os_str().as_encoded_bytes()].concat();
    let mark = dir.join("made-of");
    if !fs::read(&mark).is_ok_and(|made_of| made_of == wanted) {
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(&dir)?;
        make(&dir)?;
        // Written last: what is unfinished is then made again.
        fs::write(&mark, wanted)?;
    }
    Ok(dir)
}

/// Whether we may install packages, start an Engine, and the like.
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// The deployment id for a command: the same for each run in this checkout, and different for every other one.
pub fn deployment_id(command: &str) -> String {
    deployment_id_of(command, &root())
}

fn deployment_id_of(command: &str, root: &Path) -> String {
    let digest = Sha256::digest(root.as_os_str().as_encoded_bytes());
    format!("{command}-{:.8}", format!("{digest:x}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deployment_id_is_short_and_stable_and_of_its_command_and_checkout_alone() {
        let id = |command, root| deployment_id_of(command, Path::new(root));
        let here = id("up", "/home/a/dynamic-access");
        assert_eq!(here, id("up", "/home/a/dynamic-access"));
        assert_ne!(here, id("up", "/home/b/dynamic-access"));
        assert_ne!(here, id("demo", "/home/a/dynamic-access"));
        assert_eq!(here.len(), 11);
        assert!(
            here.bytes()
                .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
        );
    }
}
