//! Callers without permission.

use http::StatusCode;

use super::Told;
use crate::caller::Caller;

/// Why a caller was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallerError {
    /// The credentials are wrong. The reason is for the log only.
    Unauthorized(&'static str),
    /// The secret does not open this route.
    NotPermitted(Caller),
    /// A browser sent a request that would change something.
    CrossSite,
}

impl CallerError {
    pub(super) fn told(&self) -> Told {
        match self {
            Self::Unauthorized(detail) => Told::new(
                (StatusCode::UNAUTHORIZED, "unauthorized"),
                "The credentials are missing or wrong.",
                format!("unauthorized: {detail}"),
            ),
            Self::NotPermitted(caller) => Told::new(
                (StatusCode::FORBIDDEN, "not_permitted"),
                "These credentials do not open this route.",
                format!("{caller} does not open this route"),
            ),
            Self::CrossSite => Told::new(
                (StatusCode::FORBIDDEN, "cross_site"),
                "A browser may not send this request.",
                "a browser has sent this request (it has Origin or Sec-Fetch-Site), so a page of another site may have made it",
            ),
        }
    }
}
