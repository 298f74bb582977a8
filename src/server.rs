//! The order in which one request is handled.
//!
//! Authentication comes first, on every path; then the route and whether it is open
//! to the caller, the variables, the body, and the work. A request that is refused before the work costs no
//! call to the Engine.

use std::cell::RefCell;
use std::time::Duration;

use http::Method;
use http::request::Parts;

use crate::after_answer::{AfterAnswer, Work};
use crate::audit::{self, Event, Subject};
use crate::auth::{self, Secrets};
use crate::budget::Budget;
use crate::call_notes::Calls;
use crate::caller::Caller;
use crate::config::{Config, Variables};
use crate::docker::TargetId;
use crate::docker::list::Listed;
use crate::engine::Engine;
use crate::error::Error;
use crate::log_line::{self, LogLine};
use crate::platform::{BodyError, HttpResponse, Platform, TRACEPARENT};
use crate::provision::{Provisioner, StartOrder};
use crate::reaper::{self, Report, Scope};
use crate::route::{self, Route};
use crate::scheduler::Scheduler;
use crate::secret::Secret;
use crate::target::Target;
use crate::webhook;
use crate::{answer, api, metrics, page, request_body};

/// An answer, its log lines, and the work after it.
#[derive(Debug)]
pub struct Answer {
    /// For the caller.
    pub response: HttpResponse,
    /// For the log: the line of the request, and one for each other event; without
    /// their ends.
    pub lines: Vec<String>,
    /// For after the answer.
    pub after: Option<AfterAnswer>,
}

/// Answers one request.
///
/// `read_body` reads the body, up to a number of bytes; it is only called when
/// the body is needed.
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
    let mut seen = Seen::of(head);
    let outcome = request.outcome(read_body, &mut seen).await;
    request.answer(outcome, seen)
}

/// One request, while it is handled.
struct Request<'a, P, V> {
    platform: &'a P,
    variables: &'a V,
    head: &'a Parts,
    arrived: Duration,
    budget: Budget,
    calls: RefCell<Calls>,
}

/// What is known about a request besides its outcome.
#[derive(Default)]
struct Seen {
    caller: Option<Caller>,
    route: Option<Route>,
    subject: Subject,
    is_unsafe: bool,
    reap: Option<Report>,
    /// Whether the secrets of the body are known, if it has any.
    is_body_known: bool,
    /// What the log must not show.
    secrets: Vec<Secret>,
    notes: Vec<String>,
    /// What is left to do after the answer, and with which variables.
    work_after: Option<(Work, Config)>,
}

impl Seen {
    /// What the head of a request tells.
    fn of(head: &Parts) -> Self {
        Self {
            secrets: auth::given(&head.headers),
            is_body_known: matches!(head.method, Method::GET | Method::HEAD | Method::DELETE),
            ..Self::default()
        }
    }
}

