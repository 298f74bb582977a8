//! `deploy/systemd`: the unit, and the file of variables that its page writes.

use std::path::Path;
use std::process::Command;

use dev::process;
use test_support::prelude::*;

fn file(name: &str) -> String {
    shipped(&format!("deploy/systemd/{name}"))
}

/// A unit, or a part of one, with a program that this machine has instead of Spin.
fn without_spin(unit: &str) -> String {
    let changed = unit.replace("/usr/local/bin/spin", "/bin/true");
    assert_ne!(unit, changed);
    changed
}

fn analyze(arguments: &[&str], unit: &Path) {
    let output = Command::new("systemd-analyze")
        .args(arguments)
        .arg(unit)
        .output()
        .expect("systemd-analyze");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    assert_eq!(errors, "", "{arguments:?}");
}

/// The page's addition to the unit, which makes a secret a credential.
fn credential() -> String {
    let page = file("README.md");
    let lines = page.lines().map(str::trim_start);
    let added = lines.skip_while(|line| *line != "[Service]");
    let added: Vec<&str> = added.take_while(|line| !line.is_empty()).collect();
    added.join("\n") + "\n"
}

/// What follows a word on some line.
fn after<'a>(text: &'a str, word: &str) -> &'a str {
    let (_, rest) = text.split_once(word).expect(word);
    rest.split_whitespace().next().expect("what follows")
}

#[test]
fn systemd_takes_the_unit_rates_its_confinement_and_takes_a_credential() {
    let folder = Folder::new("systemd-");
    let unit = without_spin(&file("dynamic-access.service"));
    let unit = folder.file("dynamic-access.service", &unit);
    analyze(&["verify", "--man=no"], &unit);
    // From 0, the best, to 100. Most services have 96.
    analyze(&["security", "--offline=true", "--threshold=20"], &unit);
    let parts = folder.path().join("dynamic-access.service.d");
    std::fs::create_dir(&parts).expect("a folder");
    let part = without_spin(&credential());
    std::fs::write(parts.join("override.conf"), part).expect("a file");
    analyze(&["verify", "--man=no"], &unit);
}

#[test]
fn a_server_takes_the_credential_that_the_pages_command_has_encrypted() {
    let deployment = Deployment::given();
    let folder = Folder::new("systemd-");
    let credential = credential();
    let named = after(&credential, "LoadCredentialEncrypted=");
    let (name, path) = named.split_once(':').expect("a name and a path");
    let (variable, from) = after(&credential, "--variable ")
        .split_once("=@%d/")
        .expect("a variable from a credential");
    assert_eq!(from, name);
    let page = file("README.md");
    let mut lines = page.lines();
    let command = lines.find(|line| line.contains("systemd-creds encrypt"));
    let encrypted = folder.path().join(name).display().to_string();
    let script = command.expect("the command").replace(path, &encrypted);
    assert!(script.ends_with(&encrypted), "{script}");
    // Not the machine's own key.
    let key = folder.path().join("key");
    let run = |script: &str| {
        let mut command = Command::new("bash");
        command.env("SYSTEMD_CREDENTIAL_SECRET", &key);
        command.args(["-e", "-o", "pipefail", "-c", script]);
        process::output(&mut command).expect(script)
    };
    run(&script);
    // systemd does the same, and Spin takes the file as it is.
    let decrypted = run(&format!(
        "systemd-creds decrypt --name={name} {encrypted} -"
    ));
    let server = deployment.server(&[(variable, decrypted.as_str())]);
    let answer = server.by(decrypted.trim_end(), "GET", "/v1/targets", "");
    answer.check(200);
}

#[test]
fn a_server_with_the_pages_variables_serves_its_callers() {
    let deployment = Deployment::given();
    let folder = Folder::new("systemd-");
    let page = file("README.md");
    let (_, commands) = page.split_once("    umask 077\n").expect("the commands");
    let end = " >/etc/dynamic-access/variables\n";
    let (commands, _) = commands.split_once(end).expect("their end");
    let target = folder.path().join("variables");
    let script = format!("umask 077\n{commands} >{}", target.display());
    process::output(Command::new("bash").args(["-e", "-c", &script])).expect(&script);
    let written = std::fs::read_to_string(target).expect("the file");
    let names = ["webhook_secret", "api_secret", "environments"];
    assert_eq!(written.lines().count(), names.len(), "{written}");
    // As systemd reads it.
    let variables = names.map(|name| {
        let begin = format!("SPIN_VARIABLE_{}=", name.to_uppercase());
        let value = written.lines().find_map(|line| line.strip_prefix(&begin));
        (name, value.expect(name).trim_matches('\''))
    });
    let server = deployment.server(&variables);
    let (_, api_secret) = variables[1];
    server.by(api_secret, "GET", "/health", "").check(200);
    server.by(api_secret, "POST", "/reap", "").check(200);
    server.by(api_secret, "GET", "/v1/targets", "").check(200);
}
