//! Sends the calls of [`crate::docker`], each within a deadline, and notes them
//! for the log.
//!
//! Decides nothing: [`crate::provision`] and [`crate::reaper`] decide what to do about a
//! [`Fault`].

use std::cell::RefCell;
use std::time::Duration;

use http::header::AUTHORIZATION;

use crate::call_notes::{CallNote, Calls};
use crate::config::{Config, SchedulerKind};
use crate::docker::call::Call;
use crate::docker::swarm::fault_of_manager;
use crate::docker::{Reply, stats};
use crate::fault::Fault;
use crate::platform::{HttpRequest, Platform, TransportError};

/// The pauses between the three tries of a look. Podman removes a container in a few
/// hundred milliseconds, and a connection that a peer has closed fails at once. Both
/// pauses are short beside the five seconds that one try may take.
const LOOK_AGAIN_AFTER: [Duration; 2] = [Duration::from_millis(250), Duration::from_secs(1)];

/// How many spellings of the Engine's address one webhook uses besides the usual one.
/// Hardly more of its calls can last until their limit.
const SPELLINGS_MAX: usize = 8;

/// An Engine, for as long as one part of one webhook lasts.
#[derive(Debug)]
pub struct Engine<'a, P> {
    platform: &'a P,
    config: &'a Config,
    calls: &'a RefCell<Calls>,
    until: Duration,
}

// A derive would require `P` to be `Clone` and `Copy` too.
impl<P> Clone for Engine<'_, P> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<P> Copy for Engine<'_, P> {}

impl<'a, P: Platform> Engine<'a, P> {
    /// The Engine that `config` names, until this moment.
    pub fn new(
        platform: &'a P,
        config: &'a Config,
        calls: &'a RefCell<Calls>,
        until: Duration,
    ) -> Self {
        Self {
            platform,
            config,
            calls,
            until,
        }
    }

    /// The same Engine, until another moment.
    pub fn until(self, until: Duration) -> Self {
        Self { until, ..self }
    }

    /// The same Engine, for at most this long.
    pub fn within(self, limit: Duration) -> Self {
        self.until(self.until.min(self.platform.now() + limit))
    }

    /// The operator's settings.
    pub fn config(&self) -> &'a Config {
        self.config
    }

    /// The moment until which it may be used.
    pub fn ends(&self) -> Duration {
        self.until
    }

    /// How long it may still be used.
    pub fn time_left(&self) -> Duration {
        self.until.saturating_sub(self.platform.now())
    }

    /// Whether it has said that [`stats::count`] has its answer at once.
    pub fn counts_at_once(&self) -> bool {
        let calls = self.calls.borrow();
        calls.engine.as_deref().is_some_and(stats::is_prompt)
    }

    /// The clock and the randomness of its user.
    pub fn platform(&self) -> &'a P {
        self.platform
    }

    /// Waits this long, but at most half of the time that is left.
    pub async fn pause(&self, pause: Duration) {
        let pause = pause.min(self.time_left() / 2);
        self.platform.sleep(pause).await;
    }

    /// Makes a call and reads its reply.
    ///
    /// One failed look says little about an Engine: a reply may be lost, a pooled
    /// connection closed, and Podman fails to list containers while it removes one. So
    /// this repeats looks; nothing else does. It makes a change once: whether a change
    /// can be repeated depends on its effect.
    ///
    /// The error of a look is that of the last try.
    pub async fn send<T>(&self, call: Call<T>) -> Result<T, Fault> {
        for pause in LOOK_AGAIN_AFTER {
            match self.send_once(&call).await {
                Err(fault) if call.is_look && fault.may_pass() && self.time_left() > pause => {
                    self.platform.sleep(pause).await;
                }
                outcome => return outcome,
            }
        }
        self.send_once(&call).await
    }

    async fn send_once<T>(&self, call: &Call<T>) -> Result<T, Fault> {
        let begun = self.platform.now();
        let left = self.time_left();
        if left.is_zero() {
            return Err(Fault::BudgetSpent);
        }
        let limit = call.limit.min(left);
        let request = self.addressed(&call.request);
        let sent = self.platform.send(request, limit, call.keep).await;
        let reply = sent.map(Reply::new);
        let note = CallNote {
            name: call.name,
            status: reply.as_ref().ok().map(Reply::status),
            took: self.platform.now().saturating_sub(begun),
        };
        self.calls.borrow_mut().notes.push(note);
        let reply = reply.map_err(|error| self.fault(error, call))?;
        if let Some(engine) = reply.engine() {
            self.calls.borrow_mut().engine = Some(engine);
        }
        let read = call.read(&reply);
        match self.config.scheduler {
            SchedulerKind::Engine => read,
            SchedulerKind::Swarm => read.map_err(fault_of_manager),
        }
    }

    /// The request with the Engine's address before its path, and with the credentials
    /// for a proxy in front of the Engine.
    ///
    /// A connection that has died silently costs a call its whole time. So after each
    /// call without a reply, the rest of the webhook uses new connections.
    fn addressed(&self, request: &HttpRequest) -> HttpRequest {
        let mut request = request.clone();
        if let Some(authorization) = &self.config.docker_authorization {
            request
                .headers_mut()
                .insert(AUTHORIZATION, authorization.header.clone());
        }
        let calls = self.calls.borrow();
        let unanswered = calls.notes.iter().filter(|call| call.status.is_none());
        let path = request.uri().path_and_query();
        let path = path.expect("the calls of the docker module have a path");
        *request.uri_mut() = self
            .config
            .docker_url
            .join(path.clone(), unanswered.count().min(SPELLINGS_MAX));
        request
    }

    fn fault<T>(&self, error: TransportError, call: &Call<T>) -> Fault {
        match error {
            TransportError::Unreachable(detail) => Fault::Unreachable(detail),
            TransportError::Untrusted(detail) => Fault::Untrusted(detail),
            TransportError::Forbidden(barrier) => Fault::Forbidden(barrier),
            TransportError::TimedOut => Fault::TimedOut,
            TransportError::CutShort { end, quiet } => Fault::CutShort { end, quiet },
            TransportError::TooLong => Fault::TooLong {
                call: call.name,
                advice: call.too_long,
            },
            TransportError::Broken(detail) => {
                // In TLS 1.3 the client's handshake ends before the server has checked
                // the client's certificate.
                let perhaps = if self.config.docker_url.is_https() {
                    "the Engine may require another client certificate: check client_cert_file in Spin's runtime configuration, its expiry, and the Engine's own log"
                } else {
                    "check that docker_url points to a Docker Engine, and that it is https if the Engine speaks TLS"
                };
                Fault::Broken(format!("{detail}; if every request ends so, {perhaps}"))
            }
        }
    }
}
