//! Makes the configurations of proxies that let only the component's calls through to an Engine, or to the managers of a
//! Swarm.
//!
//! The templates hold the configurations with their comments; the calls come from [`calls`].

pub mod calls;
mod proxy;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};

use crate::progress::say;
use calls::{Call, Scheduler};
use proxy::Proxy;

/// The proxy, and its settings.
#[derive(Args)]
pub struct ProxyArguments {
    /// The proxy
    #[arg(required_unless_present = "write")]
    proxy: Option<Proxy>,
    /// How it authenticates its callers
    #[arg(long, required_unless_present = "write")]
    auth: Option<Auth>,
    /// What is behind it: the server's variable `scheduler`
    #[arg(long, default_value = "engine")]
    scheduler: Scheduler,
    /// Where it listens: a port, or an address with one
    #[arg(long, value_name = "[ADDRESS:]PORT", default_value = "2376")]
    listen: String,
    /// The Engine: its unix socket, or host:port
    #[arg(
        long,
        value_name = "SOCKET|HOST:PORT",
        default_value = "/run/docker.sock"
    )]
    engine: String,
    /// A manager of the Swarm, which speaks TLS; give this once for each
    #[arg(long = "manager", value_name = "HOST:PORT", conflicts_with = "engine")]
    managers: Vec<String>,
    /// The folder with the certificates and secrets
    #[arg(long, value_name = "DIR", default_value = "/etc/dynamic-access")]
    certs: String,
    /// Its user, and the group of the Engine's socket; the default is www-data:docker or haproxy:docker, and for a
    /// Swarm haproxy:haproxy
    #[arg(long, value_name = "USER:GROUP")]
    user: Option<String>,
    /// Where the access log goes: a file for nginx, an argument of `log` for HAProxy
    #[arg(long, value_name = "TARGET")]
    log: Option<String>,
    /// Write every configuration for the scheduler into this folder instead, with the defaults
    #[arg(
        long,
        value_name = "FOLDER",
        conflicts_with_all = ["proxy", "auth", "listen", "engine", "managers", "certs", "user", "log"]
    )]
    write: Option<PathBuf>,
}

/// How a proxy authenticates its callers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Auth {
    /// By a client certificate
    Certificate,
    /// By a secret in the Authorization header, for platforms without client certificates
    Bearer,
}

/// The settings that differ from one machine to another.
struct Setting {
    scheduler: Scheduler,
    listen: String,
    engine: String,
    managers: Vec<String>,
    certs: String,
    user: Option<(String, String)>,
    log: Option<String>,
}

impl Setting {
    /// The settings of the committed configurations.
    #[cfg(test)]
    fn usual(scheduler: Scheduler) -> Self {
        let arguments = tests::arguments(&["--write", "."]).expect("the defaults are right");
        let arguments = ProxyArguments {
            scheduler,
            ..arguments
        };
        arguments.setting().expect("the defaults are right")
    }
}

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

impl ProxyArguments {
    fn setting(&self) -> Result<Setting> {
        if (self.proxy, self.scheduler) == (Some(Proxy::Nginx), Scheduler::Swarm) {
            bail!(
                "nginx does not ask a manager whether it can act; use haproxy in front of a Swarm"
            );
        }
        let optional = self.user.iter().chain(&self.log).chain(&self.managers);
        for text in [&self.listen, &self.engine, &self.certs]
            .into_iter()
            .chain(optional)
        {
            let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/:@[]".contains(&byte);
            if text.is_empty() || !text.bytes().all(is_plain) {
                bail!(
                    "`{text}` has characters with a meaning in a proxy's configuration; use letters, digits and ._-/:@[]"
                );
            }
        }
        let user = self.user.as_deref().map(|user| {
            let names = user.split_once(':');
            let (user, group) = names.with_context(|| format!("`{user}` is not USER:GROUP"))?;
            Ok::<_, anyhow::Error>((user.to_owned(), group.to_owned()))
        });
        Ok(Setting {
            user: user.transpose()?,
            scheduler: self.scheduler,
            listen: self.listen.clone(),
            engine: self.engine.clone(),
            managers: self.managers()?,
            certs: self.certs.trim_end_matches('/').to_owned(),
            log: self.log.clone(),
        })
    }

    fn managers(&self) -> Result<Vec<String>> {
        if self.scheduler == Scheduler::Engine && !self.managers.is_empty() {
            bail!("--manager is for --scheduler swarm; one Engine is named with --engine");
        }
        if self.scheduler == Scheduler::Engine || self.write.is_some() {
            return Ok(EXAMPLES.map(str::to_owned).to_vec());
        }
        if self.managers.is_empty() {
            bail!("name each manager of the Swarm with --manager HOST:PORT");
        }
        let is_port = |text: &str| text.parse::<u16>().is_ok_and(|port| port > 0);
        for manager in &self.managers {
            let port = manager.rsplit_once(':').map(|(_, port)| port);
            if !port.is_some_and(is_port) || manager.starts_with(['/', ':']) {
                bail!("`{manager}` is not HOST:PORT; Docker's port with TLS is 2376");
            }
        }
        Ok(self.managers.clone())
    }
}

