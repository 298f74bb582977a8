//! `GET /images/{name}/json` (Engine API, ImageInspect).

use http::Method;
use serde_json::Value;

use super::call::Call;
use super::{ImageReference, Reply, bodiless};
use crate::fault::Fault;

/// An image that the Engine has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// The user of its containers, unless their own configuration names another; empty
    /// for root.
    pub user: String,
    /// The bytes of JSON that a list repeats for each of its containers: its labels,
    /// entrypoint and command.
    pub listed_bytes: usize,
}

/// Asks whether the Engine has an image; without it, the next create would fail.
pub fn inspect(image: &ImageReference) -> Call<Option<Image>> {
    let path = format!("/images/{}/json", image.as_str());
    Call::look("image", bodiless(Method::GET, &path), inspected)
}

fn inspected(reply: &Reply) -> Result<Option<Image>, Fault> {
    reply.found(|| {
        // Any web server may answer 200. An Engine answers with the image's id.
        reply.text("Id")?;
        let body: Value = reply.json()?;
        let config = &body["Config"];
        let user = config["User"].as_str().unwrap_or_default();
        let listed = ["Labels", "Entrypoint", "Cmd"].map(|key| config[key].to_string());
        Ok(Image {
            user: user.to_owned(),
            listed_bytes: listed.iter().map(String::len).sum(),
        })
    })
}
