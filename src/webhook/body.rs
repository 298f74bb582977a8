//! Parses the bodies of the webhooks. Nothing in them is trusted.

use http::Uri;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::docker::TargetId;
use crate::environment_id::{is_id, is_word};
use crate::error::RequestError;
use crate::order::StartOrder;
use crate::secret::Secret;

/// The longest body. The three fields take a few hundred bytes, and their limits add up
/// to less than 8 KiB.
pub const BODY_BYTES_MAX: usize = 64 * 1024;

/// The longest `activationToken`. BastionZero's tokens have 36 characters; a signed
/// token of another caller may have a few thousand.
const TOKEN_CHARS_MAX: usize = 4096;

/// The longest `serviceUrl`: what browsers and proxies accept.
const URL_CHARS_MAX: usize = 2048;

/// Parses the body of `/start`.
/// An error names the field and never shows its value.
pub fn parse_start(body: &[u8]) -> Result<StartOrder, RequestError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct StartBody {
        service_url: String,
        activation_token: String,
        environment_id: String,
    }
    let body: StartBody = parse(body)?;
    if !is_service_url(&body.service_url) {
        return Err(bad_field("serviceUrl is not an http or https URL"));
    }
    if !is_word(&body.activation_token, TOKEN_CHARS_MAX) {
        return Err(bad_field(
            "activationToken is empty, too long, or has a character that is not allowed",
        ));
    }
    if !is_id(&body.environment_id) {
        return Err(bad_field(
            "environmentId is empty, too long, or has a character that is not allowed",
        ));
    }
    Ok(StartOrder::of_webhook(
        body.service_url,
        Secret::new(body.activation_token),
        body.environment_id,
    ))
}

/// Parses the body of `/stop`.
pub fn parse_stop(body: &[u8]) -> Result<TargetId, RequestError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct StopBody {
        unique_id: String,
    }
    let body: StopBody = parse(body)?;
    TargetId::parse(&body.unique_id).ok_or(RequestError::BadUniqueId)
}

/// Parses a JSON object. Unknown members are ignored, because a later version of the
/// contract may add some. A known member that occurs twice is an error, because it is
/// unclear which one counts.
fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, RequestError> {
    // serde would accept an array with the fields in order.
    if !body.trim_ascii_start().starts_with(b"{") {
        return Err(bad_field("not a JSON object"));
    }
    serde_json::from_slice(body).map_err(|error| {
        // serde's own message may quote the value.
        let what = if error.is_data() {
            "a field is missing, given twice or not text"
        } else {
            "not JSON"
        };
        RequestError::BadBody(format!(
            "{what} (line {}, column {})",
            error.line(),
            error.column()
        ))
    })
}

fn bad_field(problem: &str) -> RequestError {
    RequestError::BadBody(problem.to_owned())
}

/// Whether a text can be a `serviceUrl`.
pub fn is_service_url(text: &str) -> bool {
    let parsed = text.parse::<Uri>().ok();
    text.len() <= URL_CHARS_MAX
        && text.bytes().all(|byte| byte.is_ascii_graphic())
        && parsed.is_some_and(|uri| {
            matches!(uri.scheme_str(), Some("http" | "https"))
                && uri.host().is_some_and(|host| !host.is_empty())
        })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::docker::target::tests::ID;

    fn start_body(changes: &[(&str, Value)]) -> Vec<u8> {
        let mut body = json!({
            "serviceUrl": "https://cloud.bastionzero.com/",
            "activationToken": "4b6f52b5-4f2b-4d55-8a0e-2f1c7a3a9d10",
            "environmentId": "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0",
        });
        for (field, value) in changes {
            body[*field] = value.clone();
        }
        body.to_string().into_bytes()
    }

    #[test]
    fn a_start_is_parsed_and_unknown_members_are_ignored() {
        let body = start_body(&[("later", json!({"version": [1]}))]);
        let order = parse_start(&body).expect("an order");
        let url = order.service_url.as_deref();
        assert_eq!(url, Some("https://cloud.bastionzero.com/"));
        let token = Secret::new("4b6f52b5-4f2b-4d55-8a0e-2f1c7a3a9d10");
        assert_eq!(order.activation_token(), Some(&token));
        assert_eq!(order.key, crate::key::Key::ActivationToken(token));
        assert_eq!(order.environment_id, "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0");
    }

    #[test]
    fn a_field_that_a_shell_or_an_option_parser_could_misread_is_refused() {
        let long = "x".repeat(5000);
        let texts = [
            "",
            " ",
            "-key",
            "x -key",
            "$(reboot)",
            "a\u{0}",
            "a\nb",
            "é",
            &long,
        ];
        let others = [json!(null), json!(7), json!(["x"])];
        for field in ["serviceUrl", "activationToken", "environmentId"] {
            for value in texts.map(Value::from).into_iter().chain(others.clone()) {
                let body = start_body(&[(field, value.clone())]);
                let error = parse_start(&body).expect_err(field);
                assert!(matches!(error, RequestError::BadBody(_)), "{field} {value}");
            }
        }
        for url in ["ftp://host", "//host", "/path", "https://", "https:host"] {
            let body = start_body(&[("serviceUrl", json!(url))]);
            parse_start(&body).expect_err(url);
        }
    }

    #[test]
    fn a_body_that_is_not_an_object_with_each_field_once_is_refused() {
        let deep = "[".repeat(60_000);
        let listed = format!(r#"["{ID}"]"#);
        let twice = format!(r#"{{"uniqueId":"{ID}","uniqueId":"{ID}"}}"#);
        let half = format!(r#"{{"uniqueId":"{ID}""#);
        for body in [
            "", "null", &listed, "[]", "{}", "{", "\0", &deep, &twice, &half,
        ] {
            let error = parse_stop(body.as_bytes()).expect_err("an error");
            assert!(matches!(error, RequestError::BadBody(_)), "{error:?}");
        }
        parse_stop(&[0xff, 0xfe]).expect_err("an error");
        let short = parse_stop(br#"{"uniqueId":"0123"}"#);
        assert_eq!(short, Err(RequestError::BadUniqueId));
    }
}
