//! The body of a request, read only if its headers allow it.

use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};

use crate::error::RequestError;
use crate::platform::BodyError;

/// Checks the headers of a body that must be JSON of at most `limit` bytes, then reads it
/// with `read`.
///
/// # Errors
///
/// [`RequestError::NotJson`], [`RequestError::EncodedBody`], [`RequestError::BodyTooLarge`], or why the body could not be read.
pub async fn read<B>(headers: &HeaderMap, limit: usize, read: B) -> Result<Vec<u8>, RequestError>
where
    B: AsyncFnOnce(usize) -> Result<Vec<u8>, BodyError>,
{
    check(headers, limit)?;
    read(limit).await.map_err(|error| match error {
        BodyError::TooLarge => too_large(limit),
        BodyError::TooSlow => RequestError::BodyTooSlow,
        BodyError::CutOff => RequestError::BadBody("the body was cut off".to_owned()),
    })
}

/// Checks the headers of a body that must be JSON of at most `limit` bytes.
fn check(headers: &HeaderMap, limit: usize) -> Result<(), RequestError> {
    if !is_json(headers) {
        return Err(RequestError::NotJson);
    }
    if is_encoded(headers) {
        return Err(RequestError::EncodedBody);
    }
    if declared_length(headers).is_some_and(|length| length > limit) {
        return Err(too_large(limit));
    }
    Ok(())
}

/// The error for a body of more than `limit` bytes.
fn too_large(limit: usize) -> RequestError {
    RequestError::BodyTooLarge(limit / 1024)
}

/// Whether the body's type is `application/json` or `application/…+json`, with or
/// without parameters. A missing type counts as JSON, because the contract does
/// not require one.
fn is_json(headers: &HeaderMap) -> bool {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let (Some(first), None) = (types.next(), types.next()) else {
        return !headers.contains_key(CONTENT_TYPE);
    };
    let essence = first
        .to_str()
        .unwrap_or_default()
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    essence == "application/json"
        || (essence.starts_with("application/") && essence.ends_with("+json"))
}

/// Whether the body has a coding, such as gzip. This server supports none (RFC 9110,
/// section 8.4).
fn is_encoded(headers: &HeaderMap) -> bool {
    let codings = headers.get_all(CONTENT_ENCODING).iter();
    let mut codings = codings.flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    codings.any(|coding| {
        let coding = coding.trim_ascii();
        !coding.is_empty() && !coding.eq_ignore_ascii_case(b"identity")
    })
}

/// The declared length of the body, if it is a number. The reader of the body counts in
/// any case.
fn declared_length(headers: &HeaderMap) -> Option<usize> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    /// The outcome for a body of at most `max` bytes, with these values of one header.
    fn checked(name: &HeaderName, values: &[&str], max: usize) -> Result<(), RequestError> {
        let mut headers = HeaderMap::new();
        for value in values {
            let value = HeaderValue::from_bytes(value.as_bytes()).expect("a value");
            headers.append(name, value);
        }
        check(&headers, max)
    }

    #[test]
    fn a_body_is_json_unless_its_type_says_otherwise() {
        let json = "application/json";
        for (types, expected) in [
            (&[][..], Ok(())),
            (&[json], Ok(())),
            (&["Application/JSON; charset=utf-8"], Ok(())),
            (&["application/problem+json"], Ok(())),
            (&["text/plain"], Err(RequestError::NotJson)),
            (&["application/x-www-form"], Err(RequestError::NotJson)),
            (&[""], Err(RequestError::NotJson)),
            (&[json, json], Err(RequestError::NotJson)),
        ] {
            assert_eq!(checked(&CONTENT_TYPE, types, 9), expected, "{types:?}");
        }
    }

    #[test]
    fn a_body_with_a_coding_is_refused() {
        for (codings, expected) in [
            (&["identity"][..], Ok(())),
            (&["Identity, identity", ""], Ok(())),
            (&["gzip"], Err(RequestError::EncodedBody)),
            (&["identity, br"], Err(RequestError::EncodedBody)),
            (&["identity", "deflate"], Err(RequestError::EncodedBody)),
            (&["\u{e9}"], Err(RequestError::EncodedBody)),
        ] {
            let found = checked(&CONTENT_ENCODING, codings, 9);
            assert_eq!(found, expected, "{codings:?}");
        }
    }

    #[test]
    fn a_declared_length_is_a_number() {
        for (value, expected) in [
            ("65536", Ok(())),
            ("65537", Err(RequestError::BodyTooLarge(64))),
            ("-1", Ok(())),
            ("x", Ok(())),
        ] {
            let found = checked(&CONTENT_LENGTH, &[value], 64 * 1024);
            assert_eq!(found, expected, "{value}");
        }
    }
}
