//! The body of a request, read only if its headers allow it.

use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};

use crate::error::RequestError;
use crate::platform::BodyError;

/// Checks the headers of a body that must be JSON of at most `limit` bytes, then reads it
/// with `read`.
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
    use http::HeaderValue;

    use super::*;

    #[test]
    fn a_body_is_read_only_if_its_headers_allow_it() {
        const NOT_JSON: Result<(), RequestError> = Err(RequestError::NotJson);
        const ENCODED: Result<(), RequestError> = Err(RequestError::EncodedBody);
        const LARGE: Result<(), RequestError> = Err(RequestError::BodyTooLarge(64));
        let json = "application/json";
        for (name, values, expected) in [
            (CONTENT_TYPE, &[][..], Ok(())),
            (CONTENT_TYPE, &[json], Ok(())),
            (CONTENT_TYPE, &["Application/JSON; charset=utf-8"], Ok(())),
            (CONTENT_TYPE, &["application/problem+json"], Ok(())),
            (CONTENT_TYPE, &["text/plain"], NOT_JSON),
            (CONTENT_TYPE, &["application/x-json"], NOT_JSON),
            (CONTENT_TYPE, &[""], NOT_JSON),
            (CONTENT_TYPE, &[json, json], NOT_JSON),
            (CONTENT_ENCODING, &["identity"], Ok(())),
            (CONTENT_ENCODING, &["Identity, identity", ""], Ok(())),
            (CONTENT_ENCODING, &["gzip"], ENCODED),
            (CONTENT_ENCODING, &["identity, br"], ENCODED),
            (CONTENT_ENCODING, &["identity", "deflate"], ENCODED),
            (CONTENT_ENCODING, &["\u{e9}"], ENCODED),
            (CONTENT_LENGTH, &["65536"], Ok(())),
            (CONTENT_LENGTH, &["65537"], LARGE),
            (CONTENT_LENGTH, &["-1"], Ok(())),
            (CONTENT_LENGTH, &["x"], Ok(())),
        ] {
            let mut headers = HeaderMap::new();
            for value in values {
                let value = HeaderValue::from_bytes(value.as_bytes()).expect("a value");
                headers.append(&name, value);
            }
            assert_eq!(check(&headers, 64 * 1024), expected, "{name} {values:?}");
        }
    }
}
