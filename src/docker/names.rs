//! Names for which the Engine API has rules. A value of such a type is valid.

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
        let is_digit = |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        (text.len() == 64 && text.bytes().all(is_digit)).then(|| Self(text.to_owned()))
    }

    /// Parses the id of a service, in a Swarm's form (swarmkit, `identity`).
    pub fn of_service(text: &str) -> Option<Self> {
        let is_digit = |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'z');
        (text.len() == 25 && text.bytes().all(is_digit)).then(|| Self(text.to_owned()))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::docker::target::tests::{ID, id};

    #[test]
    fn an_id_is_64_hex_digits_or_25_letters_and_digits_and_nothing_else() {
        assert_eq!(id().as_str(), ID);
        let service = "0123456789abcdefghijklmnz";
        let found = TargetId::parse(service).expect("an id");
        assert!(found.is_of_service() && !id().is_of_service());
        assert_eq!(TargetId::of_container(service), None);
        assert_eq!(TargetId::of_service(ID), None);
        for id in [service, ID] {
            let short = &id[1..];
            for end in ["", "00", "0Z", "Z", "/", "\0", "é", "0/"] {
                let text = format!("{short}{end}");
                assert_eq!(TargetId::parse(&text), None, "{text:?}");
            }
            assert_eq!(TargetId::parse(&id.to_uppercase()), None);
        }
        assert_eq!(TargetId::parse(&"../".repeat(22)[..64]), None);
    }

    #[test]
    fn a_name_follows_from_deployment_and_token_alone() {
        let deployment = |id| DeploymentId::parse(id).expect("an id");
        let name = |id, token| ContainerName::from_token(&deployment(id), &Secret::new(token));
        let digest = "da-fe85e3b7609721471811d077919eeb5cf1a665d3";
        assert_eq!(name("da", "token").as_str(), digest);
        assert_ne!(name("da", "token"), name("da", "token2"));
        assert_ne!(name("da", "token"), name("db", "token"));
        let key = Secret::new("token");
        let of_key = ContainerName::from_idempotency_key(&deployment("da"), &key);
        assert_ne!(name("da", "token"), of_key);
    }
}
