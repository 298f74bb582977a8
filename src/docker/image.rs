//! `GET /images/{name}/json` (Engine API, ImageInspect).

use http::{Method, StatusCode};

use super::call::Call;
use super::{ImageReference, Reply, bodiless};
use crate::fault::Fault;

/// Whether an image is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Image {
    /// The next create can use it.
    Present,
    /// The next create would fail.
    Absent,
}

/// Asks whether the Engine has an image.
pub fn inspect(image: &ImageReference) -> Call<Image> {
    let path = format!("/images/{}/json", image.as_str());
    Call::look("image", bodiless(Method::GET, &path), inspected)
}

fn inspected(reply: &Reply) -> Result<Image, Fault> {
    match reply.status() {
        200 => {
            // Any web server answers 200 to something. An Engine answers with
            // the image's id.
            reply.text("Id")?;
            Ok(Image::Present)
        }
        404 if reply.is_engines(StatusCode::NOT_FOUND) => Ok(Image::Absent),
        _ => Err(reply.fault()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::docker::reply::tests::reply;

    #[test]
    fn the_reference_stands_in_the_path_as_it_is() {
        let image = ImageReference::parse("registry.example.com:5000/a/b:1").expect("an image");
        assert_eq!(
            inspect(&image).request.uri().to_string(),
            "/images/registry.example.com:5000/a/b:1/json"
        );
    }

    #[test]
    fn only_an_engines_answer_says_present_or_absent() {
        let present = inspected(&reply(200, r#"{"Id":"sha256:0","Other":1}"#));
        assert_eq!(present, Ok(Image::Present));
        let absent = inspected(&reply(404, r#"{"message":"No such image: agent"}"#));
        assert_eq!(absent, Ok(Image::Absent));
        for (status, body) in [
            (200, "OK"),
            (200, "{}"),
            (404, "<html>"),
            (500, r#"{"message":"m"}"#),
        ] {
            inspected(&reply(status, body)).expect_err(body);
        }
    }
}
