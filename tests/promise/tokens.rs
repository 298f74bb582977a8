//! The tokens of the starts, and everything that follows from a token.

use std::sync::LazyLock;

use dynamic_access::docker::{ContainerName, DeploymentId};
use dynamic_access::secret::Secret;

/// The number of tokens.
const TOKENS: usize = 64;

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
    match token.checked_sub(FIRST_OWNED)? {
        0 | 1 => Some("owner-0"),
        2 => Some("owner-1"),
        _ => None,
    }
}

/// The name of a token's container.
pub fn name_of(token: usize) -> String {
    static NAMES: LazyLock<Vec<String>> = LazyLock::new(|| {
        let deployment = DeploymentId::parse(DEPLOYMENT).expect("a deployment's id");
        let name = |token| {
            if token >= FIRST_KEY {
                let key = Secret::new(key_text(token));
                return ContainerName::from_idempotency_key(&deployment, &key);
            }
            let token = Secret::new(token_text(token));
            ContainerName::from_token(&deployment, &token)
        };
        (0..TOKENS)
            .map(|token| name(token).as_str().to_owned())
            .collect()
    });
    NAMES[token].clone()
}
