//! Adds containers to an Engine and removes them, for the bench itself.

use anyhow::Result;
use futures_util::StreamExt;
use futures_util::stream;
use http::Method;
use serde_json::json;

use crate::client::{Call, Client};
use crate::unique;

/// How many containers are made at once: enough to keep two cores busy.
const AT_ONCE: usize = 8;

/// Ten years: no reaper then removes the crowd while it is measured.
const FAR_OFF_SECONDS: &str = "315360000";

/// An Engine that only this bench uses.
#[derive(Clone)]
pub struct Engine {
    /// Its address, `http://host:port`.
    pub url: String,
    /// The image of its containers.
    pub image: String,
    client: Client,
}

/// The owner of containers.
#[derive(Debug, Clone, Copy)]
pub enum Whose<'a> {
    /// A deployment that has created them and never started them.
    Deployment(&'a str),
    /// Somebody else.
    Foreign,
}

impl Engine {
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

    /// Creates `count` containers and starts none.
    pub async fn fill(&self, count: usize, whose: Whose<'_>) -> Result<()> {
        let making = (0..count).map(|_| self.make(whose));
        let mut made = stream::iter(making).buffer_unordered(AT_ONCE);
        while let Some(made) = made.next().await {
            made?;
        }
        Ok(())
    }

    async fn make(&self, whose: Whose<'_>) -> Result<()> {
        let (name, labels) = match whose {
            Whose::Foreign => (format!("foreign-{}", unique::digits()), json!({})),
            Whose::Deployment(deployment) => {
                let name = format!("{deployment}-{:0>40}", unique::digits());
                let labels = json!({
                    "dynamic-access.deployment": deployment,
                    "dynamic-access.name": name,
                    "dynamic-access.attempt": "0123456789abcdef0123456789abcdef",
                    "dynamic-access.service-url": "https://connect.bastionzero.com",
                    "dynamic-access.environment-id": "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0",
                    "dynamic-access.start-within": FAR_OFF_SECONDS,
                    "dynamic-access.max-lifetime": FAR_OFF_SECONDS,
                });
                (name, labels)
            }
        };
        let body = json!({"Image": self.image, "Labels": labels});
        let call = Call::json(format!("/containers/create?name={name}"), &body);
        let reply = self.client.send(&self.url, call).await?;
        reply.success("a container for the crowd")?;
        Ok(())
    }

    /// Removes a container.
    pub async fn remove(&self, id: &str) -> Result<()> {
        let path = format!("/containers/{id}?force=true&v=true");
        let call = Call::bodiless(Method::DELETE, path);
        self.client
            .send(&self.url, call)
            .await?
            .success("a removal")?;
        Ok(())
    }
}
