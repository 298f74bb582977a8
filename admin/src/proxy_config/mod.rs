//! Makes the configurations of proxies that let only the component's calls through to an Engine, or to the managers of a
//! Swarm.
//!
//! The templates hold the configurations with their comments; the calls come from [`calls`].

pub mod calls;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use askama::Template;
use clap::{Args, ValueEnum};

use crate::progress::say;
use crate::word;
use calls::{Call, Scheduler};

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

/// A proxy that this can configure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Proxy {
    /// nginx, from 1.22 on, in front of one Engine
    Nginx,
    /// HAProxy, from 2.6 on
    Haproxy,
}

/// How a proxy authenticates its callers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Auth {
    /// By a client certificate
    Certificate,
    /// By a secret in the Authorization header, for platforms without client certificates
    Bearer,
}

/// What differs from one machine to another.
struct Setting<'a> {
    is_swarm: bool,
    is_bearer: bool,
    auth: String,
    /// The path of the table of calls, and the calls.
    table: &'static str,
    calls: Vec<Call>,
    listen: &'a str,
    engine: &'a str,
    managers: Vec<&'a str>,
    certs: &'a str,
    user: &'a str,
    group: &'a str,
    log: &'a str,
}

#[derive(Template)]
#[template(path = "nginx.conf", escape = "none")]
struct Nginx<'a> {
    setting: Setting<'a>,
}

#[derive(Template)]
#[template(path = "haproxy.cfg", escape = "none")]
struct Haproxy<'a> {
    setting: Setting<'a>,
}

/// Prints one configuration, or writes all of them into a folder.
///
/// # Errors
///
/// If a setting would change the meaning of a configuration, or a file cannot be written.
pub fn configure(arguments: &ProxyArguments) -> Result<()> {
    if let (Some(proxy), Some(auth)) = (arguments.proxy, arguments.auth) {
        print!("{}", arguments.configuration(proxy, auth)?);
    }
    let Some(folder) = &arguments.write else {
        return Ok(());
    };
    let proxies: &[_] = match arguments.scheduler {
        Scheduler::Engine => &[(Proxy::Nginx, "conf"), (Proxy::Haproxy, "cfg")],
        Scheduler::Swarm => &[(Proxy::Haproxy, "cfg")],
    };
    for (proxy, extension) in proxies {
        for auth in [Auth::Certificate, Auth::Bearer] {
            let path = folder.join(format!("{}-{}.{extension}", word(*proxy), word(auth)));
            fs::write(&path, arguments.configuration(*proxy, auth)?)
                .with_context(|| format!("failed to write {}", path.display()))?;
            say(&format!("written: {}", path.display()));
        }
    }
    Ok(())
}

/// The managers in the committed configurations, from the addresses for documentation.
const EXAMPLES: [&str; 3] = ["192.0.2.11:2376", "192.0.2.12:2376", "192.0.2.13:2376"];

impl ProxyArguments {
    fn configuration(&self, proxy: Proxy, auth: Auth) -> Result<String> {
        let setting = self.setting(proxy, auth)?;
        let text = match proxy {
            Proxy::Nginx => Nginx { setting }.render(),
            Proxy::Haproxy => Haproxy { setting }.render(),
        };
        Ok(text? + "\n")
    }

