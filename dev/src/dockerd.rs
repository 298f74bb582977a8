//! A `dockerd` with all of its files in one folder.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The unix socket of the one in a folder.
pub fn socket(dir: &Path) -> PathBuf {
    dir.join("docker.sock")
}

/// The file with its process id.
pub fn pid_file(dir: &Path) -> PathBuf {
    dir.join("dockerd.pid")
}

/// Writes its configuration, and returns its options: its containers are in that control group, and without TLS it
/// listens at that address.
pub fn options(
    dir: &Path,
    configuration: &str,
    control_group: &str,
    without_tls: Option<SocketAddr>,
) -> Result<Vec<String>> {
    // Otherwise it would read the machine's own /etc/docker/daemon.json.
    let file = dir.join("daemon.json");
    fs::write(&file, configuration).with_context(|| file.display().to_string())?;
    let mut options = vec![
        format!("--config-file={}", file.display()),
        format!("--data-root={}", dir.join("data").display()),
        format!("--exec-root={}", dir.join("exec").display()),
        format!("--pidfile={}", pid_file(dir).display()),
        format!("--host=unix://{}", socket(dir).display()),
        format!("--cgroup-parent=/{control_group}"),
        "--exec-opt=native.cgroupdriver=cgroupfs".to_owned(),
    ];
    if let Some(address) = without_tls {
        options.push(format!("--host=tcp://{address}"));
        // Explicitly, because it otherwise delays its start for a warning.
        options.push("--tls=false".to_owned());
    }
    Ok(options)
}
