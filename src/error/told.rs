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
    /// The contents. If the status says that another try can help, the caller should make
    /// it after 30 seconds: by then a start in progress has certainly succeeded or failed,
    /// and a pull, a full server or a Swarm without enough nodes has had some time.
    pub fn new(
        (status, code): (StatusCode, &'static str),
        message: &'static str,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        let may_pass = [
            StatusCode::TOO_MANY_REQUESTS,
            StatusCode::SERVICE_UNAVAILABLE,
        ];
        Self {
            status,
            retry_after: may_pass.contains(&status).then_some(30),
            code,
            message,
            detail: detail.into(),
        }
    }

    /// The caller should try again soon, because its user is waiting.
    pub fn retry_soon(mut self) -> Self {
        self.retry_after = Some(10);
        self
    }
}
