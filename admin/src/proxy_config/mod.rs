//! Makes the configurations of proxies that let only the component's calls through to an Engine.
//!
//! The templates hold the configurations with their comments; the calls come from [`calls`].

pub mod calls;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};

use crate::progress::say;
use calls::Call;

const NGINX: &str = include_str!("nginx.template");
const HAPROXY: &str = include_str!("haproxy.template");

/// Which proxy, and how it is set up.
#[derive(Args)]
pub struct ProxyArguments {
    /// The proxy
    #[arg(required_unless_present = "write")]
    proxy: Option<Proxy>,
    /// How it authenticates its callers
    #[arg(long, required_unless_present = "write")]
    auth: Option<Auth>,
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
    /// The folder with the certificates and secrets
    #[arg(long, value_name = "DIR", default_value = "/etc/dynamic-access")]
    certs: String,
    /// The user that it runs as, and the group of the Engine's socket; the default is www-data:docker or haproxy:docker
    #[arg(long, value_name = "USER:GROUP")]
    user: Option<String>,
    /// Where the access log goes: a file for nginx, an argument of `log` for HAProxy
    #[arg(long, value_name = "TARGET")]
    log: Option<String>,
    /// Write all four configurations into this folder instead
    #[arg(long, value_name = "FOLDER", exclusive = true)]
    write: Option<PathBuf>,
}

/// A proxy that this can configure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Proxy {
    /// nginx, from 1.22 on
    Nginx,
    /// HAProxy, from 2.6 on
    Haproxy,
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
    listen: String,
    engine: String,
    certs: String,
    user: Option<(String, String)>,
    log: Option<String>,
}

impl Setting {
    /// The settings of the committed configurations.
    #[cfg(test)]
    fn usual() -> Self {
        use clap::Parser;

        #[derive(Parser)]
        struct Line {
            #[command(flatten)]
            arguments: ProxyArguments,
        }
        let line = Line::parse_from(["", "--write", "."]);
        line.arguments.setting().expect("the defaults are right")
    }
}

/// Prints one configuration, or writes all of them into a folder.
///
/// # Errors
///
/// If a setting would change the meaning of a configuration, or a file cannot be written.
pub fn configure(arguments: &ProxyArguments) -> Result<()> {
    let setting = arguments.setting()?;
    let calls = calls::table()?;
    if let (Some(proxy), Some(auth)) = (arguments.proxy, arguments.auth) {
        print!("{}", render(proxy, auth, &setting, &calls));
    }
    let Some(folder) = &arguments.write else {
        return Ok(());
    };
    for (proxy, auth) in KINDS {
        let path = folder.join(file_name(proxy, auth));
        fs::write(&path, render(proxy, auth, &setting, &calls))
            .with_context(|| format!("failed to write {}", path.display()))?;
        say(&format!("written: {}", path.display()));
    }
    Ok(())
}

impl ProxyArguments {
    fn setting(&self) -> Result<Setting> {
        let optional = self.user.iter().chain(&self.log);
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
            listen: self.listen.clone(),
            engine: self.engine.clone(),
            certs: self.certs.trim_end_matches('/').to_owned(),
            log: self.log.clone(),
        })
    }
}

const KINDS: [(Proxy, Auth); 4] = [
    (Proxy::Nginx, Auth::Certificate),
    (Proxy::Nginx, Auth::Bearer),
    (Proxy::Haproxy, Auth::Certificate),
    (Proxy::Haproxy, Auth::Bearer),
];

impl Proxy {
    fn name(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::Haproxy => "haproxy",
        }
    }

    fn extension(self) -> &'static str {
        match self {
            Self::Nginx => "conf",
            Self::Haproxy => "cfg",
        }
    }
}

