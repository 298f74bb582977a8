//! The routes, and to whom each is open.
//!
//! | routes | open to |
//! |---|---|
//! | `/start`, `/stop` | `webhook_secret` |
//! | `/health`, `/reap` | `webhook_secret`, `api_secret` |
//! | `/v1/…`, `/metrics` | `api_secret`; reads also `operator_secret` |
//! | `/` | `operator_secret` |

use std::time::Duration;

use http::header::ORIGIN;
use http::request::Parts;
use http::{HeaderMap, Method, Uri};

use crate::auth::Secrets;
use crate::caller::Role;
use crate::docker::TargetId;
use crate::error::{Error, RequestError, TargetError};
use crate::platform::SEC_FETCH_SITE;
use crate::query;
use crate::target_view::{Awaited, Filter};

/// The route of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// `POST /start`
    Start,
    /// `POST /stop`
    Stop,
    /// `GET /health`
    Health,
    /// `POST /reap`, for an operator's scheduler, or a program that calls no webhook
    Reap {
        /// `?dry_run=1`: only names the containers.
        dry_run: bool,
    },
    /// `GET /v1/targets`
    ListTargets(Filter),
    /// `POST /v1/targets`
    StartTarget {
        /// `?wait=`: how long the answer may wait for a ready target.
        wait: Option<Duration>,
    },
    /// `GET /v1/targets/{id}`
    ShowTarget(TargetId),
    /// `GET /v1/targets/{id}/wait`
    WaitForTarget {
        /// The target.
        id: TargetId,
        /// `?for=`
        awaited: Awaited,
        /// `&timeout=`
        timeout: Duration,
    },
    /// `DELETE /v1/targets/{id}`
    StopTarget(TargetId),
    /// `POST /v1/targets/{id}/renew`
    RenewTarget(TargetId),
    /// `GET /v1/openapi.json`
    OpenApi,
    /// `GET /metrics`
    Metrics,
    /// `GET /`
    Page {
        /// `?environment=`: only the targets of this one.
        environment: Option<String>,
    },
}

impl Route {
    /// Whether a request changes something.
    pub fn is_change(&self) -> bool {
        match self {
            Self::Start
            | Self::Stop
            | Self::Reap { .. }
            | Self::StartTarget { .. }
            | Self::StopTarget(_)
            | Self::RenewTarget(_) => true,
            Self::Health
            | Self::ListTargets(_)
            | Self::ShowTarget(_)
            | Self::WaitForTarget { .. }
            | Self::OpenApi
            | Self::Metrics
            | Self::Page { .. } => false,
        }
    }

    /// Whether the route is open to a role.
    pub fn is_open_to(&self, role: Role) -> bool {
        match self {
            Self::Start | Self::Stop => role == Role::Webhook,
            Self::Health | Self::Reap { .. } => matches!(role, Role::Webhook | Role::Api),
            Self::StartTarget { .. } | Self::StopTarget(_) | Self::RenewTarget(_) => {
                role == Role::Api
            }
            Self::ListTargets(_)
            | Self::ShowTarget(_)
            | Self::WaitForTarget { .. }
            | Self::OpenApi
            | Self::Metrics => matches!(role, Role::Api | Role::Operator),
            Self::Page { .. } => role == Role::Operator,
        }
    }
}

