//! The common parts of all replies of the Engine.

use http::StatusCode;
use serde::de::DeserializeOwned;
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

use super::says;
use crate::fault::Fault;
use crate::platform::HttpResponse;

/// A reply, with readers for its parts.
#[derive(Debug)]
pub struct Reply(HttpResponse);

impl Reply {
    /// Wraps a received reply.
    pub fn new(response: HttpResponse) -> Self {
        Self(response)
    }

    /// The status of the reply.
    pub fn status(&self) -> u16 {
        self.0.status().as_u16()
    }

    /// The body as received.
    pub fn body(&self) -> &[u8] {
        self.0.body()
    }

    /// The body, which must have the shape `T`.
    /// The fault does not have serde's own message, which would quote the body.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Fault> {
        serde_json::from_slice(self.0.body()).map_err(|error| {
            Fault::Nonsense(format!(
                "{} with a body that is not the Engine's (line {}, column {})",
                self.0.status(),
                error.line(),
                error.column()
            ))
        })
    }

    /// The body of a list; the API answers every list with 200.
    pub fn listed<T: DeserializeOwned>(&self) -> Result<T, Fault> {
        match self.status() {
            200 => self.json(),
            _ => Err(match self.fault() {
                Fault::EngineError { status, message } if status == StatusCode::NOT_FOUND => {
                    Fault::ListFailed(message)
                }
                fault => fault,
            }),
        }
    }

    /// The Engine's own time (RFC 9110, section 6.6.1).
    pub fn date(&self) -> Option<OffsetDateTime> {
        let date = self.0.headers().get(http::header::DATE)?.to_str().ok()?;
        OffsetDateTime::parse(date, &Rfc2822).ok()
    }

    /// The Engine's name and version, such as `Docker 28.0.1` (RFC 9110, section 10.2.4).
    /// A name that a proxy has put there is left out.
    pub fn engine(&self) -> Option<String> {
        let server = self.0.headers().get(http::header::SERVER)?.to_str().ok()?;
        let (product, version) = server.split(' ').next()?.split_once('/')?;
        let name = match product {
            "Docker" => "Docker",
            "Libpod" => "Podman",
            _ => return None,
        };
        Some(format!("{name} {version}"))
    }

    /// A member of the body, which must be text.
    pub fn text(&self, member: &str) -> Result<String, Fault> {
        let body: Value = self.json()?;
        let text = body[member].as_str();
        text.map(str::to_owned).ok_or_else(|| self.lacks(member))
    }

    /// The fault of a reply that lacks a member.
    pub fn lacks(&self, member: &str) -> Fault {
        Fault::Nonsense(format!("{} without {member}", self.0.status()))
    }

    /// The Engine's error message: the `message` member of the body.
    ///
    /// A proxy answers with HTML instead, which is not worth keeping.
    pub fn message(&self) -> Option<String> {
        self.text("message").ok()
    }

    /// The fault of a reply that is not a success.
    pub fn fault(&self) -> Fault {
        let status = self.0.status();
        match self.message() {
            Some(message) if status.is_client_error() || status.is_server_error() => {
                Fault::EngineError { status, message }
            }
            // From something in front of the Engine, which cannot reach it or does not
            // let us through.
            None if status.is_server_error() || is_denial(status, NOT_THE_ENGINES_WORDS) => {
                Fault::EngineError {
                    status,
                    message: NOT_THE_ENGINES_WORDS.to_owned(),
                }
            }
            _ => Fault::Nonsense(format!("{status} with a body that is not the Engine's")),
        }
    }

    /// The network that the Engine does not have, if it says so: "network … not found"
    /// from Docker, "unable to find network with name or ID …: network not found" from
    /// Podman.
    pub fn missing_network(&self) -> Option<String> {
        let message = self.message()?;
        let after = |words: &str| {
            let rest = message.split_once(words)?.1;
            Some(rest.split_whitespace().next()?.trim_matches([':', '"']))
        };
        let named = if message.contains("unable to find network") {
            after("name or ID ")
        } else if message.to_ascii_lowercase().contains("no such network: ") {
            after("etwork: ")
        } else {
            after("network ").filter(|name| message.contains(&format!("network {name} not found")))
        };
        named.map(str::to_owned)
    }

    /// Reads the reply to a removal or a stop, which also succeeds if the object is gone.
    pub fn done_or_absent(&self) -> Result<(), Fault> {
        match self.status() {
            204 => Ok(()),
            404 if self.is_engines() => Ok(()),
            _ => Err(self.fault()),
        }
    }

    /// Reads the reply to a look at one thing; `None` if the Engine does not have it.
    pub fn found<T>(&self, read: impl FnOnce() -> Result<T, Fault>) -> Result<Option<T>, Fault> {
        match self.status() {
            200 => read().map(Some),
            404 if self.is_engines() => Ok(None),
            _ => Err(self.fault()),
        }
    }

    /// Whether a failure, a status of 400 or more, is the Engine's own and not that of a
    /// proxy in front of it.
    pub fn is_engines(&self) -> bool {
        self.message().is_some()
    }

    /// Whether the Engine's error message has one of these words, which are in lower case.
    pub fn says(&self, words: &[&str]) -> bool {
        self.message().is_some_and(|message| says(&message, words))
    }
}

