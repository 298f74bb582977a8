//! Invalid requests.

use http::StatusCode;

use super::Told;

/// Why a request is invalid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequestError {
    /// Holds the field and the problem.
    BadBody(String),
    /// The same under `/v1`: holds a sentence that names the member.
    BadField(&'static str),
    BadIdempotencyKey,
    BadUniqueId,
    /// Holds a sentence about the queries that the route accepts.
    BadQuery(&'static str),
    BodyTooSlow,
    /// Holds the limit in KiB.
    BodyTooLarge(usize),
    NotJson,
    EncodedBody,
    UnknownPath,
    /// Holds the methods that the route has.
    WrongMethod(String),
}

impl RequestError {
    pub(super) fn told(&self) -> Told {
        match self {
            Self::BadBody(detail) => Told::new(
                (StatusCode::BAD_REQUEST, "bad_body"),
                "The request body is not a JSON object with valid text fields for this webhook.",
                format!("invalid body: {detail}"),
            ),
            Self::BadField(sentence) => Told::new(
                (StatusCode::BAD_REQUEST, "bad_body"),
                sentence,
                format!("invalid body: {sentence}"),
            ),
            Self::BadIdempotencyKey => Told::new(
                (StatusCode::BAD_REQUEST, "bad_idempotency_key"),
                "The header Idempotency-Key must be given once, with 1 to 255 visible ASCII characters.",
                "the header Idempotency-Key is missing, given twice or invalid",
            ),
            Self::BadUniqueId => Told::new(
                (StatusCode::BAD_REQUEST, "bad_unique_id"),
                "The uniqueId does not have the form of this server's ids.",
                "invalid body: uniqueId is neither 64 lower-case hex digits nor, as on a Swarm, 25 lower-case letters and digits",
            ),
            Self::BadQuery(sentence) => Told::new(
                (StatusCode::BAD_REQUEST, "bad_query"),
                sentence,
                format!("invalid query: {sentence}"),
            ),
            Self::BodyTooSlow => Told::new(
                (StatusCode::REQUEST_TIMEOUT, "body_too_slow"),
                "The request body did not arrive in time.",
                "the body did not arrive in time",
            ),
            Self::BodyTooLarge(kib) => Told::new(
                (StatusCode::PAYLOAD_TOO_LARGE, "body_too_large"),
                match kib {
                    64 => "The request body is larger than 64 KiB.",
                    _ => "The request body is too large.",
                },
                format!("the body is larger than {kib} KiB"),
            ),
            Self::NotJson => Told::new(
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, "not_json"),
                "The request body must be application/json.",
                "the Content-Type is not JSON",
            ),
            Self::EncodedBody => Told::new(
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, "encoded_body"),
                "The request body must not have a Content-Encoding.",
                "the body has a Content-Encoding",
            ),
            Self::UnknownPath => Told::new(
                (StatusCode::NOT_FOUND, "unknown_path"),
                "This server has no such route.",
                "unknown path",
            ),
            Self::WrongMethod(allow) => Told::new(
                (StatusCode::METHOD_NOT_ALLOWED, "wrong_method"),
                "This route requires another method.",
                format!("wrong method; this path takes {allow}"),
            ),
        }
    }
}
