//! Makes the configurations of proxies that let only the component's calls through to an Engine, or to the managers of a
//! Swarm.
//!
//! The templates hold the configurations with their comments; the calls come from [`calls`].

mod arguments;
pub mod calls;
mod proxy;

use std::fs;

use anyhow::{Context, Result};

use crate::progress::say;
use crate::word;
pub use arguments::ProxyArguments;
use arguments::{Auth, Setting};
use calls::{Call, Scheduler};
use proxy::Proxy;

/// Prints one configuration, or writes all of them into a folder.
///
/// # Errors
///
/// If a setting would change the meaning of a configuration, or a file cannot be written.
pub fn configure(arguments: &ProxyArguments) -> Result<()> {
    let setting = arguments.setting()?;
    let calls = calls::table(arguments.scheduler)?;
    if let (Some(proxy), Some(auth)) = (arguments.proxy, arguments.auth) {
        print!("{}", render(proxy, auth, &setting, &calls));
    }
    let Some(folder) = &arguments.write else {
        return Ok(());
    };
    for (proxy, auth) in kinds(arguments.scheduler) {
        let path = folder.join(file_name(proxy, auth));
        fs::write(&path, render(proxy, auth, &setting, &calls))
            .with_context(|| format!("failed to write {}", path.display()))?;
        say(&format!("written: {}", path.display()));
    }
    Ok(())
}

/// All configurations for a scheduler.
fn kinds(scheduler: Scheduler) -> impl Iterator<Item = (Proxy, Auth)> {
    let proxies: &[Proxy] = match scheduler {
        Scheduler::Engine => &[Proxy::Nginx, Proxy::Haproxy],
        Scheduler::Swarm => &[Proxy::Haproxy],
    };
    let both = |proxy: &Proxy| [(*proxy, Auth::Certificate), (*proxy, Auth::Bearer)];
    proxies.iter().flat_map(both)
}

fn file_name(proxy: Proxy, auth: Auth) -> String {
    format!("{}-{}.{}", word(proxy), word(auth), proxy.extension())
}

fn render(proxy: Proxy, auth: Auth, setting: &Setting, calls: &[Call]) -> String {
    let usual_user = proxy.usual_user();
    let (usual_group, server, engine_word, unreachable) = match setting.scheduler {
        Scheduler::Engine => ("docker", "", "Engine", "the Engine cannot be reached"),
        // There is no socket to open, and the access log shows which manager answered.
        Scheduler::Swarm => (usual_user, " %s", "manager", NO_MANAGER),
    };
    let usual = (usual_user.to_owned(), usual_group.to_owned());
    let (user, group) = setting.user.as_ref().unwrap_or(&usual);
    let numbered = setting.managers.iter().zip(1..);
    let managers: Vec<_> = numbered
        .map(|(manager, number)| format!("    server manager-{number} {manager}"))
        .collect();
    let lines: String = calls.iter().map(|call| proxy.line(call)).collect();
    let auth = word(auth);
    let text = chosen(proxy.template(), &[&auth, &word(setting.scheduler)]);
    [
        ("@CALLS@\n", lines.as_str()),
        ("@BODIES@\n", &proxy.bodies(calls)),
        ("@AUTH@", &auth),
        ("@LISTEN@", &proxy.listening(&setting.listen)),
        ("@TABLE@", setting.scheduler.file()),
        ("@ENGINE@", &proxy.connecting(&setting.engine)),
        ("@MANAGERS@", &managers.join("\n")),
        ("@SERVER@", server),
        ("@ENGINE_WORD@", engine_word),
        ("@UNREACHABLE@", unreachable),
        ("@CERTS@", &setting.certs),
        ("@USER@", user),
        ("@GROUP@", group),
        ("@LOG@", setting.log.as_deref().unwrap_or(proxy.usual_log())),
    ]
    .into_iter()
    .fold(text, |text, (place, value)| text.replace(place, value))
}

/// The proxy's message if no manager can act. The component reads it like that of a manager without a leader.
const NO_MANAGER: &str = "no manager of the Swarm can be reached, or it does not have a leader";