/// A path of this server. Its name is for the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Path<'a> {
    Start,
    Stop,
    Health,
    Reap,
    Targets,
    Target(&'a str),
    Wait(&'a str),
    Renewal(&'a str),
    OpenApi,
    Metrics,
    Page,
}

impl<'a> Path<'a> {
    fn of(uri: &'a Uri) -> Option<Self> {
        Some(match uri.path() {
            "/start" => Self::Start,
            "/stop" => Self::Stop,
            "/health" => Self::Health,
            "/reap" => Self::Reap,
            "/v1/targets" => Self::Targets,
            "/v1/openapi.json" => Self::OpenApi,
            "/metrics" => Self::Metrics,
            "/" => Self::Page,
            other => {
                let target = other.strip_prefix("/v1/targets/")?;
                let wait = target.strip_suffix("/wait").map(Self::Wait);
                let renewal = target.strip_suffix("/renew").map(Self::Renewal);
                wait.or(renewal).unwrap_or(Self::Target(target))
            }
        })
    }

    fn name(self) -> &'static str {
        match self {
            Self::Start => "/start",
            Self::Stop => "/stop",
            Self::Health => "/health",
            Self::Reap => "/reap",
            Self::Targets => "/v1/targets",
            Self::Target(_) => "/v1/targets/{id}",
            Self::Wait(_) => "/v1/targets/{id}/wait",
            Self::Renewal(_) => "/v1/targets/{id}/renew",
            Self::OpenApi => "/v1/openapi.json",
            Self::Metrics => "/metrics",
            Self::Page => "/",
        }
    }

    /// The methods that it accepts. `HEAD` is a `GET` whose answer has no body.
    fn allow(self) -> &'static str {
        match self {
            Self::Start | Self::Stop | Self::Reap | Self::Renewal(_) => "POST",
            Self::Health | Self::Wait(_) | Self::OpenApi | Self::Metrics | Self::Page => {
                "GET, HEAD"
            }
            Self::Targets => "GET, HEAD, POST",
            Self::Target(_) => "DELETE, GET, HEAD",
        }
    }

    /// Whether it exists: any route except a webhook needs a secret that opens it.
    fn is_served(self, secrets: &Secrets) -> bool {
        match self {
            Self::Start | Self::Stop | Self::Health | Self::Reap => true,
            Self::Page => secrets.has(Role::Operator),
            Self::Targets
            | Self::Target(_)
            | Self::Wait(_)
            | Self::Renewal(_)
            | Self::OpenApi
            | Self::Metrics => secrets.has(Role::Api) || secrets.has(Role::Operator),
        }
    }
}

/// The path of `uri` as the log shows it, if this server has it.
pub fn known_path(uri: &Uri) -> Option<&'static str> {
    Path::of(uri).map(Path::name)
}

/// The type of the bodies of failures: problem details (RFC 9457) under `/v1`, and plain
/// JSON elsewhere, as in BastionZero's contract.
pub fn problem_type(uri: &Uri) -> &'static str {
    if uri.path().starts_with("/v1/") {
        "application/problem+json"
    } else {
        "application/json"
    }
}

/// The route of a request.
///
/// # Errors
///
/// The problem with the path, the method or the query.
pub fn route(head: &Parts, secrets: &Secrets) -> Result<Route, Error> {
    let path = Path::of(&head.uri)
        .filter(|path| path.is_served(secrets))
        .ok_or(RequestError::UnknownPath)?;
    let allow = path.allow();
    if !allow
        .split(", ")
        .any(|method| method == head.method.as_str())
    {
        return Err(RequestError::WrongMethod { allow }.into());
    }
    let query = head.uri.query();
    let is_get = matches!(head.method, Method::GET | Method::HEAD);
    Ok(match path {
        Path::Health => Route::Health,
        Path::Reap => match query {
            None => Route::Reap { dry_run: false },
            Some("dry_run=1") => Route::Reap { dry_run: true },
            // Any other query may be a misspelt dry run, which must not remove anything.
            Some(_) => {
                let sentence = "The query of a reap is dry_run=1, and nothing else.";
                return Err(RequestError::BadQuery(sentence).into());
            }
        },
        Path::Targets if is_get => Route::ListTargets(query::filter(query)?),
        Path::Page => Route::Page {
            environment: query::page(query)?,
        },
        Path::Wait(id) => {
            let (awaited, timeout) = query::wait(query)?;
            Route::WaitForTarget {
                id: target_id(id)?,
                awaited,
                timeout,
            }
        }
        Path::Target(id) => {
            query::none(query)?;
            let id = target_id(id)?;
            if is_get {
                Route::ShowTarget(id)
            } else {
                Route::StopTarget(id)
            }
        }
        Path::Renewal(id) => {
            query::none(query)?;
            Route::RenewTarget(target_id(id)?)
        }
        Path::OpenApi => {
            query::none(query)?;
            Route::OpenApi
        }
        Path::Metrics => Route::Metrics,
        Path::Start => Route::Start,
        Path::Stop => Route::Stop,
        Path::Targets => Route::StartTarget {
            wait: query::start(query)?,
        },
    })
}

fn target_id(text: &str) -> Result<TargetId, TargetError> {
    TargetId::parse(text).ok_or(TargetError::NoSuchTarget)
}

/// Whether a browser sent the request. Browsers mark every request that can change
/// something (Fetch standard; Fetch Metadata), and people in a browser only read, so a
/// marked one came from a page of another site.
pub fn is_from_browser(headers: &HeaderMap) -> bool {
    headers.contains_key(ORIGIN) || headers.contains_key(SEC_FETCH_SITE)
}

#[cfg(test)]
mod tests;
