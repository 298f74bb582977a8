//! The routes, and to whom each is open.

use std::time::Duration;

use http::header::ORIGIN;
use http::request::Parts;
use http::{HeaderMap, Method, Uri};

use crate::auth::Secrets;
use crate::caller::Caller;
use crate::caller::Role::{self, Api, Operator, Webhook};
use crate::docker::TargetId;
use crate::error::{CallerError, Error, RequestError, TargetError};
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

/// A route: its method, its path, the roles to whom it is open, and how a request is read.
type Row = (&'static str, &'static str, &'static [Role], Read);

type Read = fn(&Asked<'_>) -> Result<Route, Error>;

/// The first path that fits counts: an id may be any text until it is read.
const ROUTES: [Row; 13] = [
    ("POST", "/start", &[Webhook], |_| Ok(Route::Start)),
    ("POST", "/stop", &[Webhook], |_| Ok(Route::Stop)),
    ("GET", "/health", &[Webhook, Api], |_| Ok(Route::Health)),
    ("POST", "/reap", &[Webhook, Api], |asked| asked.reap()),
    ("GET", "/v1/targets", READERS, |asked| {
        Ok(Route::ListTargets(query::filter(asked.query)?))
    }),
    ("POST", "/v1/targets", &[Api], |asked| {
        let wait = query::start(asked.query)?;
        Ok(Route::StartTarget { wait })
    }),
    ("GET", "/v1/targets/{id}/wait", READERS, |asked| {
        asked.wait()
    }),
    ("POST", "/v1/targets/{id}/renew", &[Api], |asked| {
        Ok(Route::RenewTarget(asked.id_alone()?))
    }),
    ("DELETE", "/v1/targets/{id}", &[Api], |asked| {
        Ok(Route::StopTarget(asked.id_alone()?))
    }),
    ("GET", "/v1/targets/{id}", READERS, |asked| {
        Ok(Route::ShowTarget(asked.id_alone()?))
    }),
    ("GET", "/v1/openapi.json", READERS, |asked| {
        query::none(asked.query)?;
        Ok(Route::OpenApi)
    }),
    ("GET", "/metrics", READERS, |_| Ok(Route::Metrics)),
    ("GET", "/", &[Operator], |asked| {
        let environment = query::page(asked.query)?;
        Ok(Route::Page { environment })
    }),
];

/// Who may read targets.
const READERS: &[Role] = &[Api, Operator];

/// The parts of a request that its route needs.
struct Asked<'a> {
    /// The text at the place of `{id}`.
    id: &'a str,
    query: Option<&'a str>,
}

impl Asked<'_> {
    fn id(&self) -> Result<TargetId, TargetError> {
        TargetId::parse(self.id).ok_or(TargetError::NoSuchTarget)
    }

    fn id_alone(&self) -> Result<TargetId, Error> {
        query::none(self.query)?;
        Ok(self.id()?)
    }

    fn reap(&self) -> Result<Route, Error> {
        match self.query {
            None => Ok(Route::Reap { dry_run: false }),
            Some("dry_run=1") => Ok(Route::Reap { dry_run: true }),
            // Any other query may be a misspelt dry run, which must not remove anything.
            Some(_) => {
                let sentence = "The query of a reap is dry_run=1, and nothing else.";
                Err(RequestError::BadQuery(sentence).into())
            }
        }
    }

    fn wait(&self) -> Result<Route, Error> {
        let (awaited, timeout) = query::wait(self.query)?;
        let id = self.id()?;
        Ok(Route::WaitForTarget {
            id,
            awaited,
            timeout,
        })
    }
}

/// The routes of the path of `uri`, and the text at the place of their `{id}`.
fn routes_of(uri: &Uri) -> Option<(Vec<&'static Row>, &str)> {
    let id_in = |pattern: &str| match pattern.split_once("{id}") {
        Some((before, after)) => uri.path().strip_prefix(before)?.strip_suffix(after),
        None => (pattern == uri.path()).then_some(""),
    };
    let first = |(_, path, ..): &Row| Some((*path, id_in(path)?));
    let (path, id) = ROUTES.iter().find_map(first)?;
    let rows = ROUTES.iter().filter(|(_, other, ..)| *other == path);
    Some((rows.collect(), id))
}

/// The path of `uri` as the log shows it, if this server has it.
pub fn known_path(uri: &Uri) -> Option<&'static str> {
    routes_of(uri).map(|(rows, _)| rows[0].1)
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

/// The route of a request, if it is open to the caller.
pub fn route(head: &Parts, secrets: &Secrets, caller: Caller) -> Result<Route, Error> {
    let (rows, id) = routes_of(&head.uri).ok_or(RequestError::UnknownPath)?;
    // A path exists if a secret opens it. With either secret of `/v1`, all of its paths
    // exist: where the caller may not act, the answer is 403, not 404.
    let is_served = rows.iter().any(|(_, path, roles, _)| {
        let is_of_v1 = path.starts_with("/v1/") && secrets.has(Operator);
        is_of_v1 || roles.iter().any(|role| secrets.has(*role))
    });
    if !is_served {
        return Err(RequestError::UnknownPath.into());
    }
    // A `HEAD` is a `GET` whose answer has no body.
    let is_read = matches!(head.method, Method::GET | Method::HEAD);
    let method = if is_read { "GET" } else { head.method.as_str() };
    let Some((.., roles, read)) = rows.iter().find(|(known, ..)| *known == method) else {
        let allow: Vec<_> = rows.iter().map(|(known, ..)| *known).collect();
        let allow = allow.join(", ").replace("GET", "GET, HEAD");
        return Err(RequestError::WrongMethod(allow).into());
    };
    let query = head.uri.query();
    let route = read(&Asked { id, query })?;
    if !roles.contains(&caller.role) {
        return Err(CallerError::NotPermitted(caller).into());
    }
    if !is_read && is_from_browser(&head.headers) {
        return Err(CallerError::CrossSite.into());
    }
    Ok(route)
}

/// Whether a browser sent the request. Browsers mark every request that can change
/// something (Fetch standard; Fetch Metadata), and people in a browser only read, so a
/// marked one came from a page of another site.
fn is_from_browser(headers: &HeaderMap) -> bool {
    headers.contains_key(ORIGIN) || headers.contains_key(SEC_FETCH_SITE)
}

#[cfg(test)]
mod tests;
