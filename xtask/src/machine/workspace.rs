//! The places of the checkout, its build output, and programs on this machine.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};

/// The folder of the workspace's Cargo.toml.
pub fn root() -> PathBuf {
    let ours = env::var_os("CARGO_MANIFEST_DIR");
    let mut root = PathBuf::from(ours.unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into()));
    root.pop();
    root
}

/// Where Cargo puts what it builds.
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
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(is_about_our_package) {
            command.env_remove(name);
        }
    }
}

fn is_about_our_package(variable: &str) -> bool {
    const NAMES: [&str; 6] = [
        "CARGO_MANIFEST_DIR",
        "CARGO_MANIFEST_PATH",
        "CARGO_CRATE_NAME",
        "CARGO_BIN_NAME",
        "CARGO_PRIMARY_PACKAGE",
        "OUT_DIR",
    ];
    variable.starts_with("CARGO_PKG_") || NAMES.contains(&variable)
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

    #[test]
    fn what_is_about_our_package_is_told_from_settings() {
        assert!(is_about_our_package("CARGO_PKG_VERSION"));
        assert!(is_about_our_package("CARGO_MANIFEST_DIR"));
        for setting in [
            "CARGO_HOME",
            "CARGO_TARGET_DIR",
            "CARGO",
            "CARGO_NET_OFFLINE",
        ] {
            assert!(!is_about_our_package(setting), "{setting}");
        }
    }
}
