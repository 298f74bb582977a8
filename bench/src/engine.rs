//! Adds containers to an Engine and removes them, for the bench itself.

use anyhow::Result;
use futures_util::{StreamExt, TryStreamExt, stream};
use http::Method;
use serde_json::json;

use crate::client::{self, Client};
use crate::given;

/// The deployment that owns the containers.
pub const DEPLOYMENT: &str = "bench";

/// How many containers or services are made at once: enough to keep two cores busy.
pub const AT_ONCE: usize = 8;

/// Ten years: no reaper then removes the crowd while it is measured.
pub const FAR_OFF_SECONDS: &str = "315360000";

/// An Engine that only this bench uses.
pub struct Engine {
    /// Its address, `http://host:port`.
    pub url: String,
    client: Client,
}

impl Engine {
    pub fn new(url: String) -> Self {
        let client = Client::new();
        Self { url, client }
    }

    /// The Engine whose address is in this variable.
    pub fn given(variable: &str) -> Result<Self> {
        Ok(Self::new(given(variable)?))
    }

    /// Its version, for the report.
    pub async fn version(&self) -> Result<String> {
        let reply = self.client.call(&self.url, client::get("/version")).await?;
        reply.text("Version")
    }

    /// Adds to the crowd until it has `to` containers of the deployment and as many foreign ones, and starts none.
    pub async fn fill(&self, from: usize, to: usize) -> Result<()> {
        let image = given("IMAGE")?;
        let making = (from..to).flat_map(|_| [self.make(&image, true), self.make(&image, false)]);
        let made = stream::iter(making).buffer_unordered(AT_ONCE);
        made.try_collect().await
    }

    async fn make(&self, image: &str, is_ours: bool) -> Result<()> {
        let (mut name, mut labels) = (format!("foreign-{}", digits()), json!({}));
        if is_ours {
            name = format!("{DEPLOYMENT}-{:0>40}", digits());
            labels = json!({
                "dynamic-access.deployment": DEPLOYMENT,
                "dynamic-access.name": name,
                "dynamic-access.attempt": "0123456789abcdef0123456789abcdef",
                "dynamic-access.service-url": "https://connect.bastionzero.com",
                "dynamic-access.environment-id": "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0",
                "dynamic-access.start-within": FAR_OFF_SECONDS,
                "dynamic-access.max-lifetime": FAR_OFF_SECONDS,
            });
        }
        let body = json!({"Image": image, "Labels": labels});
        let call = client::json(&format!("/containers/create?name={name}"), &body);
        self.client.call(&self.url, call).await.map(drop)
    }

    pub async fn remove(&self, id: &str) -> Result<()> {
        let path = format!("/containers/{id}?force=true&v=true");
        let call = client::bodiless(Method::DELETE, &path);
        self.client.call(&self.url, call).await.map(drop)
    }
}

/// Sixteen random hex digits, for a name that was not used before.
pub fn digits() -> String {
    format!("{:016x}", fastrand::u64(..))
}

/// A name as long as `name`, with other digits at its end.
pub fn name_like(name: &str) -> String {
    let digits = digits();
    let kept = name.len().saturating_sub(digits.len());
    format!("{}{digits}", &name[..kept])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_differ_and_are_as_long_as_their_model() {
        let model = "bench-0123456789abcdef0123456789abcdef01234567";
        let (one, other) = (name_like(model), name_like(model));
        assert_ne!(one, other);
        assert_eq!(one.len(), model.len());
        assert!(one.starts_with("bench-"));
    }
}
