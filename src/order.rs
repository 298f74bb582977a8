//! The order of a start, and the digest that compares repeated starts.

use std::time::Duration;

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::container::Choices;
use crate::docker::archive::{self, SecretFile};
use crate::docker::{ImageReference, short_hex};
use crate::environment_id::canonical;
use crate::key::Key;
use crate::secret::Secret;

/// The order of a start.
#[derive(Debug, Clone)]
pub struct StartOrder {
    /// The key, which repeated orders share.
    pub key: Key,
    /// Where an agent registers, if there is one.
    pub service_url: Option<String>,
    /// The environment of the target.
    pub environment_id: String,
    /// The secrets of the target, sorted by name.
    pub secrets: Vec<SecretFile>,
    /// The age at which the target is removed, if the order sets one.
    pub lifetime: Option<Duration>,
    /// Environment variables of its own as `NAME=value`, sorted.
    pub env: Vec<String>,
    /// Its command and its limits.
    pub choices: Choices,
    /// Its image, if the order names one.
    pub image: Option<ImageReference>,
    /// Whose the target is.
    pub owner: Option<String>,
    /// The labels by which its caller finds it; each value is a text.
    pub labels: Map<String, Value>,
}

impl StartOrder {
    /// The order of `/start`: its token is both the key and the one secret.
    pub fn of_webhook(service_url: String, token: Secret, environment_id: String) -> Self {
        Self {
            key: Key::ActivationToken(token.clone()),
            service_url: Some(service_url),
            environment_id,
            secrets: vec![SecretFile {
                name: archive::ACTIVATION_TOKEN.to_owned(),
                content: token,
                owner: None,
            }],
            lifetime: None,
            env: Vec::new(),
            choices: Choices::default(),
            image: None,
            owner: None,
            labels: Map::new(),
        }
    }

    /// The labels as JSON; empty without labels.
    pub fn labels_text(&self) -> String {
        if self.labels.is_empty() {
            return String::new();
        }
        json!(self.labels).to_string()
    }

    /// The activation token, if the target gets one.
    pub fn activation_token(&self) -> Option<&Secret> {
        let mut secrets = self.secrets.iter();
        let found = secrets.find(|secret| secret.name == archive::ACTIVATION_TOKEN);
        found.map(|secret| &secret.content)
    }

    /// All texts that no log line may show.
    pub fn all_secrets(&self) -> impl Iterator<Item = &Secret> {
        let (Key::ActivationToken(key) | Key::IdempotencyKey(key)) = &self.key;
        let contents = self.secrets.iter().map(|secret| &secret.content);
        contents.chain([key])
    }

    /// A digest of the order, without the key and the contents of secrets: a digest of
    /// those would let anyone who can inspect the container test guesses. Its form is the
    /// same in every version. Absent members are left out, so a later version may add
    /// members.
    pub fn digest(&self) -> String {
        /// Separates these digests from those of names.
        const DOMAIN: &[u8] = b"dynamic-access order v1\0";
        let secrets = self.secrets.iter().map(|secret| match secret.owner {
            None => json!(secret.name),
            owner => json!([secret.name, owner]),
        });
        let Choices { command, resources } = &self.choices;
        let image = self.image.as_ref().map(ImageReference::as_str);
        let members = [
            ("command", json!(command)),
            ("env", json!(self.env)),
            ("environment", json!(canonical(&self.environment_id))),
            ("labels", json!(self.labels)),
            (
                "lifetime",
                json!(self.lifetime.map(|lifetime| lifetime.as_secs())),
            ),
            ("image", json!(image)),
            ("memory", json!(resources.memory)),
            ("nanoCpus", json!(resources.nano_cpus)),
            ("owner", json!(self.owner)),
            ("secrets", secrets.collect()),
            ("serviceUrl", json!(self.service_url)),
        ];
        let mut digest = Sha256::new();
        digest.update(DOMAIN);
        let is_absent =
            |value: &Value| value.is_null() || *value == json!([]) || *value == json!({});
        for (name, value) in members.iter().filter(|(_, value)| !is_absent(value)) {
            // JSON text has no NUL, so each member has one form and one end.
            digest.update(format!("{name}={value}\0"));
        }
        short_hex(digest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order() -> StartOrder {
        let secret = |name: &str| SecretFile {
            name: name.to_owned(),
            content: Secret::new("1"),
            owner: None,
        };
        let id = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0".to_owned();
        StartOrder {
            secrets: vec![secret("a"), secret("b")],
            lifetime: Some(Duration::from_secs(60)),
            ..StartOrder::of_webhook("https://host".to_owned(), Secret::new("t"), id)
        }
    }

    #[track_caller]
    fn check(is_same: bool, changes: &[fn(&mut StartOrder)]) {
        for change in changes {
            let mut changed = order();
            change(&mut changed);
            let has_digest = order().digest() == changed.digest();
            assert_eq!(has_digest, is_same, "{changed:?}");
        }
    }

    #[test]
    fn an_order_and_its_repetition_have_the_same_digest_and_others_do_not() {
        check(
            true,
            &[
                |order| order.environment_id = "0F1E2D3C4B5A69788796A5B4C3D2E1F0".to_owned(),
                |order| order.key = Key::IdempotencyKey(Secret::new("k")),
                |order| order.secrets[0].content = Secret::new("3"),
            ],
        );
        check(
            false,
            &[
                |order| order.environment_id = "e".to_owned(),
                |order| order.service_url = None,
                |order| order.service_url = Some("https://host/".to_owned()),
                |order| order.lifetime = None,
                |order| order.lifetime = Some(Duration::from_secs(61)),
                |order| order.secrets[0].name = "c".to_owned(),
                |order| order.secrets.truncate(1),
                |order| order.secrets.clear(),
                |order| order.secrets[0].owner = Some(0),
                |order| order.env = vec!["A=1".to_owned()],
                |order| order.choices.command = vec![String::new()],
                |order| order.choices.resources.memory = Some(1),
                |order| order.choices.resources.nano_cpus = Some(1),
                |order| order.image = ImageReference::parse("agent").ok(),
                |order| order.owner = Some("o".to_owned()),
                |order| _ = order.labels.insert("a".to_owned(), json!("b")),
            ],
        );
    }

    /// Targets outlive an upgrade, so the next version must recognise them.
    #[test]
    fn the_digest_of_an_order_never_changes() {
        let digest = "348a9b682819989083b5d5c4ed7587e32f367174";
        assert_eq!(order().digest(), digest);
    }
}
