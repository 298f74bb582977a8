//! The contents of an error, for its caller and for the log.

use std::borrow::Cow;

use http::StatusCode;

/// The contents of one error. No text contains a token, a secret, a header or a body.
#[derive(Debug)]
pub struct Told {
    /// The status of the answer.
    pub status: StatusCode,
    /// Seconds after which the caller should try again, where that can help.
    pub retry_after: Option<u32>,
    /// A word for the error that never changes, for programs that read the log.
    pub code: &'static str,
    /// The sentence for the caller, always the same. BastionZero shows it to the person
    /// who is connecting.
    pub message: &'static str,
    /// The detail for the log, and the variable or the command that fixes the problem.
    pub detail: Cow<'static, str>,
}

impl Told {
    /// The contents, without a time to try again.
    pub fn new(
        status: StatusCode,
        code: &'static str,
        message: &'static str,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            status,
            retry_after: None,
            code,
            message,
            detail: detail.into(),
        }
    }

    /// The caller should try again soon, because its user is waiting.
    pub fn retry_soon(self) -> Self {
        let retry_after = Some(10);
        Self {
            retry_after,
            ..self
        }
    }

    /// The caller should try again later: after 30 seconds a start in progress has
    /// certainly succeeded or failed, and a pull or a full server has had some time.
    pub fn retry_later(self) -> Self {
        let retry_after = Some(30);
        Self {
            retry_after,
            ..self
        }
    }
}