    /// The settings, each without characters that would change the meaning of a configuration.
    fn setting(&self, proxy: Proxy, auth: Auth) -> Result<Setting<'_>> {
        let is_swarm = self.scheduler == Scheduler::Swarm;
        // Debian's packages run the proxies as these users. A Swarm has no socket to open.
        let (usual_user, usual_log) = match (proxy, is_swarm) {
            (Proxy::Nginx, true) => bail!(
                "nginx does not ask a manager whether it can act; use haproxy in front of a Swarm"
            ),
            (Proxy::Nginx, false) => ("www-data:docker", "/var/log/nginx/access.log"),
            (Proxy::Haproxy, false) => ("haproxy:docker", "stdout"),
            (Proxy::Haproxy, true) => ("haproxy:haproxy", "stdout"),
        };
        let user = self.user.as_deref().unwrap_or(usual_user);
        let log = self.log.as_deref().unwrap_or(usual_log);
        let managers = self.managers.iter().map(String::as_str);
        for text in [&*self.listen, &self.engine, &self.certs, user, log]
            .into_iter()
            .chain(managers)
        {
            let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/:@[]".contains(&byte);
            if text.is_empty() || !text.bytes().all(is_plain) {
                bail!(
                    "`{text}` has characters with a meaning in a proxy's configuration; use letters, digits and ._-/:@[]"
                );
            }
        }
        let names = user.split_once(':');
        let (user, group) = names.with_context(|| format!("`{user}` is not USER:GROUP"))?;
        Ok(Setting {
            is_swarm,
            is_bearer: auth == Auth::Bearer,
            auth: word(auth),
            table: self.scheduler.table().0,
            calls: calls::table(self.scheduler)?,
            listen: &self.listen,
            engine: &self.engine,
            managers: self.managers()?,
            certs: self.certs.trim_end_matches('/'),
            user,
            group,
            log,
        })
    }

    fn managers(&self) -> Result<Vec<&str>> {
        if self.scheduler == Scheduler::Engine && !self.managers.is_empty() {
            bail!("--manager is for --scheduler swarm; one Engine is named with --engine");
        }
        if self.scheduler == Scheduler::Engine || self.write.is_some() {
            return Ok(EXAMPLES.to_vec());
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
        Ok(self.managers.iter().map(String::as_str).collect())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use clap::Parser;

    use super::*;

    /// The arguments of a command line.
    fn arguments(line: &[&str]) -> Result<ProxyArguments, clap::Error> {
        #[derive(Parser)]
        struct Line {
            #[command(flatten)]
            arguments: ProxyArguments,
        }
        Line::try_parse_from([&[""], line].concat()).map(|line| line.arguments)
    }

    /// The configuration of HAProxy with these further words, or the refusal.
    fn haproxy(more: &[&str]) -> Result<String> {
        let arguments = arguments(&[&["haproxy", "--auth=bearer"], more].concat())?;
        arguments.configuration(Proxy::Haproxy, Auth::Bearer)
    }

    /// The committed configurations: path and text.
    fn committed() -> Vec<(PathBuf, String)> {
        let mut all = Vec::new();
        for (scheduler, count) in [("engine", 4), ("swarm", 2)] {
            let folder = tempfile::tempdir().expect("a folder");
            let write = folder.path().to_str().expect("text");
            let arguments = arguments(&["--scheduler", scheduler, "--write", write]);
            let arguments = arguments.expect("a line");
            configure(&arguments).expect("the defaults are right");
            let (place, _) = arguments
                .scheduler
                .table()
                .0
                .rsplit_once('/')
                .expect("a path");
            let files: Vec<_> = fs::read_dir(write).expect("a folder").flatten().collect();
            assert_eq!(files.len(), count);
            for file in files {
                let text = fs::read_to_string(file.path()).expect("text");
                let path = Path::new(place).join(file.file_name());
                let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
                let found = fs::read_to_string(root.join(&path)).unwrap_or_default();
                assert!(
                    found == text,
                    "{path:?} is stale: cargo xtask proxy-config --scheduler {scheduler} --write {place}"
                );
                all.push((path, text));
            }
        }
        all
    }

    #[test]
    fn the_committed_configurations_are_those_of_the_tables() {
        for (path, text) in committed() {
            let scheduler = match path.starts_with("deploy/swarm") {
                true => Scheduler::Swarm,
                false => Scheduler::Engine,
            };
            for call in calls::table(scheduler).expect("a table") {
                assert!(text.contains(&call.target), "{path:?}: {}", call.name);
            }
        }
    }

    #[test]
    fn who_has_shown_no_credentials_holds_no_connection_for_long() {
        let is_haproxy = |path: &PathBuf| path.extension().is_some_and(|end| end == "cfg");
        for (path, text) in committed().into_iter().filter(|(path, _)| is_haproxy(path)) {
            // This is HAProxy's only bound on the TLS handshake.
            let lines = text.lines().map(str::trim);
            let bounds: Vec<_> = lines
                .filter_map(|line| line.strip_prefix("timeout client "))
                .collect();
            let [bound] = bounds[..] else {
                panic!("{path:?}: {bounds:?}");
            };
            let seconds: u32 = bound.trim_end_matches('s').parse().expect("seconds");
            assert!((1..=60).contains(&seconds), "{path:?}: {bound}");
        }
    }

    #[test]
    fn a_swarm_without_a_manager_is_read_as_one_without_a_leader() {
        for (path, text) in committed() {
            let is_gone = |line: &&str| {
                (line.contains("status 503") || line.contains("return 502")) && line.contains('{')
            };
            let line = text.lines().find(is_gone).expect("a message");
            let (_, words) = line.split_once("{\"message\":\"").expect("a message");
            let (words, _) = words.split_once('"').expect("its end");
            let is_swarm = path.starts_with("deploy/swarm");
            assert_eq!(
                dynamic_access::docker::swarm::is_leaderless(words),
                is_swarm,
                "{path:?}: {words}"
            );
        }
    }

    #[test]
    fn a_setting_cannot_add_to_a_configuration() {
        let with = |option: &str| haproxy(&["--scheduler=swarm", "--manager=a:1", option]);
        with("--listen=[::1]:2376").expect("an address");
        with("--manager=[::1]:2376").expect("an address");
        for value in ["", "2376;", "2376 ssl", "2376\n", "$x", "2376}"] {
            for option in [
                format!("--listen={value}"),
                format!("--manager={value}:2376"),
            ] {
                assert!(with(&option).is_err(), "{option}");
            }
        }
    }

    #[test]
    fn each_manager_is_named_with_its_port_and_for_a_swarm_alone() {
        let words = |line: &'static str| line.split(' ').collect::<Vec<_>>();
        let named = words("--scheduler=swarm --manager=a:2376 --manager=192.0.2.1:1");
        let named = haproxy(&named).expect("managers");
        assert!(named.contains(" a:2376") && named.contains(" 192.0.2.1:1"));
        for wrong in [
            "--scheduler=swarm",
            "--manager=a:2376",
            "--scheduler=engine --manager=a:2376",
            "--scheduler=swarm --manager=a",
            "--scheduler=swarm --manager=a:0",
            "--scheduler=swarm --manager=:2376",
            "--scheduler=swarm --manager=/run/docker.sock",
            "--scheduler=swarm --engine=a:1 --manager=a:1",
        ] {
            assert!(haproxy(&words(wrong)).is_err(), "{wrong}");
        }
    }
}
