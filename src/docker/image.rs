//! `GET /images/{name}/json` (Engine API, ImageInspect).

use http::{Method, StatusCode};
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
    match reply.status() {
        200 => {
            // Any web server may answer 200. An Engine answers with the image's id.
            reply.text("Id")?;
            let body: Value = reply.json()?;
            let config = &body["Config"];
            let user = config["User"].as_str().unwrap_or_default();
            let listed = ["Labels", "Entrypoint", "Cmd"].map(|key| config[key].to_string());
            Ok(Some(Image {
                user: user.to_owned(),
                listed_bytes: listed.iter().map(String::len).sum(),
            }))
        }
        404 if reply.is_engines(StatusCode::NOT_FOUND) => Ok(None),
        _ => Err(reply.fault()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::docker::reply::tests::check_reads;

    #[test]
    fn only_an_engines_answer_says_present_or_absent_and_tells_the_user() {
        let agent = ImageReference::parse("agent").expect("an image");
        let (root, user) = (
            r#"Ok(Some(Image { user: "","#,
            r#"Ok(Some(Image { user: "1:0","#,
        );
        check_reads(
            &inspect(&agent),
            &[
                (200, r#"{"Id":"i","Other":1}"#, root),
                (200, r#"{"Id":"i","Config":null}"#, root),
                (200, r#"{"Id":"i","Config":{"User":"1:0"}}"#, user),
                (404, "No such image: agent", "Ok(None)"),
                (200, "{}", "Err"),
                (500, "m", "Err"),
            ],
        );
    }
}
