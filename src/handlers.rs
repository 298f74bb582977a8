//! The handlers, one for each route: each does the work of its route and makes the
//! answer.

use std::time::Duration;

use http::HeaderMap;

use crate::audit::Subject;
use crate::docker::TargetId;
use crate::error::{Error, RequestError};
use crate::key::KeyKind;
use crate::order::StartOrder;
use crate::platform::{HttpResponse, Platform};
use crate::provision::Provisioner;
use crate::reaper::{self, Report, Scope};
use crate::route::Route;
use crate::secret::Secret;
use crate::target_view::TargetView;
use crate::{api, metrics, page, webhook};

/// How a request ended, and what else the log says.
#[derive(Debug)]
pub struct Handled {
    pub outcome: Result<HttpResponse, Error>,
    pub subject: Subject,
    pub notes: Vec<String>,
    /// Whether it is a health check with unsafe variables.
    pub is_unsafe: bool,
    pub reap: Option<Report>,
    /// The secrets in the body, which the log must not show; `None` if they are not
    /// known.
    pub body_secrets: Option<Vec<Secret>>,
}

impl From<Result<HttpResponse, Error>> for Handled {
    fn from(outcome: Result<HttpResponse, Error>) -> Self {
        Self {
            outcome,
            subject: Subject::default(),
            notes: Vec::new(),
            is_unsafe: false,
            reap: None,
            body_secrets: None,
        }
    }
}

/// Handles a request. `body` reads its body, up to a number of bytes.
///
/// Fails if the body or a header is refused, before any work.
pub async fn handle<P: Platform>(
    provisioner: &Provisioner<'_, P>,
    route: &Route,
    headers: &HeaderMap,
    body: impl AsyncFnOnce(usize) -> Result<Vec<u8>, RequestError>,
) -> Result<Handled, Error> {
    Ok(match route {
        Route::Start => {
            let body = body(webhook::body::BODY_BYTES_MAX).await?;
            let order = webhook::body::parse_start(&body)?;
            start(provisioner, &order, None, |target, _| {
                webhook::answer::started(&target.id)
            })
            .await
        }
        Route::Stop => {
            let body = body(webhook::body::BODY_BYTES_MAX).await?;
            let id = webhook::body::parse_stop(&body)?;
            stop(provisioner, &id, webhook::answer::done).await
        }
        Route::Health => health(provisioner).await,
        Route::Reap { dry_run } => reap(provisioner, *dry_run).await,
        Route::ListTargets(filter) => {
            let targets = provisioner.targets(filter).await;
            targets.map(|targets| api::answer::targets(&targets)).into()
        }
        Route::ShowTarget(id) => {
            let target = provisioner.target(id).await;
            target.map(|target| api::answer::target(&target)).into()
        }
        Route::WaitForTarget {
            id,
            awaited,
            timeout,
        } => {
            let target = provisioner.wait(id, *awaited, *timeout).await;
            target.map(|target| api::answer::target(&target)).into()
        }
        Route::StartTarget { wait } => {
            let key = api::body::idempotency_key(headers)?;
            let body = body(api::body::BODY_BYTES_MAX).await?;
            let order = api::body::parse_start(key, &body)?;
            start(provisioner, &order, *wait, api::answer::started).await
        }
        Route::RenewTarget(id) => {
            let body = body(api::body::RENEWAL_BYTES_MAX).await?;
            renew(provisioner, id, api::body::parse_renewal(&body)?).await
        }
        Route::StopTarget(id) => stop(provisioner, id, api::answer::stopped).await,
        Route::Page { environment } => show_page(provisioner, environment.as_deref()).await,
        Route::Metrics => scrape(provisioner).await,
        Route::OpenApi => Ok(api::answer::document()).into(),
    })
}

