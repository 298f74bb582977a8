//! The shell: Spin's variables, WASI's HTTP, clock and randomness.
//!
//! Knows nothing of Docker or of the webhooks. It never answers with an error
//! of WASI's own, whose text would reach the caller.
//!
//! A component has one thread, and a webhook one thing to do at a time, so
//! every wait blocks in `wasi:io/poll` and no executor is needed.

mod incoming;
mod outgoing;
mod streams;

use std::io::Write;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use wasip2::clocks::monotonic_clock;
use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::types::{IncomingRequest, ResponseOutparam};
use wasip2::random::random::get_random_u64;

use crate::platform::{HttpRequest, HttpResponse, Keep, Platform, TransportError};
use crate::server;
use outgoing::Exchange;

struct Component;

wasip2::http::proxy::export!(Component);

impl Guest for Component {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let Some(head) = incoming::head(&request) else {
            return incoming::respond(out, incoming::bad_request());
        };
        let read_body = async |limit| incoming::body(&request, limit);
        let answer = finish(server::serve(&Wasi, &variable, &head, read_body));
        incoming::respond(out, answer.response);
        log(answer.line);
        if let Some(after) = answer.after
            && let Some(line) = finish(after.run(&Wasi))
        {
            log(line);
        }
    }
}

/// Writes a line in one piece, which is one call of the host's and stays whole
/// beside the lines of other instances.
fn log(mut line: String) {
    line.push('\n');
    // Of a log that cannot be written there is nobody to tell.
    let _ = std::io::stderr().write_all(line.as_bytes());
}

/// Runs a future whose every wait blocks, so that one poll brings it home.
fn finish<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => unreachable!("every wait of this platform blocks"),
    }
}

fn variable(name: &'static str) -> Result<String, String> {
    // Spin's own message may hold what a provider of variables said.
    spin_sdk::variables::get(name).map_err(|_| "cannot be read; is it in spin.toml?".to_owned())
}

/// The platform that WASI 0.2 is.
struct Wasi;

impl Platform for Wasi {
    async fn send(
        &self,
        request: HttpRequest,
        limit: Duration,
        keep: Keep,
    ) -> Result<HttpResponse, TransportError> {
        Exchange::begin(request, limit)?.reply(keep)
    }

    fn now(&self) -> Duration {
        Duration::from_nanos(monotonic_clock::now())
    }

    async fn sleep(&self, duration: Duration) {
        streams::Deadline::after(duration).pass();
    }

    fn random(&self) -> u128 {
        u128::from(get_random_u64()) << 64 | u128::from(get_random_u64())
    }
}
