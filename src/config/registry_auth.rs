//! `registry_auth`: the Engine's credentials for one registry.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE;
use serde::Deserialize;

use crate::docker::ImageReference;
use crate::secret::Secret;

/// The longest value, with room for the token of an identity provider.
const CHARS_MAX: usize = 16 * 1024;

/// Credentials, and the registry that they are for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistryAuth {
    /// The value of the header `X-Registry-Auth`.
    pub header: Secret,
    /// The passwords and tokens in it, to redact from log lines.
    pub secrets: Vec<Secret>,
    registry: String,
}

/// The content of the header (Engine API, "Authentication").
#[derive(Default, Deserialize)]
#[serde(default)]
struct AuthConfig {
    username: String,
    password: String,
    identitytoken: String,
    registrytoken: String,
    serveraddress: String,
}

impl RegistryAuth {
    /// Parses the value of `X-Registry-Auth`: base64url, with padding, of a JSON
    /// object (Engine API, "Authentication"). An empty text means that there is none.
    ///
    /// An Engine ignores a value that it cannot decode and pulls without
    /// credentials, and it does not compare `serveraddress` with the image's
    /// registry. So both are checked here.
    pub fn parse(text: &str) -> Result<Option<Self>, String> {
        if text.is_empty() {
            return Ok(None);
        }
        let auth = decode(text).ok_or("must be the base64url, with padding, of a JSON object such as {\"username\":…,\"password\":…,\"serveraddress\":…}")?;
        let has_password = !auth.username.is_empty() && !auth.password.is_empty();
        if !has_password && auth.identitytoken.is_empty() && auth.registrytoken.is_empty() {
            return Err(
                "must have a username and a password, an identitytoken or a registrytoken"
                    .to_owned(),
            );
        }
        let registry = registry_of(&auth.serveraddress).ok_or(
            "must have a serveraddress, the registry that the credentials are for, such as registry.example.com",
        )?;
        let secrets = [auth.password, auth.identitytoken, auth.registrytoken];
        // A shorter one could be part of any word of the log.
        let secrets = secrets.into_iter().filter(|secret| secret.len() >= 8);
        Ok(Some(Self {
            header: Secret::new(text),
            secrets: secrets.map(Secret::new).collect(),
            registry,
        }))
    }

    /// The header for a pull of an image, if the credentials are for its registry.
    pub fn header_for(&self, image: &ImageReference) -> Option<&Secret> {
        let registry = image.registry().and_then(registry_of);
        (registry.as_ref() == Some(&self.registry)).then_some(&self.header)
    }
}

fn decode(base64url: &str) -> Option<AuthConfig> {
    let json = BASE64_URL_SAFE.decode(base64url).ok();
    json.filter(|_| base64url.len() <= CHARS_MAX)
        .and_then(|json| serde_json::from_slice(&json).ok())
}

/// The host and port of a registry, from a `serveraddress`, which Docker also writes
/// as a URL with a path. Docker Hub has several names.
fn registry_of(address: &str) -> Option<String> {
    let address = address.to_ascii_lowercase();
    let rest = address
        .split_once("://")
        .map_or(&*address, |(_, rest)| rest);
    let host = rest.split('/').next().unwrap_or_default();
    let is_host = |text: &str| {
        text.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b".-:[]_".contains(&byte))
    };
    match host {
        "" => None,
        "index.docker.io" | "registry-1.docker.io" => Some("docker.io".to_owned()),
        host => is_host(host).then(|| host.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(json: &str) -> String {
        BASE64_URL_SAFE.encode(json)
    }

    fn auth_for(address: &str) -> RegistryAuth {
        let json =
            format!(r#"{{"username":"u","password":"planted-?>~","serveraddress":"{address}"}}"#);
        let auth = RegistryAuth::parse(&encoded(&json)).expect(address);
        auth.expect("credentials")
    }

    #[test]
    fn credentials_are_what_the_engine_can_decode() {
        assert_eq!(RegistryAuth::parse(""), Ok(None));
        let auth = auth_for("registry.example.com");
        assert_eq!(auth.secrets, [Secret::new("planted-?>~")]);
        let token = r#"{"identitytoken":"t","serveraddress":"r.example.com"}"#;
        RegistryAuth::parse(&encoded(token)).expect("a token will do");
        // One has no padding, and one is the beginning of an object.
        let odd =
            "user:password e30 {} e=== W10= eyJ1 eyJ1c2VybmFtZSI6InUiLCJwYXNzd29yZCI6Ij8+fiJ9";
        let incomplete = [
            "{}",
            r#"{"username":"u","password":"planted"}"#,
            r#"{"username":"planted","serveraddress":"r.example.com"}"#,
            r#"{"username":"u","password":"planted","serveraddress":"https://"}"#,
            r#"{"username":"u","password":7,"serveraddress":"r.example.com"}"#,
        ];
        let odd = odd.split(' ').map(str::to_owned);
        for text in odd.chain(incomplete.map(encoded)) {
            let text = &*text;
            let problem = RegistryAuth::parse(text).expect_err(text);
            assert!(!problem.contains("planted"), "{problem}");
        }
    }

    #[test]
    fn credentials_go_to_their_registry_alone() {
        for (address, image, is_sent) in [
            ("r.example.com", "r.example.com/agent:1", true),
            ("https://R.Example.com/v2/", "r.example.com/a/b", true),
            ("r.example.com:5000", "r.example.com:5000/agent", true),
            ("https://index.docker.io/v1/", "docker.io/library/a", true),
            ("r.example.com", "other.example.com/agent", false),
            ("r.example.com", "r.example.com:5000/agent", false),
            ("r.example.com", "r.example.com.evil.test/agent", false),
            ("example.com", "r.example.com/agent", false),
            ("r.example.com", "agent", false),
        ] {
            let image = ImageReference::parse(image).expect(image);
            let auth = auth_for(address);
            let header = auth.header_for(&image);
            assert_eq!(header.is_some(), is_sent, "{address} {image}");
        }
    }
}
