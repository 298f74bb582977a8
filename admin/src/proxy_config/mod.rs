//! Makes the configurations of proxies that let only the component's calls through to an Engine, or to the managers of a
//! Swarm.
//!
//! The templates hold the configurations with their comments; the calls come from [`calls`].

pub mod calls;

use anyhow::{Context, Result, bail, ensure};
use askama::Template;
use clap::{Args, ValueEnum};

use crate::word;
use calls::{Call, Scheduler};

/// The proxy, and its settings.
#[derive(Args)]
pub struct ProxyArguments {
    /// The proxy
    proxy: Proxy,
    /// How it authenticates its callers
    #[arg(long)]
    auth: Auth,
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
    arguments: &'a ProxyArguments,
    is_swarm: bool,
    is_bearer: bool,
    auth: String,
    /// The path of the table of calls, and the calls.
    table: &'static str,
    calls: Vec<Call>,
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

/// Prints a configuration.
///
/// # Errors
///
/// If a setting would change the meaning of a configuration.
pub fn configure(arguments: &ProxyArguments) -> Result<()> {
    print!("{}", arguments.configuration()?);
    Ok(())
}

impl ProxyArguments {
    fn configuration(&self) -> Result<String> {
        let setting = self.setting()?;
        let text = match self.proxy {
            Proxy::Nginx => Nginx { setting }.render(),
            Proxy::Haproxy => Haproxy { setting }.render(),
        };
        Ok(text? + "\n")
    }

    /// The settings, each without characters that would change the meaning of a configuration.
    fn setting(&self) -> Result<Setting<'_>> {
        let is_swarm = self.scheduler == Scheduler::Swarm;
        // Debian's packages run the proxies as these users. A Swarm has no socket to open.
        let (usual_user, usual_log) = match (self.proxy, is_swarm) {
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
            ensure!(
                !text.is_empty() && text.bytes().all(is_plain),
                "`{text}` has characters with a meaning in a proxy's configuration; use letters, digits and ._-/:@[]"
            );
        }
        let names = user.split_once(':');
        let (user, group) = names.with_context(|| format!("`{user}` is not USER:GROUP"))?;
        self.check_managers()?;
        Ok(Setting {
            arguments: self,
            is_swarm,
            is_bearer: self.auth == Auth::Bearer,
            auth: word(self.auth),
            table: self.scheduler.table().0,
            calls: calls::table(self.scheduler)?,
            certs: self.certs.trim_end_matches('/'),
            user,
            group,
            log,
        })
    }

    fn check_managers(&self) -> Result<()> {
        match (self.scheduler, &self.managers[..]) {
            (Scheduler::Engine, [_, ..]) => {
                bail!("--manager is for --scheduler swarm; one Engine is named with --engine")
            }
            (Scheduler::Swarm, []) => {
                bail!("name each manager of the Swarm with --manager HOST:PORT")
            }
            _ => {}
        }
        let is_port = |text: &str| text.parse::<u16>().is_ok_and(|port| port > 0);
        for manager in &self.managers {
            let port = manager.rsplit_once(':').map(|(_, port)| port);
            ensure!(
                port.is_some_and(is_port) && !manager.starts_with(['/', ':']),
                "`{manager}` is not HOST:PORT; Docker's port with TLS is 2376"
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use clap::Parser;

    use super::*;

    /// With this variable, the test writes the committed configurations.
    const WRITE: &str = "WRITE_PROXY_CONFIGS";

    /// The committed configurations: the file in `deploy/`, and the words of the command that prints it.
    const COMMITTED: [&str; 6] = [
        "engine-proxy/nginx-certificate.conf: nginx --auth=certificate",
        "engine-proxy/nginx-bearer.conf: nginx --auth=bearer",
        "engine-proxy/haproxy-certificate.cfg: haproxy --auth=certificate",
        "engine-proxy/haproxy-bearer.cfg: haproxy --auth=bearer",
        "swarm/haproxy-certificate.cfg: haproxy --auth=certificate SWARM",
        "swarm/haproxy-bearer.cfg: haproxy --auth=bearer SWARM",
    ];

    /// A Swarm, with addresses for documentation.
    const SWARM: &str = "--scheduler=swarm --manager=192.0.2.11:2376 --manager=192.0.2.12:2376 --manager=192.0.2.13:2376";

    /// What the command with these words prints, or the refusal.
    fn configured(words: &[&str]) -> Result<String> {
        #[derive(Parser)]
        struct Line {
            #[command(flatten)]
            arguments: ProxyArguments,
        }
        Line::try_parse_from([&[""], words].concat())?
            .arguments
            .configuration()
    }

    /// The committed configurations, each with its name.
    fn committed() -> impl Iterator<Item = (&'static str, String)> {
        COMMITTED.into_iter().map(|committed| {
            let (file, line) = committed.split_once(": ").expect("a file and a command");
            let line = line.replace("SWARM", SWARM);
            let words: Vec<_> = line.split(' ').collect();
            (file, configured(&words).expect("the defaults are right"))
        })
    }

    #[test]
    fn the_committed_configurations_are_those_of_the_tables() {
        for (file, text) in committed() {
            let path = Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("../deploy")
                .join(file);
            if std::env::var_os(WRITE).is_some() {
                fs::write(&path, &text).expect("it is written");
            }
            let found = fs::read_to_string(&path).unwrap_or_default();
            assert!(
                found == text,
                "deploy/{file} is stale; to write it: {WRITE}=1 cargo test -p dynamic-access-admin committed"
            );
            let scheduler = match file.starts_with("swarm") {
                true => Scheduler::Swarm,
                false => Scheduler::Engine,
            };
            for call in calls::table(scheduler).expect("a table") {
                assert!(text.contains(&call.target), "{file}: {}", call.name);
            }
        }
    }

    #[test]
    fn who_has_shown_no_credentials_holds_no_connection_for_long() {
        for (file, text) in committed().filter(|(file, _)| file.ends_with(".cfg")) {
            // This is HAProxy's only bound on the TLS handshake.
            let (_, bound) = text.split_once("timeout client ").expect("a bound");
            let (bound, rest) = bound.split_once("s\n").expect("seconds");
            assert!(
                (1..=60).contains(&bound.parse().expect("a number")),
                "{file}: {bound}"
            );
            assert!(!rest.contains("timeout client "), "{file}");
        }
    }

    #[test]
    fn a_swarm_without_a_manager_is_read_as_one_without_a_leader() {
        for (file, text) in committed() {
            let is_gone = |line: &&str| {
                (line.contains("status 503") || line.contains("return 502")) && line.contains('{')
            };
            let line = text.lines().find(is_gone).expect("a message");
            let (_, words) = line.split_once("{\"message\":\"").expect("a message");
            let (words, _) = words.split_once('"').expect("its end");
            let is_leaderless = dynamic_access::docker::swarm::is_leaderless(words);
            assert_eq!(is_leaderless, file.starts_with("swarm"), "{file}: {words}");
        }
    }

    #[test]
    fn a_setting_cannot_add_to_a_configuration() {
        let with = |option: &str| {
            let words = [
                "haproxy",
                "--auth=bearer",
                "--scheduler=swarm",
                "--manager=a:1",
                option,
            ];
            configured(&words)
        };
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
            let words: Vec<_> = ["haproxy", "--auth=bearer"]
                .into_iter()
                .chain(wrong.split(' '))
                .collect();
            assert!(configured(&words).is_err(), "{wrong}");
        }
    }
}
