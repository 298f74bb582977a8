//! Adds containers to an Engine and removes them, for the bench itself.

use anyhow::Result;
use futures_util::{StreamExt, TryStreamExt, stream};
use http::Method;
use serde_json::json;

use crate::client::{Call, Client};
use crate::server::DEPLOYMENT;
use crate::{given, unique};

/// How many containers or services are made at once: enough to keep two cores busy.
pub const AT_ONCE: usize = 8;

/// Ten years: no reaper then removes the crowd while it is measured.
pub const FAR_OFF_SECONDS: &str = "315360000";

/// An Engine that only this bench uses.
#[derive(Clone)]
pub struct Engine {
    /// Its address, `http://host:port`.
    pub url: String,
    /// The image of its containers.
    pub image: String,
    client: Client,
}

impl Engine {
    /// The Engine whose address is in this variable.
    pub fn given(variable: &str) -> Result<Self> {
        Ok(Self::new(&given(variable)?, &given("IMAGE")?))
    }

    /// The Engine at this address.
    pub fn new(url: &str, image: &str) -> Self {
        Self {
            url: url.to_owned(),
            image: image.to_owned(),
            client: Client::new(),
        }
    }

    /// Its version, for the report.
    pub async fn version(&self) -> Result<String> {
        let call = Call::bodiless(Method::GET, "/version");
        let reply = self.client.send(&self.url, call).await?;
        reply.success("the Engine's version")?.text("Version")
    }

    /// Adds to the crowd until it has `to` containers of the deployment and as many foreign ones, and starts none.
    pub async fn fill(&self, from: usize, to: usize) -> Result<()> {
        let making = (from..to).flat_map(|_| [self.make(true), self.make(false)]);
        let made = stream::iter(making).buffer_unordered(AT_ONCE);
        made.try_collect().await
    }

    async fn make(&self, is_ours: bool) -> Result<()> {
        let (mut name, mut labels) = (format!("foreign-{}", unique::digits()), json!({}));
        if is_ours {
            name = format!("{DEPLOYMENT}-{:0>40}", unique::digits());
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
        let body = json!({"Image": self.image, "Labels": labels});
        let call = Call::json(format!("/containers/create?name={name}"), &body);
        let reply = self.client.send(&self.url, call).await?;
        reply.success("a container for the crowd").map(drop)
    }

    /// Removes a container.
    pub async fn remove(&self, id: &str) -> Result<()> {
        let path = format!("/containers/{id}?force=true&v=true");
        let call = Call::bodiless(Method::DELETE, path);
        let reply = self.client.send(&self.url, call).await?;
        reply.success("a removal").map(drop)
    }
}
