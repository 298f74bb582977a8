//! The command line, and the settings on it.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};

use super::calls::Scheduler;
use super::proxy::Proxy;

/// The proxy, and its settings.
#[derive(Args)]
pub struct ProxyArguments {
    /// The proxy
    #[arg(required_unless_present = "write")]
    pub(super) proxy: Option<Proxy>,
    /// How it authenticates its callers
    #[arg(long, required_unless_present = "write")]
    pub(super) auth: Option<Auth>,
    /// What is behind it: the server's variable `scheduler`
    #[arg(long, default_value = "engine")]
    pub(super) scheduler: Scheduler,
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
    pub(super) write: Option<PathBuf>,
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
pub(super) struct Setting {
    pub(super) scheduler: Scheduler,
    pub(super) listen: String,
    pub(super) engine: String,
    pub(super) managers: Vec<String>,
    pub(super) certs: String,
    pub(super) user: Option<(String, String)>,
    pub(super) log: Option<String>,
}

impl ProxyArguments {
    /// The settings, each without characters that would change the meaning of a configuration.
    pub(super) fn setting(&self) -> Result<Setting> {
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

#[cfg(test)]
pub(super) mod tests {
    use clap::Parser;

    use super::*;

    /// The settings of the committed configurations.
    pub fn usual(scheduler: Scheduler) -> Setting {
        let arguments = arguments(&["--write", "."]).expect("the defaults are right");
        let arguments = ProxyArguments {
            scheduler,
            ..arguments
        };
        arguments.setting().expect("the defaults are right")
    }

    /// The arguments of a command line.
    fn arguments(line: &[&str]) -> Result<ProxyArguments, clap::Error> {
        #[derive(Parser)]
        struct Line {
            #[command(flatten)]
            arguments: ProxyArguments,
        }
        Line::try_parse_from([&[""], line].concat()).map(|line| line.arguments)
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
}