/// Starts the target of an order, and waits at most `wait` until it is ready. `answer` is a
/// function pointer: with a generic one, the component would hold a start twice.
async fn start<P: Platform>(
    provisioner: &Provisioner<'_, P>,
    order: &StartOrder,
    wait: Option<Duration>,
    answer: fn(&TargetView, bool) -> HttpResponse,
) -> Handled {
    let (outcome, subject, notes) = match provisioner.start(order).await {
        Ok(mut started) => {
            // A webhook's answer has the id alone.
            if order.key.kind() == KeyKind::IdempotencyKey {
                let target = std::slice::from_mut(&mut started.container);
                provisioner.add_hosts(target).await;
            }
            let subject = Subject::of(&started.container);
            let mut target = TargetView::new(&started.container, provisioner.config);
            if let Some(timeout) = wait {
                target = provisioner.wait_until_ready(target, timeout).await;
            }
            let answer = answer(&target, started.is_new);
            (Ok(answer), subject, started.warnings)
        }
        Err(error) => {
            let subject = Subject {
                environment: Some(order.environment_id.clone()),
                ..Subject::default()
            };
            (Err(error), subject, Vec::new())
        }
    };
    Handled {
        subject,
        notes,
        body_secrets: Some(order.all_secrets().cloned().collect()),
        ..Handled::from(outcome)
    }
}

async fn stop<P: Platform>(
    provisioner: &Provisioner<'_, P>,
    id: &TargetId,
    answer: fn() -> HttpResponse,
) -> Handled {
    let stopped = provisioner.stop(id).await;
    let subject = match &stopped {
        Ok(Some(container)) => Subject::of(container),
        Ok(None) | Err(_) => Subject::of_id(id),
    };
    Handled {
        subject,
        body_secrets: Some(Vec::new()),
        ..Handled::from(stopped.map(|_| answer()))
    }
}

async fn renew<P: Platform>(
    provisioner: &Provisioner<'_, P>,
    id: &TargetId,
    lifetime: Duration,
) -> Handled {
    let renewed = provisioner.renew(id, lifetime).await;
    let subject = match &renewed {
        Ok(container) => Subject::of(container),
        Err(_) => Subject::of_id(id),
    };
    let answer = |container| api::answer::target(&TargetView::new(&container, provisioner.config));
    Handled {
        subject,
        body_secrets: Some(Vec::new()),
        ..Handled::from(renewed.map(answer))
    }
}

async fn health<P: Platform>(provisioner: &Provisioner<'_, P>) -> Handled {
    // Here and not at each start, because callers repeat a health check regularly.
    let mut notes = provisioner.config.warnings();
    let is_unsafe = !notes.is_empty();
    let outcome = provisioner.health().await.map(|found| {
        notes.extend(found);
        webhook::answer::done()
    });
    Handled {
        notes,
        is_unsafe,
        ..Handled::from(outcome)
    }
}

async fn reap<P: Platform>(provisioner: &Provisioner<'_, P>, dry_run: bool) -> Handled {
    let scope = Scope::whole(dry_run);
    let report = reaper::reap(&provisioner.backend, scope).await;
    let (outcome, notes, reap) = match report {
        Ok(report) => {
            let answer = webhook::answer::reaped(&report, dry_run);
            let notes = report.notes(dry_run);
            (Ok(answer), notes, Some(report).filter(|_| !dry_run))
        }
        Err(fault) => (Err(fault.into()), Vec::new(), None),
    };
    Handled {
        notes,
        reap,
        // The route has no body, but a caller may send one.
        body_secrets: Some(Vec::new()),
        ..Handled::from(outcome)
    }
}

async fn show_page<P: Platform>(
    provisioner: &Provisioner<'_, P>,
    environment: Option<&str>,
) -> Handled {
    let mut notes = Vec::new();
    let outcome = provisioner.overview(environment).await.map(|overview| {
        let fault = overview.nodes.as_ref().err();
        notes.extend(fault.map(|fault| format!("the page shows no node: {fault}")));
        page::targets(provisioner.config, environment, &overview)
    });
    Handled {
        notes,
        ..Handled::from(outcome)
    }
}

async fn scrape<P: Platform>(provisioner: &Provisioner<'_, P>) -> Handled {
    let readings = provisioner.readings().await;
    Handled {
        notes: readings.faults.iter().map(ToString::to_string).collect(),
        ..Handled::from(Ok(metrics::answer(provisioner.config, &readings)))
    }
}
