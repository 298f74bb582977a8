//! How one call is made: addressed, within its time, and noted for the log.

use std::time::Duration;

use http::header::AUTHORIZATION;

use super::Engine;
use crate::docker::Reply;
use crate::fault::Fault;
use crate::platform::{HttpRequest, HttpResponse, Keep, Platform, TransportError};
use crate::record::Call;

impl<P: Platform> Engine<'_, P> {
    pub(super) async fn call(
        &self,
        name: &'static str,
        request: HttpRequest,
        limit: Duration,
    ) -> Result<Reply, Fault> {
        self.call_and_keep(name, request, limit, Keep::Whole).await
    }

    pub(super) async fn call_and_keep(
        &self,
        name: &'static str,
        request: HttpRequest,
        limit: Duration,
        keep: Keep,
    ) -> Result<Reply, Fault> {
        let begun = self.platform.now();
        let limit = self.within(limit, begun)?;
        let request = self.addressed(request);
        let sent = self.platform.send(request, limit, keep).await;
        self.noted(name, begun, sent)
    }

    pub(super) async fn call_both(
        &self,
        first: (&'static str, HttpRequest, Duration),
        second: (&'static str, HttpRequest, Duration),
    ) -> [Result<Reply, Fault>; 2] {
        let begun = self.platform.now();
        let limits = [first.2, second.2].map(|limit| self.within(limit, begun));
        let [Ok(first_limit), Ok(second_limit)] = limits else {
            return [Err(Fault::BudgetSpent), Err(Fault::BudgetSpent)];
        };
        let [first_sent, second_sent] = self
            .platform
            .send_both(
                (self.addressed(first.1), first_limit),
                (self.addressed(second.1), second_limit),
            )
            .await;
        [
            self.noted(first.0, begun, first_sent),
            self.noted(second.0, begun, second_sent),
        ]
    }

    /// How long a call may take that begins now.
    fn within(&self, limit: Duration, now: Duration) -> Result<Duration, Fault> {
        match self.until.saturating_sub(now) {
            Duration::ZERO => Err(Fault::BudgetSpent),
            left => Ok(limit.min(left)),
        }
    }

    fn noted(
        &self,
        name: &'static str,
        begun: Duration,
        sent: Result<HttpResponse, TransportError>,
    ) -> Result<Reply, Fault> {
        let sent = sent.map(Reply::new).map_err(|error| self.fault(error));
        self.calls.borrow_mut().push(Call {
            name,
            status: sent.as_ref().ok().map(Reply::status),
            took: self.platform.now().saturating_sub(begun),
        });
        sent
    }

    fn fault(&self, error: TransportError) -> Fault {
        match error {
            TransportError::Unreachable(detail) => Fault::Unreachable(detail),
            TransportError::Untrusted(detail) => Fault::Untrusted(detail),
            TransportError::TimedOut => Fault::TimedOut,
            TransportError::Broken(detail) => {
                // In TLS 1.3 a client has shaken hands before the server has
                // looked at its certificate.
                let perhaps = if self.config.docker_url.is_https() {
                    "the Engine may want another client certificate: see client_cert_file in Spin's runtime configuration, its expiry, and the Engine's own log"
                } else {
                    "see that docker_url is an Engine's, and https if it speaks TLS"
                };
                Fault::Broken(format!("{detail}; if every request ends so, {perhaps}"))
            }
        }
    }

    /// The request with the Engine's address before its path, and with what a
    /// proxy in front of the Engine wants to see.
    fn addressed(&self, request: HttpRequest) -> HttpRequest {
        let (mut head, body) = request.into_parts();
        let path = head.uri.into_parts().path_and_query;
        if let Some(authorization) = &self.config.docker_authorization {
            head.headers.insert(AUTHORIZATION, authorization.header());
        }
        head.uri = self
            .config
            .docker_url
            .join(path.expect("requests of the docker module have a path"));
        HttpRequest::from_parts(head, body)
    }
}
