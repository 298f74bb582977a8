//! The agent image trusts one key, which is named by its full fingerprint.
//!
//! This runs the commands of the Dockerfile that fetch the key, with files instead of
//! a key server.

#![cfg(unix)]

use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A folder with two keys: the one that is meant, and another.
struct Keys {
    dir: PathBuf,
    meant: String,
    other: String,
}

impl Keys {
    /// Makes the keys. A machine without `gpg` fails the test only in CI.
    fn new() -> Option<Self> {
        if Command::new("gpg").arg("--version").output().is_err() {
            let is_ci = std::env::var_os("CI").is_some();
            assert!(!is_ci, "install gnupg, whose gpg this test needs");
            eprintln!("not tested, because this machine has no gpg");
            return None;
        }
        let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("agent-image");
        let _ = fs::remove_dir_all(&dir);
        let [meant, other] = ["meant", "other"].map(|user| make_key(&dir.join(user), user));
        Some(Self { dir, meant, other })
    }

    /// Runs the Dockerfile's commands on what a server sends, the keys of these users, and
    /// returns the fingerprints in the keyring.
    fn fetch(&self, key: &str, users: &[&str]) -> Result<Vec<String>, Option<i32>> {
        let (served, keyring) = (self.dir.join("served"), self.dir.join("keyring"));
        let keys = users.iter();
        let keys = keys.map(|user| gpg(&self.dir.join(user), &["--export", "--armor"]));
        fs::write(&served, keys.collect::<String>()).expect("a file");
        let script = format!("set -eu; keyring={}; {}", keyring.display(), commands());
        let output = Command::new("sh")
            .args(["-c", &script])
            .env("AGENT_KEY", key)
            .env("AGENT_KEY_URL", format!("file://{}", served.display()))
            .output()
            .expect("a shell");
        if !output.status.success() {
            return Err(output.status.code());
        }
        let keyring = keyring.to_str().expect("a path of text");
        let shown = ["--show-keys", "--with-colons", keyring];
        Ok(fingerprints(&gpg(&self.dir.join("meant"), &shown)))
    }
}

/// What `gpg` says.
fn gpg(home: &Path, args: &[&str]) -> String {
    let mut command = Command::new("gpg");
    command.args(["--batch", "--quiet", "--homedir"]).arg(home);
    let output = command.args(args).output().expect("gpg");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("text")
}

fn make_key(home: &Path, user: &str) -> String {
    let mut private = fs::DirBuilder::new();
    private.recursive(true).mode(0o700);
    private.create(home).expect("a folder");
    let make = [
        "--passphrase",
        "",
        "--quick-gen-key",
        user,
        "ed25519",
        "sign",
    ];
    gpg(home, &make);
    let listed = gpg(home, &["--list-keys", "--with-colons"]);
    // The agent that made the key would stay.
    let mut end = Command::new("gpgconf");
    let _ = end
        .arg("--homedir")
        .arg(home)
        .args(["--kill", "all"])
        .output();
    fingerprints(&listed).remove(0)
}

fn fingerprints(listed: &str) -> Vec<String> {
    let lines = listed.lines().filter(|line| line.starts_with("fpr:"));
    let fields = lines.filter_map(|line| line.split(':').nth(9));
    fields.map(str::to_owned).collect()
}

/// The commands of the Dockerfile from the check of the fingerprint to the removal of
/// what was downloaded, without those that install packages.
fn commands() -> String {
    let dockerfile = include_str!("../agent-image/Dockerfile");
    let start = dockerfile.find("key=$(").expect("the check");
    let rest = &dockerfile[start..];
    let end = rest.find("echo \"deb [").expect("the end");
    let lines = rest[..end].lines().map(str::trim);
    let kept = lines.filter(|line| !line.starts_with('#') && !line.starts_with("apt-get"));
    kept.map(|line| line.trim_end_matches('\\'))
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn only_the_key_with_that_fingerprint_is_kept_and_nothing_less_names_it() {
    let Some(keys) = Keys::new() else {
        return;
    };
    let meant = Ok(vec![keys.meant.clone()]);
    for served in [&["meant"][..], &["other", "meant"], &["meant", "other"]] {
        assert_eq!(keys.fetch(&keys.meant, served), meant, "{served:?}");
    }
    // As gpg prints it, and as key servers want it.
    let groups = keys.meant.as_bytes().chunks(4).map(String::from_utf8_lossy);
    let spaced = groups.collect::<Vec<_>>().join(" ");
    assert_eq!(keys.fetch(&spaced.to_lowercase(), &["meant"]), meant);
    assert_eq!(keys.fetch(&format!("0x{}", keys.meant), &["meant"]), meant);
    assert_eq!(keys.fetch(&keys.meant, &["other"]), Err(Some(65)));
    let short = &keys.meant[24..];
    for key in ["", short, &keys.meant[1..], "0000", "../../etc/passwd"] {
        assert_eq!(keys.fetch(key, &["meant"]), Err(Some(64)), "{key}");
    }
    let forged = format!("{}{short}", &keys.other[..24]);
    assert_eq!(keys.fetch(&forged, &["meant"]), Err(Some(65)));
}
