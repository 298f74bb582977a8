//! The tokens of the starts, and everything that follows from a token.

use std::sync::LazyLock;

use dynamic_access::docker::{ContainerName, DeploymentId};
use dynamic_access::secret::Secret;

/// The token whose name somebody else's target has.
pub const TAKEN: usize = 20;

/// The first of the tokens that are idempotency keys: a start of one of these is a
/// `POST /v1/targets`.
pub const FIRST_KEY: usize = 24;

/// The first of the keys whose targets have an owner: two the same one, the third
/// another.
pub const FIRST_OWNED: usize = 25;

/// The first of the keys whose start waits until its target is ready.
pub const FIRST_WAITING: usize = 28;

pub const DEPLOYMENT: &str = "dynamic-access";

/// An activation token, which no answer and no log line may hold either.
pub fn token_text(token: usize) -> String {
    format!("planted-token-{token}-4b6f52b5")
}

/// An idempotency key, which nothing at all may hold.
pub fn key_text(token: usize) -> String {
    format!("planted-key-{token}-8e03978e")
}

pub fn environment(payload: usize) -> String {
    format!("environment-{payload}")
}

/// The owner of a key's target, if it has one.
pub fn owner(token: usize) -> Option<&'static str> {
    const OWNERS: [&str; 3] = ["owner-0", "owner-0", "owner-1"];
    OWNERS.get(token.checked_sub(FIRST_OWNED)?).copied()
}

/// The name of a token's container.
pub fn name_of(token: usize) -> &'static str {
    static NAMES: LazyLock<Vec<ContainerName>> = LazyLock::new(|| {
        let deployment = DeploymentId::parse(DEPLOYMENT).expect("a deployment's id");
        let name = |token| match token >= FIRST_KEY {
            true => {
                let key = Secret::new(key_text(token));
                ContainerName::from_idempotency_key(&deployment, &key)
            }
            false => ContainerName::from_token(&deployment, &Secret::new(token_text(token))),
        };
        (0..=FIRST_WAITING).map(name).collect()
    });
    NAMES[token].as_str()
}
