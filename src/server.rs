//! The order in which one request is dealt with.
//!
//! Authentication comes first, on every path; then the route, the variables,
//! the body, and the work. What is refused on the way costs no call to the
//! Engine.

use std::cell::RefCell;
use std::time::Duration;

use http::HeaderMap;
use http::header::CONTENT_LENGTH;
use http::request::Parts;

use crate::auth::Secrets;
use crate::budget::Budget;
use crate::config::{Config, Problems, Variables};
use crate::docker::ContainerId;
use crate::engine::Engine;
use crate::error::Error;
use crate::platform::{BodyError, HttpResponse, Platform};
use crate::record::{Calls, Record};
use crate::secret::Secret;
use crate::target::Targets;
use crate::webhook::{self, BODY_BYTES_MAX, Webhook};

/// An answer, and what the log says of it.
#[derive(Debug)]
pub struct Answer {
    /// For the caller.
    pub response: HttpResponse,
    /// For the log: one line, without its end.
    pub line: String,
}

/// Answers one request.
///
/// `read_body` reads the body, of at most so many bytes; it is called only
/// when the body is wanted.
pub async fn serve<P, V, B>(platform: &P, variables: &V, head: &Parts, read_body: B) -> Answer
where
    P: Platform,
    V: Variables,
    B: AsyncFnOnce(usize) -> Result<Vec<u8>, BodyError>,
{
    let request = Request {
        platform,
        variables,
        head,
        arrived: platform.now(),
        calls: RefCell::default(),
    };
    let mut seen = Seen::default();
    let outcome = request.outcome(read_body, &mut seen).await;
    request.answer(outcome, &seen)
}

/// One request, while it is dealt with.
struct Request<'a, P, V> {
    platform: &'a P,
    variables: &'a V,
    head: &'a Parts,
    arrived: Duration,
    calls: RefCell<Calls>,
}

/// What the log says of a request beside its outcome.
#[derive(Default)]
struct Seen {
    container: Option<ContainerId>,
    token: Option<Secret>,
    warnings: Vec<String>,
}

impl<P: Platform, V: Variables> Request<'_, P, V> {
    async fn outcome<B>(&self, read_body: B, seen: &mut Seen) -> Result<HttpResponse, Error>
    where
        B: AsyncFnOnce(usize) -> Result<Vec<u8>, BodyError>,
    {
        self.secrets()?.authenticate(&self.head.headers)?;
        let webhook = webhook::route(&self.head.method, &self.head.uri, &self.head.headers)?;
        let config = Config::parse(self.variables).map_err(Error::Misconfigured)?;
        let budget = Budget::starting(self.arrived);
        let engine = Engine::new(
            self.platform,
            &config.docker_url,
            &self.calls,
            budget.work_until,
        );
        let targets = Targets {
            config: &config,
            engine,
            budget,
        };
        match webhook {
            Webhook::Start => {
                let order = webhook::parse_start(&self.body(read_body).await?)?;
                seen.token = Some(order.activation_token.clone());
                let started = targets.start(&order).await?;
                seen.warnings = started.warnings;
                seen.container = Some(started.id.clone());
                Ok(webhook::started(&started.id))
            }
            Webhook::Stop => {
                let id = webhook::parse_stop(&self.body(read_body).await?)?;
                seen.container = Some(id.clone());
                targets.stop(&id).await?;
                Ok(webhook::done())
            }
            Webhook::Health => {
                targets.health().await?;
                Ok(webhook::done())
            }
        }
    }

    fn secrets(&self) -> Result<Secrets, Error> {
        const NAME: &str = "webhook_secret";
        let secrets = self.variables.get(NAME);
        secrets
            .and_then(|text| Secrets::parse(&text))
            .map_err(|problem| Error::Misconfigured(Problems::one(NAME, &problem)))
    }

    async fn body<B>(&self, read_body: B) -> Result<Vec<u8>, Error>
    where
        B: AsyncFnOnce(usize) -> Result<Vec<u8>, BodyError>,
    {
        if declared_length(&self.head.headers).is_some_and(|length| length > BODY_BYTES_MAX) {
            return Err(Error::BodyTooLarge);
        }
        read_body(BODY_BYTES_MAX)
            .await
            .map_err(|error| match error {
                BodyError::TooLarge => Error::BodyTooLarge,
                BodyError::TooSlow => Error::BodyTooSlow,
                BodyError::CutOff => Error::BadBody("the body was cut off".to_owned()),
            })
    }

    fn answer(&self, outcome: Result<HttpResponse, Error>, seen: &Seen) -> Answer {
        let request_id = uuid(self.platform.random());
        let (response, error) = match outcome {
            Ok(response) => (response, None),
            Err(error) => (webhook::failed(&error, &request_id), Some(error)),
        };
        let route = Webhook::at(self.head.uri.path());
        let line = Record {
            request_id: &request_id,
            route: route.map_or("-", Webhook::path),
            status: response.status().as_u16(),
            took: self.platform.now().saturating_sub(self.arrived),
            container: seen.container.as_ref().map(ContainerId::short),
            calls: &self.calls.borrow(),
            warnings: &seen.warnings,
            error: error.as_ref(),
            secret: seen.token.as_ref(),
        }
        .line();
        Answer { response, line }
    }
}

/// The length that the caller says the body has; one that is no number is
/// left to the reader of the body, which counts.
fn declared_length(headers: &HeaderMap) -> Option<usize> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// RFC 9562, section 5.4: a random UUID.
fn uuid(random: u128) -> String {
    let bits = (random & !(0xf << 76) & !(0x3 << 62)) | (0x4 << 76) | (0x2 << 62);
    let hex = format!("{bits:032x}");
    let parts = [
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..],
    ];
    parts.join("-")
}
