//! Runs `ip`, `iptables` and `nsenter`, each in a process group of its own, so that Ctrl-C on the
//! terminal cuts none of them short.

use std::env;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// A program that root has, even if `PATH` lacks the `sbin` folders.
pub(crate) fn command(program: &str) -> Command {
    let path = env::var("PATH").unwrap_or_default();
    let mut command = Command::new(program);
    command
        .env("PATH", format!("{path}:/usr/sbin:/sbin"))
        .process_group(0)
        .stdin(Stdio::null());
    command
}

/// Runs a command that must succeed.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let output = command.output();
    let output = output.with_context(|| format!("failed to run {:?}", command.get_program()))?;
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.stderr);
        bail!("{command:?}: {}: {}", output.status, complaint.trim());
    }
    Ok(())
}

/// `ip`, which must succeed.
pub(crate) fn ip(arguments: &[&str]) -> Result<()> {
    run(command("ip").args(arguments))
}

/// `ip`, for what need not be there.
pub(crate) fn try_ip(arguments: &[&str]) {
    let _ = run(command("ip").args(arguments));
}

/// Inserts (`-I`) or deletes (`-D`) the rule that lets a bridge forward between its ports: an Engine
/// elsewhere on this machine may have set the kernel to drop that.
pub(crate) fn firewall(change: &str, bridge: &str) {
    let rule = ["FORWARD", "-i", bridge, "-o", bridge, "-j", "ACCEPT"];
    // Without a firewall there is nothing to drop it either.
    let _ = run(command("iptables").args(["--wait", "5", change]).args(rule));
}