/// Stands for the words of a reply that is not an Engine's.
pub const NOT_THE_ENGINES_WORDS: &str = "(not in the Engine's words)";

/// The beginning of a message from our own proxy in front of an Engine.
const OUR_PROXY: &str = "dynamic-access engine proxy:";

/// The words in which an Engine reports the refusal of an authorisation plugin.
const PLUGIN: &str = "authorization denied by plugin";

/// Whether a failure means that this server may not call the Engine.
///
/// An Engine has no credentials of its own, so it never answers 401. It does answer 403
/// for a container, for example if an address is in use. So a 403 is a denial only in the
/// words of an authorisation plugin, of our own proxy, or of a proxy that does not speak
/// like an Engine.
pub fn is_denial(status: StatusCode, message: &str) -> bool {
    let is_of_others = message == NOT_THE_ENGINES_WORDS
        || message.starts_with(OUR_PROXY)
        || message.contains(PLUGIN);
    status == StatusCode::UNAUTHORIZED || (status == StatusCode::FORBIDDEN && is_of_others)
}

/// Whether a failure means that a network has no room for another container: all
/// addresses of its subnet are in use (Docker, Podman and its plugins), or all ports of
/// its bridge ("exchange full" is the kernel's message). The statuses differ.
pub fn is_full(message: &str) -> bool {
    let words = [
        "no available ipv4 addresses",
        "no available ipv6 addresses",
        "no available addresses",
        "no available ip",
        "no ip addresses available",
        "failed to find free ip",
        "no free ip",
        "exchange full",
    ];
    says(message, &words)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A reply of that status and body.
    pub(crate) fn reply(status: u16, body: &str) -> Reply {
        dated(status, body, None)
    }

    /// A reply with the Engine's time.
    pub(crate) fn dated(status: u16, body: &str, date: Option<&str>) -> Reply {
        let mut response = http::Response::builder().status(status);
        if let Some(date) = date {
            response = response.header("date", date);
        }
        let body = body.as_bytes().to_vec();
        Reply::new(response.body(body).expect("a response"))
    }

    #[test]
    fn an_engine_is_known_by_its_name_and_a_proxy_is_not_one() {
        for (server, engine) in [
            ("Docker/20.10.24+dfsg1 (linux)", "Docker 20.10.24+dfsg1"),
            ("Libpod/4.3.1 (linux)", "Podman 4.3.1"),
            ("nginx/1.22.1", ""),
            ("Docker", ""),
            ("", ""),
        ] {
            let response = http::Response::builder().header("server", server);
            let reply = Reply::new(response.body(Vec::new()).expect("a response"));
            assert_eq!(reply.engine().unwrap_or_default(), engine, "{server}");
        }
        assert_eq!(reply(200, "").engine(), None);
    }

    #[test]
    fn a_fault_is_told_in_the_engines_words_and_quotes_no_other_body() {
        let nonsense = "not an Engine's answer";
        for (status, body, told) in [
            (409, r#"{"message":"m"}"#, "409 Conflict: m"),
            // Podman's is longer.
            (404, r#"{"cause":"x","message":"m"}"#, "404 Not Found: m"),
            (502, "<html>planted", "502 Bad Gateway: (not in the"),
            (404, "<html>planted", nonsense),
            (200, "planted", nonsense),
            (302, "", nonsense),
            (404, r#"{"error":"planted"}"#, nonsense),
        ] {
            let reply = reply(status, body);
            let fault = reply.fault().to_string();
            assert!(fault.starts_with(told), "{fault}");
            assert!(!fault.contains("planted"), "{fault}");
            assert_eq!(reply.is_engines(), told.ends_with(": m"));
        }
        let cut = reply(200, r#"{"Id":"planted"#).json::<Value>();
        let fault = cut.expect_err("cut off").to_string();
        assert!(!fault.contains("planted"), "{fault}");
    }

    #[test]
    fn a_missing_network_is_told_from_other_failures() {
        let late = "failed to set up container networking: network targets not found";
        let podmans = "unable to find network with name or ID targets: network not found";
        let other = "failed to create endpoint x on network y: iptables not found";
        for (message, is_missing) in [
            ("network targets not found", true),
            (late, true),
            ("No such network: targets", true),
            (podmans, true),
            ("No such container: x", false),
            (other, false),
            ("network", false),
        ] {
            let body = serde_json::json!({"message": message}).to_string();
            let found = reply(404, &body).missing_network();
            let expected = is_missing.then_some("targets");
            assert_eq!(found.as_deref(), expected, "{message}");
        }
        assert_eq!(reply(404, "<html>").missing_network(), None);
    }
}
