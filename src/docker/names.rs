//! Names for which the Engine API has rules. A value of such a type is valid.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use http::Uri;
use http::uri::{Authority, Scheme};
use sha2::{Digest, Sha256};

use crate::secret::Secret;

/// The full id of a target: that of its container, 64 lower-case hex digits, or that
/// of its service on a Swarm, 25 lower-case letters and digits.
///
/// An Engine also resolves names and unique prefixes of ids (`Daemon.GetContainer`), so a
/// shorter id could be somebody else's.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TargetId(String);

impl TargetId {
    /// Parses an id of either form.
    pub fn parse(text: &str) -> Option<Self> {
        Self::of_container(text).or_else(|| Self::of_service(text))
    }

    /// Parses the id of a container, in an Engine's form.
    pub fn of_container(text: &str) -> Option<Self> {
        let is_id = text.len() == 64
            && text
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        is_id.then(|| Self(text.to_owned()))
    }

    /// Parses the id of a service, in a Swarm's form (swarmkit, `identity`).
    pub fn of_service(text: &str) -> Option<Self> {
        let is_id = text.len() == 25
            && text
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'z'));
        is_id.then(|| Self(text.to_owned()))
    }

    /// Whether it is that of a service.
    pub fn is_of_service(&self) -> bool {
        self.0.len() == 25
    }

    /// All of it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The twelve characters that `docker ps` and `docker service ls` show.
    pub fn short(&self) -> &str {
        &self.0[..12]
    }
}

/// `deployment_id`: marks our containers on a shared Engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeploymentId(String);

impl DeploymentId {
    /// [`ContainerName`] adds 41 characters, and a DNS label has at most 63.
    const CHARS_MAX: usize = 22;

    /// Parses 1 to 22 lower-case letters, digits and inner dashes.
    ///
    /// # Errors
    ///
    /// What it must be.
    pub fn parse(text: &str) -> Result<Self, String> {
        let is_id = (1..=Self::CHARS_MAX).contains(&text.len())
            && text
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'z' | b'-'))
            && !text.starts_with('-')
            && !text.ends_with('-');
        if is_id {
            Ok(Self(text.to_owned()))
        } else {
            Err(format!(
                "is not 1 to {} lower-case letters, digits and inner dashes",
                Self::CHARS_MAX
            ))
        }
    }

    /// The id, as in a label.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The first 160 bits of a digest as 40 hex digits: texts do not collide, and cannot be