impl<P: Platform, V: Variables> Request<'_, P, V> {
    async fn outcome<B>(&self, read_body: B, seen: &mut Seen) -> Result<HttpResponse, Error>
    where
        B: AsyncFnOnce(usize) -> Result<Vec<u8>, BodyError>,
    {
        let route = self.route(seen)?;
        seen.route = Some(route.clone());
        let config = Config::parse(self.variables).map_err(Error::Misconfigured)?;
        seen.secrets.extend(config.secrets());
        let outcome = self.work(&route, &config, read_body, seen).await;
        let work_after = Work::after(&route, outcome.as_ref().err());
        seen.work_after = work_after.map(|work| (work, config));
        outcome
    }

    /// The route of the request, which its caller may take.
    fn route(&self, seen: &mut Seen) -> Result<Route, Error> {
        let secrets = Secrets::read(self.variables).map_err(Error::Misconfigured)?;
        let takes_bearer = route::takes_bearer(&self.head.uri);
        let caller = secrets.authenticate(&self.head.headers, takes_bearer)?;
        seen.caller = Some(caller);
        let route = route::route(self.head, &secrets)?;
        if !route.is_open_to(caller.role) {
            return Err(Error::NotPermitted(caller));
        }
        if route.is_change() && route::is_from_browser(&self.head.headers) {
            return Err(Error::CrossSite);
        }
        Ok(route)
    }

    async fn work<B>(
        &self,
        route: &Route,
        config: &Config,
        read_body: B,
        seen: &mut Seen,
    ) -> Result<HttpResponse, Error>
    where
        B: AsyncFnOnce(usize) -> Result<Vec<u8>, BodyError>,
    {
        let engine = Engine::new(self.platform, config, &self.calls, self.budget.work_until);
        let provisioner = Provisioner {
            platform: self.platform,
            config,
            scheduler: Scheduler::new(engine, config),
            budget: self.budget,
        };
        Ok(match route {
            Route::Start => {
                let body = self.body(read_body, webhook::body::BODY_BYTES_MAX).await?;
                let order = webhook::body::parse_start(&body)?;
                let (container, _) = self.start(&provisioner, &order, seen).await?;
                webhook::answer::started(&container.id)
            }
            Route::Stop => {
                let body = self.body(read_body, webhook::body::BODY_BYTES_MAX).await?;
                let id = webhook::body::parse_stop(&body)?;
                seen.is_body_known = true;
                self.stop(&provisioner, &id, seen).await?;
                webhook::answer::done()
            }
            Route::Health => {
                // Here and not at each start: the caller repeats this regularly.
                seen.notes = config.warnings();
                seen.is_unsafe = !seen.notes.is_empty();
                seen.notes.extend(provisioner.health().await?);
                webhook::answer::done()
            }
            Route::Reap { dry_run } => {
                let dry_run = *dry_run;
                seen.is_body_known = true;
                let scope = Scope::whole(dry_run);
                let report = reaper::reap(&provisioner.scheduler, config, scope).await?;
                seen.notes = report.notes(dry_run);
                let answer = webhook::answer::reaped(&report, dry_run);
                seen.reap = Some(report).filter(|_| !dry_run);
                answer
            }
            Route::ListTargets { environment } => {
                let targets = provisioner.targets(environment.as_deref()).await?;
                api::answer::targets(&targets)
            }
            Route::ShowTarget(id) => api::answer::target(&provisioner.target(id).await?),
            Route::StopTarget(id) => {
                self.stop(&provisioner, id, seen).await?;
                api::answer::stopped()
            }
            Route::StartTarget => {
                let key = api::body::idempotency_key(&self.head.headers)?;
                let body = self.body(read_body, api::body::BODY_BYTES_MAX).await?;
                let order = api::body::parse_start(key, &body)?;
                let (container, is_new) = self.start(&provisioner, &order, seen).await?;
                api::answer::started(&Target::new(&container, config), is_new)
            }
            Route::Page { environment } => {
                let environment = environment.as_deref();
                match provisioner.overview(environment).await {
                    Ok(overview) => {
                        let fault = overview.nodes.as_ref().err();
                        let note = fault.map(|fault| format!("the page shows no node: {fault}"));
                        seen.notes.extend(note);
                        page::targets(config, environment, &overview)
                    }
                    Err(error) => {
                        seen.notes
                            .push(format!("the page shows no target: {error}"));
                        page::failure(config, &error)
                    }
                }
            }
            Route::Metrics => {
                let readings = provisioner.readings().await;
                let notes = readings.faults.iter().map(ToString::to_string);
                seen.notes = notes.collect();
                metrics::answer(config, &readings)
            }
            Route::OpenApi => api::answer::document(),
        })
    }

    /// Starts the target of an order, and tells whether it is new.
    async fn start(
        &self,
        provisioner: &Provisioner<'_, P>,
        order: &StartOrder,
        seen: &mut Seen,
    ) -> Result<(Listed, bool), Error> {
        seen.secrets.extend(order.all_secrets().cloned());
        seen.is_body_known = true;
        seen.subject.environment = Some(order.environment_id.clone());
        let started = provisioner.start(order).await?;
        seen.notes = started.warnings;
        seen.subject = Subject::of(&started.container);
        Ok((started.container, started.is_new))
    }

    async fn stop(
        &self,
        provisioner: &Provisioner<'_, P>,
        id: &TargetId,
        seen: &mut Seen,
    ) -> Result<(), Error> {
        seen.subject.container = Some(id.as_str().to_owned());
        if let Some(stopped) = provisioner.stop(id).await? {
            seen.subject = Subject::of(&stopped);
        }
        Ok(())
    }

    async fn body<B>(&self, read_body: B, limit: usize) -> Result<Vec<u8>, Error>
    where
        B: AsyncFnOnce(usize) -> Result<Vec<u8>, BodyError>,
    {
        request_body::check(&self.head.headers, limit)?;
        let body = read_body(limit).await;
        body.map_err(|error| match error {
            BodyError::TooLarge => request_body::too_large(limit),
            BodyError::TooSlow => Error::BodyTooSlow,
            BodyError::CutOff => Error::BadBody("the body was cut off".to_owned()),
        })
    }

    /// The id of the caller's trace. There is none while the body is not known: a token
    /// in it may have the same digits.
    fn trace(&self, seen: &Seen) -> Option<&str> {
        let traceparent = self.head.headers.get(TRACEPARENT)?;
        audit::trace_id(traceparent.to_str().ok()?).filter(|_| seen.is_body_known)
    }

    fn answer(&self, outcome: Result<HttpResponse, Error>, seen: Seen) -> Answer {
        let request_id = request_id(self.platform.random());
        let (response, error) = match outcome {
            Ok(response) => (response, None),
            Err(error) => {
                let content_type = route::problem_type(&self.head.uri);
                let response = answer::failed(&error, &request_id, content_type);
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
            event: Event::of(seen.route.as_ref(), error.as_ref(), seen.is_unsafe),
            subject: &seen.subject,
            trace: self.trace(&seen),
            calls: &self.calls.borrow(),
            notes: &seen.notes,
            error: error.as_ref(),
            secrets: &seen.secrets,
        }
        .to_json();
        let mut lines = vec![line];
        if let Some(report) = &seen.reap {
            let secrets = &seen.secrets;
            lines.extend(log_line::reap_lines(
                &request_id,
                seen.caller,
                report,
                secrets,
            ));
        }
        let after = seen.work_after.map(|(work, config)| AfterAnswer {
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
    uuid::Builder::from_u128(random)
        .with_version(uuid::Version::Random)
        .with_variant(uuid::Variant::RFC4122)
        .into_uuid()
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_id_is_a_random_uuid() {
        assert_eq!(request_id(0), "00000000-0000-4000-8000-000000000000");
        assert_eq!(
            request_id(u128::MAX),
            "ffffffff-ffff-4fff-bfff-ffffffffffff"
        );
    }
}
