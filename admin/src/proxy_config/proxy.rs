//! What differs between the two proxies.

use clap::ValueEnum;

use super::calls::Call;

const NGINX: &str = include_str!("nginx.template");
const HAPROXY: &str = include_str!("haproxy.template");

/// A proxy that this can configure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Proxy {
    /// nginx, from 1.22 on, in front of one Engine
    Nginx,
    /// HAProxy, from 2.6 on
    Haproxy,
}

impl Proxy {
    pub fn extension(self) -> &'static str {
        match self {
            Self::Nginx => "conf",
            Self::Haproxy => "cfg",
        }
    }

    pub fn template(self) -> &'static str {
        match self {
            Self::Nginx => NGINX,
            Self::Haproxy => HAPROXY,
        }
    }

    /// The user that Debian's package runs it as.
    pub fn usual_user(self) -> &'static str {
        match self {
            Self::Nginx => "www-data",
            Self::Haproxy => "haproxy",
        }
    }

    pub fn usual_log(self) -> &'static str {
        match self {
            Self::Nginx => "/var/log/nginx/access.log",
            Self::Haproxy => "stdout",
        }
    }

    pub fn listening(self, listen: &str) -> String {
        match self {
            Self::Haproxy if !listen.contains(':') => format!(":{listen}"),
            Self::Nginx | Self::Haproxy => listen.to_owned(),
        }
    }

    pub fn connecting(self, engine: &str) -> String {
        let is_socket = engine.starts_with('/');
        match self {
            Self::Nginx if is_socket => format!("unix:{engine}"),
            Self::Haproxy if is_socket => format!("unix@{engine}"),
            Self::Nginx | Self::Haproxy => engine.to_owned(),
        }
    }

    /// The lines that recognise a call and give it its name.
    pub fn line(self, call: &Call) -> String {
        let Call {
            name,
            method,
            target,
            ..
        } = call;
        match self {
            // The whole request line: only HTTP/1.1 passes.
            Self::Nginx => {
                format!("        \"~^{method} {target} HTTP/1\\.1\\z\"\n            {name};\n")
            }
            Self::Haproxy => format!(
                "    http-request set-var(txn.call) str({name}) if {{ method {method} }} {{ pathq -m reg '^{target}\\z' }}\n"
            ),
        }
    }

    /// The lines that set which body each call has.
    pub fn bodies(self, calls: &[Call]) -> String {
        let with_body = calls
            .iter()
            .filter_map(|call| Some((&*call.name, call.content_type?)));
        match self {
            Self::Nginx => with_body
                .map(|(name, content_type)| format!("        {name} {content_type};\n"))
                .collect(),
            Self::Haproxy => {
                let names: Vec<_> = with_body.clone().map(|(name, _)| name).collect();
                let typed = with_body.map(|(name, content_type)| {
                    format!("{{ var(txn.call) -m str {name} }} {{ req.fhdr_cnt(content-type) eq 1 }} {{ req.fhdr(content-type) -m str {content_type} }}")
                });
                let bodiless = format!(
                    "!{{ var(txn.call) -m str {} }} {{ req.fhdr_cnt(content-type) eq 0 }} {{ req.body_size eq 0 }}",
                    names.join(" ")
                );
                typed
                    .chain([bodiless])
                    .map(|right| {
                        format!("    http-request set-var(txn.body) str(right) if {right}\n")
                    })
                    .collect()
            }
        }
    }
}