/// The lines of a template for one kind of authentication and one scheduler.
///
/// Lines between `@if certificate`, `@if bearer`, `@if engine` or `@if swarm` and `@end` are only for that kind.
fn chosen(template: &str, kinds: &[&str]) -> String {
    let mut only = None;
    let mut text = String::new();
    for line in template.lines() {
        match line.split_once(' ') {
            Some(("@if", kind)) => only = Some(kind),
            _ if line == "@end" => only = None,
            _ if only.is_none_or(|kind| kinds.contains(&kind)) => {
                text.push_str(line);
                text.push('\n');
            }
            _ => {}
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// All configurations: the path in the repository, and the text.
    fn configurations() -> Vec<(String, String)> {
        let mut all = Vec::new();
        for scheduler in Scheduler::ALL {
            let calls = calls::table(scheduler).expect("a table");
            let setting = arguments::tests::usual(scheduler);
            let (folder, _) = scheduler.file().rsplit_once('/').expect("a folder");
            for (proxy, auth) in kinds(scheduler) {
                let path = format!("{folder}/{}", file_name(proxy, auth));
                all.push((path, render(proxy, auth, &setting, &calls)));
            }
        }
        all
    }

    #[test]
    fn the_committed_configurations_are_those_of_the_tables() {
        for (path, text) in configurations() {
            let (folder, _) = path.rsplit_once('/').expect("a folder");
            let scheduler = match folder {
                "deploy/swarm" => "--scheduler swarm ",
                _ => "",
            };
            let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
            let committed = fs::read_to_string(root.join(&path)).unwrap_or_default();
            assert!(
                committed == text,
                "{path} is stale: cargo xtask proxy-config {scheduler}--write {folder}"
            );
        }
    }

    #[test]
    fn nothing_of_a_template_is_left_in_a_configuration() {
        for (path, text) in configurations() {
            assert!(
                !text
                    .lines()
                    .any(|line| line.contains("@if") || line == "@end")
            );
            let is_place = |word: &str| {
                word.len() > 1
                    && word
                        .bytes()
                        .all(|byte| byte.is_ascii_uppercase() || byte == b'_')
            };
            assert!(!text.split('@').any(is_place), "{path}: {text}");
            let scheduler = match path.contains("swarm") {
                true => Scheduler::Swarm,
                false => Scheduler::Engine,
            };
            for call in calls::table(scheduler).expect("a table") {
                assert!(text.contains(&call.target), "{path}: {}", call.name);
            }
        }
    }

    #[test]
    fn who_has_shown_no_credentials_holds_no_connection_for_long() {
        for (path, text) in configurations() {
            if !path.ends_with(".cfg") {
                continue;
            }
            // This is HAProxy's only bound on the TLS handshake.
            let bounds: Vec<u32> = text
                .lines()
                .filter_map(|line| line.trim().strip_prefix("timeout client "))
                .map(|bound| bound.trim_end_matches('s').parse().expect("seconds"))
                .collect();
            assert!(matches!(bounds[..], [1..=60]), "{path}: {bounds:?}");
        }
    }

    /// The words of a configuration, HAProxy's or nginx's, for a status of the proxy's own.
    fn words(text: &str, status: &str) -> String {
        let line = text
            .lines()
            .find(|line| line.contains(status) && line.contains("{\"message\":\""))
            .unwrap_or_else(|| panic!("no {status} in {text}"));
        let (_, words) = line.split_once("{\"message\":\"").expect("a message");
        words.split('"').next().expect("its end").to_owned()
    }

    #[test]
    fn a_swarm_without_a_manager_is_read_as_one_without_a_leader() {
        for (path, text) in configurations() {
            let status = match path.ends_with(".cfg") {
                true => "status 503",
                false => "return 502",
            };
            let is_swarm = path.contains("swarm");
            let words = words(&text, status);
            assert_eq!(
                dynamic_access::docker::is_leaderless(&words),
                is_swarm,
                "{path}: {words}"
            );
        }
    }
}
