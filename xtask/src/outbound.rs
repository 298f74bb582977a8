//! Lets the containers of a private Engine reach further than this machine, which the real agent must.
//!
//! Three rules that name the Engine's own addresses, and the kernel's switch for
//! forwarding; all are taken back when the Engine goes. No chain of another
//! Engine is touched.

use std::fs;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::engine_dir::EngineDir;
use crate::process;
use crate::workspace;

/// The kernel's switch for forwarding between networks.
const SWITCH: &str = "/proc/sys/net/ipv4/ip_forward";

/// Says, in the Engine's folder, what the switch was before.
const MARK: &str = "outbound";

/// A rule is set at once, unless another program holds the lock of the rules.
const RULE_BOUND: Duration = Duration::from_secs(10);

/// Opens the way out.
pub fn open(record: &EngineDir) -> Result<()> {
    let before = fs::read_to_string(SWITCH).with_context(|| format!("failed to read {SWITCH}"))?;
    // Before the first rule, so that a run that is cut short takes back what there is.
    fs::write(record.dir.join(MARK), &before)?;
    for (chain, rule) in rules(record) {
        // First in its chain: an Engine that is running may have closed the rest.
        iptables(&[&["--insert"], chain, &as_words(&rule)].concat())?;
    }
    fs::write(SWITCH, "1\n").with_context(|| format!("failed to write {SWITCH}"))
}

/// Takes back what [`open`] has done, if it has.
pub fn close(record: &EngineDir, is_last_engine: bool) {
    let Ok(before) = fs::read_to_string(record.dir.join(MARK)) else {
        return;
    };
    for (chain, rule) in rules(record) {
        // A rule that was never set, or that somebody has flushed, is gone as well.
        let _ = iptables(&[&["--delete"], chain, &as_words(&rule)].concat());
    }
    // Another Engine relies on the switch.
    if is_last_engine && let Err(error) = fs::write(SWITCH, before) {
        dynamic_access_admin::progress::say(&format!("failed to restore {SWITCH}: {error}"));
    }
}

/// The rules: the chain with its table, and what is matched and done.
fn rules(record: &EngineDir) -> [(&'static [&'static str], String); 3] {
    let block = record.block;
    [
        (
            &["POSTROUTING", "--table", "nat"],
            format!("--source {block} ! --destination {block} --jump MASQUERADE"),
        ),
        (&["FORWARD"], format!("--source {block} --jump ACCEPT")),
        (
            &["FORWARD"],
            format!(
                "--destination {block} --match conntrack --ctstate RELATED,ESTABLISHED --jump ACCEPT"
            ),
        ),
    ]
}

fn as_words(rule: &str) -> Vec<&str> {
    rule.split(' ').collect()
}

fn iptables(arguments: &[&str]) -> Result<()> {
    let program = workspace::program("iptables").unwrap_or_else(|| "iptables".into());
    let mut command = Command::new(program);
    command.args(["--wait", "5"]).args(arguments);
    process::output_within(&mut command, RULE_BOUND).map(drop)
}
