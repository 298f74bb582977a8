//! The service URLs that a stand-in can use: plain HTTP.

/// Where to register: `host:port`, and a path prefix.
#[derive(Debug, PartialEq, Eq)]
pub struct ServiceUrl {
    /// As in the `Host` header, with a port.
    pub authority: String,
    /// Empty, or with a leading and without a trailing slash.
    pub path: String,
}

impl ServiceUrl {
    /// Parses `http://host[:port][/path]`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let rest = text
            .strip_prefix("http://")
            .ok_or("the stand-in registers over http:// alone; the real agent is needed for this service URL")?;
        if rest.contains(|found: char| found.is_whitespace() || matches!(found, '@' | '?' | '#')) {
            return Err("the service URL must be http://host[:port][/path]".to_owned());
        }
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let after_host = authority.rsplit(']').next().unwrap_or(authority);
        let authority = match after_host.contains(':') {
            true => authority.to_owned(),
            false => format!("{authority}:80"),
        };
        if authority.starts_with(':') {
            return Err("the service URL lacks a host".to_owned());
        }
        Ok(Self {
            authority,
            path: path.trim_end_matches('/').to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, authority: &str, path: &str) {
        let url = ServiceUrl::parse(text).expect("a service URL");
        assert_eq!(
            (url.authority.as_str(), url.path.as_str()),
            (authority, path)
        );
    }

    #[test]
    fn a_port_and_a_path_may_be_left_out() {
        check("http://10.0.0.1:8080", "10.0.0.1:8080", "");
        check("http://service/", "service:80", "");
        check("http://service/base/", "service:80", "/base");
        check("http://[::1]", "[::1]:80", "");
    }

    #[test]
    fn what_is_not_plain_http_is_refused() {
        for text in [
            "https://cloud.bastionzero.com/",
            "",
            "http://",
            "http://a b",
            "http://u@h",
        ] {
            assert!(ServiceUrl::parse(text).is_err(), "{text}");
        }
    }
}