/// What differs between the two proxies.
impl Proxy {
    fn template(self) -> &'static str {
        match self {
            Self::Nginx => NGINX,
            Self::Haproxy => HAPROXY,
        }
    }

    /// The user that Debian's package runs it as.
    fn usual_user(self) -> &'static str {
        match self {
            Self::Nginx => "www-data",
            Self::Haproxy => "haproxy",
        }
    }

    fn usual_log(self) -> &'static str {
        match self {
            Self::Nginx => "/var/log/nginx/access.log",
            Self::Haproxy => "stdout",
        }
    }

    fn listening(self, listen: &str) -> String {
        match self {
            Self::Haproxy if !listen.contains(':') => format!(":{listen}"),
            Self::Nginx | Self::Haproxy => listen.to_owned(),
        }
    }

    fn connecting(self, engine: &str) -> String {
        let is_socket = engine.starts_with('/');
        match self {
            Self::Nginx if is_socket => format!("unix:{engine}"),
            Self::Haproxy if is_socket => format!("unix@{engine}"),
            Self::Nginx | Self::Haproxy => engine.to_owned(),
        }
    }

    /// The lines that recognise a call and give it its name.
    fn line(self, call: &Call) -> String {
        let Call {
            name,
            method,
            target,
            ..
        } = call;
        match self {
            // The whole request line, so that nothing but HTTP/1.1 passes.
            Self::Nginx => {
                format!("        \"~^{method} {target} HTTP/1\\.1\\z\"\n            {name};\n")
            }
            Self::Haproxy => format!(
                "    http-request set-var(txn.call) str({name}) if {{ method {method} }} {{ pathq -m reg '^{target}\\z' }}\n"
            ),
        }
    }
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
    let usual = (proxy.usual_user().to_owned(), "docker".to_owned());
    let (user, group) = setting.user.as_ref().unwrap_or(&usual);
    let lines: String = calls.iter().map(|call| proxy.line(call)).collect();
    let text = chosen(proxy.template(), auth);
    [
        ("@CALLS@\n", lines.as_str()),
        ("@AUTH@", auth.name()),
        ("@LISTEN@", &proxy.listening(&setting.listen)),
        ("@ENGINE@", &proxy.connecting(&setting.engine)),
        ("@CERTS@", &setting.certs),
        ("@USER@", user),
        ("@GROUP@", group),
        ("@LOG@", setting.log.as_deref().unwrap_or(proxy.usual_log())),
    ]
    .into_iter()
    .fold(text, |text, (place, value)| text.replace(place, value))
}

/// The lines of a template for one kind of authentication.
///
/// Lines between `@if certificate` or `@if bearer` and `@end` are for that kind alone.
fn chosen(template: &str, auth: Auth) -> String {
    let mut only = None;
    let mut text = String::new();
    for line in template.lines() {
        match line.split_once(' ') {
            Some(("@if", kind)) => only = Some(kind),
            _ if line == "@end" => only = None,
            _ if only.is_none_or(|kind| kind == auth.name()) => {
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

    #[test]
    fn the_committed_configurations_are_those_of_the_table() {
        let calls = calls::table().expect("a table");
        for (proxy, auth) in KINDS {
            let path = Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("../deploy/engine-proxy")
                .join(file_name(proxy, auth));
            let committed = fs::read_to_string(&path).unwrap_or_default();
            assert!(
                committed == render(proxy, auth, &Setting::usual(), &calls),
                "{} is stale: cargo xtask proxy-config --write deploy/engine-proxy",
                path.display()
            );
        }
    }

    #[test]
    fn nothing_of_a_template_is_left_in_a_configuration() {
        let calls = calls::table().expect("a table");
        for (proxy, auth) in KINDS {
            let text = render(proxy, auth, &Setting::usual(), &calls);
            assert!(
                !text
                    .lines()
                    .any(|line| line.contains("@if") || line == "@end")
            );
            let is_place =
                |word: &str| word.len() > 1 && word.bytes().all(|byte| byte.is_ascii_uppercase());
            assert!(!text.split('@').skip(1).step_by(2).any(is_place), "{text}");
            for call in &calls {
                assert!(text.contains(&call.target), "{}", call.name);
            }
        }
    }

    #[test]
    fn who_has_shown_no_credentials_holds_no_connection_for_long() {
        for auth in [Auth::Certificate, Auth::Bearer] {
            let text = chosen(HAPROXY, auth);
            // This is HAProxy's only bound on the TLS handshake.
            let bounds: Vec<u32> = text
                .lines()
                .filter_map(|line| line.trim().strip_prefix("timeout client "))
                .map(|bound| bound.trim_end_matches('s').parse().expect("seconds"))
                .collect();
            assert!(matches!(bounds[..], [1..=60]), "{bounds:?}");
        }
    }

    #[test]
    fn a_setting_cannot_add_to_a_configuration() {
        let arguments = |listen: &str| ProxyArguments {
            proxy: None,
            auth: None,
            listen: listen.to_owned(),
            engine: "127.0.0.1:2375".to_owned(),
            certs: "/etc".to_owned(),
            user: None,
            log: None,
            write: None,
        };
        assert!(arguments("[::1]:2376").setting().is_ok());
        for listen in ["", "2376;", "2376 ssl", "2376\n", "$x", "2376}"] {
            assert!(arguments(listen).setting().is_err(), "{listen}");
        }
    }
}
