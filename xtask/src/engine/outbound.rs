//! Lets the containers of a private Engine reach beyond this machine, which the real agent needs.
//!
//! It sets three firewall rules for the Engine's own addresses, and the kernel's switch for
//! forwarding. The removal of the Engine undoes them. It touches no chain of another Engine.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use dev::network::iptables;
use dynamic_access_admin::progress::say;
use ipnet::Ipv4Net;

/// The kernel's switch for forwarding between networks.
const SWITCH: &str = "/proc/sys/net/ipv4/ip_forward";

/// The file in the Engine's folder with the previous value of the switch.
const MARK: &str = "outbound";

pub fn open(dir: &Path, block: Ipv4Net) -> Result<()> {
    let before = fs::read_to_string(SWITCH).with_context(|| format!("failed to read {SWITCH}"))?;
    // Written before the first rule: a run that is cut short is then undone.
    fs::write(dir.join(MARK), &before)?;
    for rule in rules(block) {
        // First in its chain: a running Engine may drop everything further down.
        change("--insert", &rule)?;
    }
    fs::write(SWITCH, "1\n").with_context(|| format!("failed to write {SWITCH}"))
}

/// Undoes what [`open`] did, if it did.
pub fn close(dir: &Path, block: Ipv4Net, is_last_engine: bool) {
    let Ok(before) = fs::read_to_string(dir.join(MARK)) else {
        return;
    };
    for rule in rules(block) {
        // This fails if the rule was never set or was flushed, which is fine.
        let _ = change("--delete", &rule);
    }
    // Any other Engine relies on the switch.
    if is_last_engine && let Err(error) = fs::write(SWITCH, before) {
        say(&format!("failed to restore {SWITCH}: {error}"));
    }
}

/// The rules, each with its chain first.
fn rules(block: Ipv4Net) -> [String; 3] {
    let masquerade = "--jump MASQUERADE";
    let answers = "--match conntrack --ctstate RELATED,ESTABLISHED --jump ACCEPT";
    [
        format!("POSTROUTING --table nat --source {block} ! --destination {block} {masquerade}"),
        format!("FORWARD --source {block} --jump ACCEPT"),
        format!("FORWARD --destination {block} {answers}"),
    ]
}

fn change(how: &str, rule: &str) -> Result<()> {
    let words: Vec<_> = [how].into_iter().chain(rule.split(' ')).collect();
    iptables(&words)
}
