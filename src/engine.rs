//! Sends the calls of [`crate::docker`], each within a deadline, and notes them
//! for the log.
//!
//! Decides nothing: what to do about a [`Fault`] is decided in
//! [`crate::provision`] and [`crate::reaper`].

use std::cell::RefCell;
use std::time::Duration;

use http::header::AUTHORIZATION;

use crate::call_notes::{CallNote, Calls};
use crate::config::Config;
use crate::docker::Reply;
use crate::docker::call::Call;
use crate::fault::Fault;
use crate::platform::{HttpRequest, Platform, TransportError};

/// The pauses between the three tries of a look. Podman removes a container in a
/// few hundred milliseconds, and a connection that a peer has closed is found out
/// at once. Together they are short beside the five seconds that one try may take.
const LOOK_AGAIN_AFTER: [Duration; 2] = [Duration::from_millis(250), Duration::from_secs(1)];

/// How many spellings of the Engine's address one webhook uses besides the usual one. It
/// makes hardly more calls that last until their limit.
const SPELLINGS_MAX: usize = 8;

/// An Engine, for as long as one part of one webhook lasts.
#[derive(Debug)]
pub struct Engine<'a, P> {
    platform: &'a P,
    config: &'a Config,
    calls: &'a RefCell<Calls>,
    until: Duration,
}

// Derived, they would demand the same of `P`.
impl<P> Clone for Engine<'_, P> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<P> Copy for Engine<'_, P> {}

impl<'a, P: Platform> Engine<'a, P> {
    /// The Engine that `config` names, used no longer than `until`.
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

    /// The same Engine, used until another moment.
    pub fn until(self, until: Duration) -> Self {
        Self { until, ..self }
    }

    /// The same Engine, used for so long at most.
    pub fn within(self, limit: Duration) -> Self {
        self.until(self.until.min(self.platform.now() + limit))
    }

    /// The moment until which it may be used.
    pub fn ends(&self) -> Duration {
        self.until
    }

    /// How long it may still be used.
    pub fn time_left(&self) -> Duration {
        self.until.saturating_sub(self.platform.now())
    }

    /// The clock and the randomness of whoever uses it.
    pub fn platform(&self) -> &'a P {
        self.platform
    }

    /// Waits so long, and leaves half of the time for what is to follow.
    pub async fn pause(&self, pause: Duration) {
        let pause = pause.min(self.time_left() / 2);
        self.platform.sleep(pause).await;
    }

    /// Makes a call and reads its reply.
    ///
    /// A look that fails once says little about an Engine: a reply may be lost, a
    /// pooled connection closed, and Podman fails to list containers while it
    /// removes one. So a look is repeated, here and nowhere else. A change is made
    /// once: whether it can be repeated depends on what it has done.
    ///
    /// # Errors
    ///
    /// Why there was no reply, or what the call's reader makes of it: see
    /// [`Fault`]. Of a look, that of the last try.
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
        self.calls.borrow_mut().push(CallNote {
            name: call.name,
            status: reply.as_ref().ok().map(Reply::status),
            took: self.platform.now().saturating_sub(begun),
        });
        call.read(&reply.map_err(|error| self.fault(error, call))?)
    }

    /// The request with the Engine's address before its path, and with the credentials
    /// that a proxy in front of the Engine asks for.
    ///
    /// A connection that has died without a word costs a call its whole time. So after
    /// each call without a reply, the rest of the webhook uses connections of its own.
    fn addressed(&self, request: &HttpRequest) -> HttpRequest {
        let mut request = request.clone();
        if let Some(authorization) = &self.config.docker_authorization {
            request
                .headers_mut()
                .insert(AUTHORIZATION, authorization.header());
        }
        let calls = self.calls.borrow();
        let unanswered = calls.notes().iter().filter(|call| call.status.is_none());
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
                // In TLS 1.3 the client's handshake is over before the server
                // has looked at the client's certificate.
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