/// derived from it.
pub fn short_hex(digest: Sha256) -> String {
    let bytes = digest.finalize();
    bytes[..20]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// The name of a target's container.
///
/// The Engine reserves names atomically, and the name follows from the token, so one
/// token cannot make two containers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerName(String);

impl ContainerName {
    /// Separates the digests of activation tokens from all others.
    const OF_TOKEN: &[u8] = b"dynamic-access container name v1\0";

    /// Separates the digests of idempotency keys: a key that equals a token then does not
    /// reach that token's target.
    const OF_KEY: &[u8] = b"dynamic-access container name of an idempotency key v1\0";

    /// The name for an activation token.
    pub fn from_token(deployment: &DeploymentId, token: &Secret) -> Self {
        Self::from_digest(deployment, Self::OF_TOKEN, token)
    }

    /// The name for an idempotency key.
    pub fn from_idempotency_key(deployment: &DeploymentId, key: &Secret) -> Self {
        Self::from_digest(deployment, Self::OF_KEY, key)
    }

    fn from_digest(deployment: &DeploymentId, domain: &[u8], secret: &Secret) -> Self {
        let mut digest = Sha256::new();
        digest.update(domain);
        digest.update(secret.expose());
        let hex = short_hex(digest);
        Self(format!("{}-{hex}", deployment.as_str()))
    }

    /// The name, as in a query or a label.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// `agent_image`: a reference to an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageReference(String);

impl ImageReference {
    /// The longest name that a registry accepts, with a tag and a digest.
    const CHARS_MAX: usize = 255 + 128 + 72;

    /// Parses `[host[:port]/]name[:tag][@digest]`, or an image's id.
    ///
    /// Only checks for characters that could break out of a path of the Engine API; the
    /// Engine checks the rest of the grammar.
    ///
    /// # Errors
    ///
    /// What it must be.
    pub fn parse(text: &str) -> Result<Self, String> {
        let parts_are_whole = text.split('/').all(|part| {
            part.starts_with(|first: char| first.is_ascii_alphanumeric()) && !part.contains("..")
        });
        // The Engine would read an empty tag as all tags.
        let is_reference = text.len() <= Self::CHARS_MAX
            && parts_are_whole
            && !text.ends_with([':', '@'])
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"._-/:@".contains(&byte));
        if is_reference {
            Ok(Self(text.to_owned()))
        } else {
            Err("is not an image reference such as registry.example.com/agent:1.2".to_owned())
        }
    }

    /// The reference, as in a path.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the reference names a registry, by the rule of Docker's
    /// `reference.ParseNormalizedNamed`. Without one, the Engine would ask a public
    /// registry, where anybody can publish under any name.
    pub fn has_registry(&self) -> bool {
        self.registry().is_some()
    }

    /// The registry that the reference names, if it does.
    pub fn registry(&self) -> Option<&str> {
        let (host, _) = self.0.split_once('/')?;
        (host == "localhost" || host.contains(['.', ':'])).then_some(host)
    }

    /// Whether the reference has a digest, which always names the same content; a
    /// tag can be moved.
    pub fn has_digest(&self) -> bool {
        self.0.contains('@')
    }

    /// Whether the reference names the same content everywhere: by a digest, or as the id
    /// of an image, `sha256:` and 64 digits.
    pub fn is_pinned(&self) -> bool {
        let is_id = self.0.strip_prefix("sha256:").is_some_and(|digits| {
            digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
        });
        self.has_digest() || is_id
    }

    /// The repository, and its digest or tag; the default tag is `latest`, as everywhere
    /// in Docker.
    pub fn repository_and_tag(&self) -> (&str, &str) {
        let (tagged, digest) = match self.0.split_once('@') {
            Some((tagged, digest)) => (tagged, Some(digest)),
            None => (self.0.as_str(), None),
        };
        // A colon before the last slash belongs to the registry's port.
        let name_at = tagged.rfind('/').map_or(0, |slash| slash + 1);
        let (repository, tag) = match tagged[name_at..].find(':') {
            Some(colon) => (&tagged[..name_at + colon], &tagged[name_at + colon + 1..]),
            None => (tagged, "latest"),
        };
        (repository, digest.unwrap_or(tag))
    }
}

impl fmt::Display for ImageReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `docker_url`: where the Engine listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineUrl {
    scheme: Scheme,
    authority: Authority,
}

impl EngineUrl {
    /// Parses `http(s)://host:port`, also the form of Spin's `allowed_outbound_hosts`,
    /// and lower-cases the host.
    ///
    /// Case does not matter in host names, but Spin compares the host of a request with
    /// the `hosts` of `[[client_tls]]` as text. With a capital in it, Spin would find
    /// nothing and send no client certificate.
    ///
    /// # Errors
    ///
    /// What it must be.
    pub fn parse(text: &str) -> Result<Self, String> {
        const FORM: &str = "is not http://host:port or https://host:port";
        let parts = text
            .parse::<Uri>()
            .map_err(|_| FORM.to_owned())?
            .into_parts();
        let (Some(scheme), Some(authority)) = (parts.scheme, parts.authority) else {
            return Err(FORM.to_owned());
        };
        let has_path = parts.path_and_query.is_some_and(|path| path != "/");
        let has_fragment = text.contains('#');
        // No user info, no sign before the port, and only characters of host names.
        let is_plain = authority
            .as_str()
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte));
        let is_http = scheme == Scheme::HTTP || scheme == Scheme::HTTPS;
        // Spin compares schemes as text, so it would deny every request to `HTTP://…`.
        let is_lower_scheme = text.starts_with(scheme.as_str());
        let has_host = !authority.host().is_empty();
        if has_path || has_fragment || !is_plain || !is_http || !is_lower_scheme || !has_host {
            return Err(FORM.to_owned());
        }
        if authority.port_u16().is_none_or(|port| port == 0) {
            return Err("has no port; Docker's are 2375 for http and 2376 for https".to_owned());
        }
        let authority = authority.as_str().to_ascii_lowercase();
        let authority = authority.parse().map_err(|_| FORM.to_owned())?;
        Ok(Self { scheme, authority })
    }

    /// Whether it uses TLS.
    pub fn is_https(&self) -> bool {
        self.scheme == Scheme::HTTPS
    }

    /// Whether it is unencrypted and leaves this machine.
    pub fn is_plaintext_beyond_loopback(&self) -> bool {
        let host = self.authority.host();
        let address = host.trim_start_matches('[').trim_end_matches(']');
        let is_loopback = host.eq_ignore_ascii_case("localhost")
            || address.parse().is_ok_and(|address: IpAddr| match address {
                IpAddr::V4(address) => address.is_loopback() && address != Ipv4Addr::UNSPECIFIED,
                IpAddr::V6(address) => address.is_loopback(),
            });
        self.scheme == Scheme::HTTP && !is_loopback
    }

    /// The full URI for a path of the Engine API, with as many zeros before the port as
    /// `spelling` says. All spellings reach the same Engine with the same `Host`, but
    /// Spin, which pools connections by the text of the authority, shares none between
    /// them.
    pub fn join(&self, path_and_query: http::uri::PathAndQuery, spelling: usize) -> Uri {
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(self.scheme.clone());
        parts.authority = Some(self.spelt(spelling));
        parts.path_and_query = Some(path_and_query);
        Uri::from_parts(parts).expect("scheme, authority and path are all there")
    }

    fn spelt(&self, spelling: usize) -> Authority {
        let (host, port) = (self.authority.host(), self.authority.port_u16());
        let port = port.expect("an EngineUrl has a port");
        let spelt = format!("{host}:{}{port}", "0".repeat(spelling));
        spelt.parse().expect("zeros change no number")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    #[test]
    fn an_id_is_64_hex_digits_or_25_letters_and_digits_and_nothing_else() {
        assert_eq!(TargetId::parse(ID).expect("an id").as_str(), ID);
        let service = "0123456789abcdefghijklmnz";
        let id = TargetId::parse(service).expect("an id");
        assert!(id.is_of_service() && !TargetId::parse(ID).is_some_and(|id| id.is_of_service()));
        assert_eq!(TargetId::of_container(service), None);
        assert_eq!(TargetId::of_service(ID), None);
        for text in [
            "",
            "a",
            &service[..24],
            &format!("{service}0"),
            &service.to_uppercase(),
            &format!("{}/", &service[..24]),
            &ID[..63],
            &format!("{ID}0"),
            &ID.to_uppercase(),
            &format!("{}/", &ID[..63]),
            &format!("{}\0", &ID[..63]),
            &format!("{}é", &ID[..62]),
            "../../../../../../../../../../../../../../../../../../../../../..",
        ] {
            assert_eq!(TargetId::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_deployment_id_keeps_a_name_within_a_dns_label() {
        let longest = "a".repeat(22);
        let deployment = DeploymentId::parse(&longest).expect("an id");
        let name = ContainerName::from_token(&deployment, &Secret::new("t"));
        assert_eq!(name.as_str().len(), 63);
        for text in ["", "-a", "a-", "A", "a_b", "a.b", "a b", &"a".repeat(23)] {
            DeploymentId::parse(text).expect_err(text);
        }
    }

    #[test]
    fn a_name_follows_from_deployment_and_token_alone() {
        let name = |deployment, token: &str| {
            let deployment = DeploymentId::parse(deployment).expect("an id");
            ContainerName::from_token(&deployment, &Secret::new(token))
        };
        assert_eq!(
            name("da", "token").as_str(),
            "da-fe85e3b7609721471811d077919eeb5cf1a665d3"
        );
        assert_eq!(name("da", "token"), name("da", "token"));
        assert_ne!(name("da", "token"), name("da", "token2"));
        assert_ne!(name("da", "token"), name("db", "token"));
        let deployment = DeploymentId::parse("da").expect("an id");
        let of_key = ContainerName::from_idempotency_key(&deployment, &Secret::new("token"));
        assert_ne!(name("da", "token"), of_key);
    }

    #[test]
    fn an_image_reference_cannot_leave_its_place_in_a_path() {
        for text in [
            "agent",
            "registry.example.com:5000/team/agent:1.2",
            "agent@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        ] {
            assert_eq!(ImageReference::parse(text).expect(text).as_str(), text);
        }
        for text in [
            "",
            "/",
            "a/",
            "/a",
            "a//b",
            "a/../b",
            "..",
            "a:",
            "r:5000/a@",
            "a?b",
            "a#b",
            "a b",
            "a%2fb",
            "a\0",
            "é",
            &"a".repeat(456),
        ] {
            ImageReference::parse(text).expect_err(text);
        }
    }

    #[test]
    fn a_registry_is_a_host_before_the_first_slash() {
        for (text, has) in [
            ("agent", false),
            ("agent:1", false),
            ("team/agent", false),
            ("agent@sha256:00", false),
            ("localhost/agent", true),
            ("registry:5000/agent", true),
            ("registry.example.com/agent", true),
        ] {
            let image = ImageReference::parse(text).expect(text);
            assert_eq!(image.has_registry(), has, "{text}");
        }
    }

    #[test]
    fn a_reference_is_taken_apart_at_its_tag_and_digest() {
        for (text, expected) in [
            ("a", ("a", "latest")),
            ("a:1", ("a", "1")),
            ("r:5000/a", ("r:5000/a", "latest")),
            ("r:5000/a:1", ("r:5000/a", "1")),
            ("r/a@sha256:00", ("r/a", "sha256:00")),
            ("r/a:1@sha256:00", ("r/a", "sha256:00")),
        ] {
            let image = ImageReference::parse(text).expect(text);
            assert_eq!(image.repository_and_tag(), expected, "{text}");
        }
    }

    #[test]
    fn an_engine_url_is_scheme_host_and_port() {
        for text in [
            "http://127.0.0.1:2375",
            "http://localhost:2375/",
            "https://docker.example.com:2376",
            "https://[::1]:2376",
        ] {
            let url = EngineUrl::parse(text).expect(text);
            let joined = url.join("/_ping".parse().expect("a path"), 0);
            assert_eq!(
                joined.to_string(),
                format!("{}/_ping", text.trim_end_matches('/'))
            );
        }
        for text in [
            "",
            "/",
            "127.0.0.1:2375",
            "tcp://127.0.0.1:2375",
            "unix:///var/run/docker.sock",
            "http://",
            "http://:2375",
            "http://host",
            "http://host:0",
            "http://host:+1",
            "http://+:1",
            "http://host:2375#x",
            "http://host:65536",
            "http://host:2375/v1.41",
            "http://host:2375?x",
            "http://user:password@host:2375",
            "http://host name:2375",
            "HTTP://host:2375",
            "Https://host:2376",
        ] {
            EngineUrl::parse(text).expect_err(text);
        }
    }

    #[test]
    fn the_host_of_an_engine_url_is_in_lower_case() {
        for (text, expected) in [
            (
                "https://Docker.Example.COM:2376",
                "https://docker.example.com:2376/_ping",
            ),
            ("https://[FD00::A]:2376/", "https://[fd00::a]:2376/_ping"),
            ("http://LocalHost:2375", "http://localhost:2375/_ping"),
        ] {
            let url = EngineUrl::parse(text).expect(text);
            let joined = url.join("/_ping".parse().expect("a path"), 0);
            assert_eq!(joined.to_string(), expected);
        }
    }

    #[test]
    fn each_spelling_of_an_engine_url_is_another_text_for_the_same_address() {
        for text in ["http://127.0.0.1:2375", "https://[fd00::a]:443"] {
            let url = EngineUrl::parse(text).expect(text);
            let spelt = |spelling| url.join("/_ping".parse().expect("a path"), spelling);
            let (usual, other) = (spelt(0), spelt(2));
            assert_ne!(usual.authority(), other.authority());
            assert_eq!(usual.host(), other.host());
            assert_eq!(usual.port_u16(), other.port_u16());
        }
    }

    #[test]
    fn only_loopback_is_reached_in_the_clear_without_leave() {
        for (text, beyond) in [
            ("http://127.0.0.1:2375", false),
            ("http://127.9.9.9:2375", false),
            ("http://localhost:2375", false),
            ("http://LocalHost:2375", false),
            ("http://[::1]:2375", false),
            ("https://192.0.2.1:2376", false),
            ("http://192.0.2.1:2375", true),
            ("http://0.0.0.0:2375", true),
            ("http://127.0.0.1.example.com:2375", true),
            ("http://localhost.example.com:2375", true),
            ("http://[::ffff:127.0.0.1]:2375", true),
        ] {
            let url = EngineUrl::parse(text).expect(text);
            assert_eq!(url.is_plaintext_beyond_loopback(), beyond, "{text}");
        }
    }
}