/// The managers in the committed configurations, from the addresses for documentation.
const EXAMPLES: [&str; 3] = ["192.0.2.11:2376", "192.0.2.12:2376", "192.0.2.13:2376"];

/// All configurations for a scheduler.
fn kinds(scheduler: Scheduler) -> impl Iterator<Item = (Proxy, Auth)> {
    let proxies: &[Proxy] = match scheduler {
        Scheduler::Engine => &[Proxy::Nginx, Proxy::Haproxy],
        Scheduler::Swarm => &[Proxy::Haproxy],
    };
    let both = |proxy: &Proxy| [Auth::Certificate, Auth::Bearer].map(|auth| (*proxy, auth));
    proxies.iter().flat_map(both)
}

impl Auth {
    fn name(self) -> &'static str {
        match self {
            Self::Certificate => "certificate",
            Self::Bearer => "bearer",
        }
    }
}

fn file_name(proxy: Proxy, auth: Auth) -> String {
    format!("{}-{}.{}", proxy.name(), auth.name(), proxy.extension())
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
    let text = chosen(
        proxy.template(),
        &[auth.name(), scheduler_name(setting.scheduler)],
    );
    [
        ("@CALLS@\n", lines.as_str()),
        ("@BODIES@\n", &proxy.bodies(calls)),
        ("@AUTH@", auth.name()),
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

fn scheduler_name(scheduler: Scheduler) -> &'static str {
    match scheduler {
        Scheduler::Engine => "engine",
        Scheduler::Swarm => "swarm",
    }
}

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

    use clap::Parser;

    use super::*;

    /// The arguments of a command line.
    pub fn arguments(line: &[&str]) -> Result<ProxyArguments, clap::Error> {
        #[derive(Parser)]
        struct Line {
            #[command(flatten)]
            arguments: ProxyArguments,
        }
        Line::try_parse_from([&[""], line].concat()).map(|line| line.arguments)
    }

    /// All configurations: the path in the repository, and the text.
    fn configurations() -> Vec<(String, String)> {
        let mut all = Vec::new();
        for scheduler in Scheduler::ALL {
            let calls = calls::table(scheduler).expect("a table");
            let setting = Setting::usual(scheduler);
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

    #[test]
    fn a_setting_cannot_add_to_a_configuration() {
        let parsed = |option: &str, value: &str| {
            let value = format!("--{option}={value}");
            let line = [
                "haproxy",
                "--auth=bearer",
                "--scheduler=swarm",
                "--manager=a:1",
                &value,
            ];
            arguments(&line).expect("a line").setting()
        };
        parsed("listen", "[::1]:2376").expect("an address");
        parsed("manager", "[::1]:2376").expect("an address");
        for value in ["", "2376;", "2376 ssl", "2376\n", "$x", "2376}"] {
            assert!(parsed("listen", value).is_err(), "--listen={value}");
            let manager = format!("{value}:2376");
            assert!(parsed("manager", &manager).is_err(), "--manager={manager}");
        }
    }

    #[test]
    fn each_manager_is_named_with_its_port_and_for_a_swarm_alone() {
        let setting = |more: &[&str]| {
            let line = [&["haproxy", "--auth=bearer"], more].concat();
            arguments(&line).ok().map(|arguments| arguments.setting())
        };
        let managers = |more: &[&str]| {
            setting(more)
                .expect("a line")
                .map(|setting| setting.managers)
        };
        let named = managers(&[
            "--scheduler=swarm",
            "--manager=a:2376",
            "--manager=192.0.2.1:1",
        ]);
        assert_eq!(named.expect("managers"), ["a:2376", "192.0.2.1:1"]);
        for wrong in [
            &["--scheduler=swarm"][..],
            &["--manager=a:2376"],
            &["--scheduler=engine", "--manager=a:2376"],
            &["--scheduler=swarm", "--manager=a"],
            &["--scheduler=swarm", "--manager=a:0"],
            &["--scheduler=swarm", "--manager=:2376"],
            &["--scheduler=swarm", "--manager=/run/docker.sock"],
        ] {
            assert!(managers(wrong).is_err(), "{wrong:?}");
        }
        let both = ["--scheduler=swarm", "--engine=a:1", "--manager=a:1"];
        assert!(setting(&both).is_none(), "an Engine and a manager");
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
