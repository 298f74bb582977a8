//! The order in which one request is handled.
//!
//! Authentication comes first, on every path; then the route and whether it is open to
//! the caller, the variables, the body, and the work. A request refused before the work
//! costs no call to the Engine.

use std::cell::RefCell;
use std::time::Duration;

use http::Method;
use http::request::Parts;

use crate::after_answer::{AfterAnswer, Work};
use crate::audit::{self, Event};
use crate::auth::{self, Secrets};
use crate::backend::Backend;
use crate::budget::Budget;
use crate::call_notes::Calls;
use crate::caller::Caller;
use crate::config::{Config, Variables};
use crate::engine::Engine;
use crate::error::Error;
use crate::handlers::{self, Handled};
use crate::log_line::{self, LogLine};
use crate::platform::{BodyError, HttpResponse, Platform, TRACEPARENT};
use crate::provision::Provisioner;
use crate::route::{self, Route};
use crate::{answer, page, request_body};

/// An answer, its log lines, and the work after it.
#[derive(Debug)]
pub struct Answer {
    /// For the caller.
    pub response: HttpResponse,
    /// For the log: the line of the request, and one for each other event; without line
    /// breaks.
    pub lines: Vec<String>,
    /// The work after the answer.
    pub after: Option<AfterAnswer>,
}

/// Answers one request.
///
/// `read_body` reads the body, up to a number of bytes, and is called only if the body is
/// needed.
pub async fn serve<P, V, B>(platform: &P, variables: &V, head: &Parts, read_body: B) -> Answer
where
    P: Platform,
    V: Variables,
    B: AsyncFnOnce(usize) -> Result<Vec<u8>, BodyError>,
{
    let arrived = platform.now();
    let request = Request {
        platform,
        variables,
        head,
        arrived,
        budget: Budget::starting(arrived),
        calls: RefCell::default(),
    };
    let mut seen = Seen::default();
    let handled = request.handle(&mut seen, read_body).await;
    let handled = handled.unwrap_or_else(|error| Err(error).into());
    request.answer(seen, handled)
}

struct Request<'a, P, V> {
    platform: &'a P,
    variables: &'a V,
    head: &'a Parts,
    arrived: Duration,
    budget: Budget,
    calls: RefCell<Calls>,
}

/// How far a request got before its handler.
#[derive(Default)]
struct Seen {
    caller: Option<Caller>,
    route: Option<Route>,
    config: Option<Config>,
}

impl<P: Platform, V: Variables> Request<'_, P, V> {
    async fn handle<B>(&self, seen: &mut Seen, read_body: B) -> Result<Handled, Error>
    where
        B: AsyncFnOnce(usize) -> Result<Vec<u8>, BodyError>,
    {
        let route = self.route(&mut seen.caller)?;
        let route = seen.route.insert(route);
        let config = Config::parse(self.variables).map_err(Error::Misconfigured)?;
        let config = seen.config.insert(config);
        let engine = Engine::new(self.platform, config, &self.calls, self.budget.work_until);
        let provisioner = Provisioner {
            platform: self.platform,
            config,
            backend: Backend::new(engine),
            budget: self.budget,
        };
        let headers = &self.head.headers;
        let body = |limit| request_body::read(headers, limit, read_body);
        handlers::handle(&provisioner, route, headers, body).await
    }

    /// The route of the request, if it is open to the caller.
    fn route(&self, seen: &mut Option<Caller>) -> Result<Route, Error> {
        let secrets = Secrets::read(self.variables).map_err(Error::Misconfigured)?;
        let caller = secrets.authenticate(&self.head.headers)?;
        *seen = Some(caller);
        route::route(self.head, &secrets, caller)
    }

    /// The id of the caller's trace; `None` while the body is not known: a token in it
    /// may have the same digits.
    fn trace(&self, handled: &Handled) -> Option<&str> {
        let has_body = !matches!(
            self.head.method,
            Method::GET | Method::HEAD | Method::DELETE
        );
        let traceparent = self.head.headers.get(TRACEPARENT)?;
        let is_safe = !has_body || handled.body_secrets.is_some();
        audit::trace_id(traceparent.to_str().ok()?).filter(|_| is_safe)
    }

    fn answer(&self, seen: Seen, mut handled: Handled) -> Answer {
        let random = self.platform.random();
        let request_id = request_id(random);
        let mut secrets = auth::given(&self.head.headers);
        secrets.extend(seen.config.iter().flat_map(Config::secrets));
        let trace = self.trace(&handled);
        secrets.extend(handled.body_secrets.take().unwrap_or_default());
        let (response, error) = match handled.outcome {
            Ok(response) => (response, None),
            Err(error) => {
                let response = match (&seen.route, &seen.config) {
                    (Some(Route::Page { .. }), Some(config)) => {
                        page::failure(config, &error, &request_id)
                    }
                    _ => {
                        let content_type = route::problem_type(&self.head.uri);
                        answer::failed(&error, &request_id, content_type)
                    }
                };
                (response, Some(error))
            }
        };
        let response = answer::sent(response, &self.head.method);
        let line = LogLine {
            request_id: &request_id,
            route: route::known_path(&self.head.uri).unwrap_or("-"),
            status: Some(response.status().as_u16()),
            took: self.platform.now().saturating_sub(self.arrived),
            caller: seen.caller,
            event: Event::of(seen.route.as_ref(), error.as_ref(), handled.is_unsafe),
            subject: &handled.subject,
            trace,
            calls: &self.calls.borrow(),
            notes: &handled.notes,
            error: error.as_ref(),
            secrets: &secrets,
        };
        let reaped = handled.reap.iter();
        let reaped = reaped
            .flat_map(|report| log_line::reap_lines(&request_id, seen.caller, report, &secrets));
        let lines = std::iter::once(line.to_json()).chain(reaped).collect();
        let work = seen
            .route
            .and_then(|route| Work::after(&route, error.as_ref(), random));
        let after = work.zip(seen.config).map(|(work, config)| AfterAnswer {
            work,
            config,
            budget: self.budget,
            request_id,
        });
        Answer {
            response,
            lines,
            after,
        }
    }
}

/// A random UUID (RFC 9562, section 5.4).
fn request_id(random: u128) -> String {
    let id = uuid::Builder::from_random_bytes(random.to_be_bytes());
    id.into_uuid().to_string()
}
