//! The shell: connects the core to Spin's variables and to WASI's HTTP, clock and
//! randomness.
//!
//! It does not know Docker or the webhooks. It never answers with a WASI error, whose
//! text would reach the caller.

mod headers;
mod incoming;
mod outgoing;
mod streams;

use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use wasip2::cli::stderr::get_stderr;
use wasip2::clocks::monotonic_clock;
use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::types::{IncomingRequest, ResponseOutparam};
use wasip2::random::random::get_random_u64;

use self::streams::Deadline;
use crate::platform::{HttpRequest, HttpResponse, Keep, Platform, TransportError};
use crate::server;

/// How long the host may take to accept a line of the log. If it does not, the work after
/// an answer goes on without the line.
const LOG_WAIT: Duration = Duration::from_secs(1);

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
        answer.lines.into_iter().for_each(log);
        if let Some(after) = answer.after {
            finish(after.run(&Wasi)).into_iter().for_each(log);
        }
    }
}

/// Writes a line with a single call to the host: it then does not mix with the lines of
/// other instances.
fn log(mut line: String) {
    line.push('\n');
    let deadline = Deadline::after(LOG_WAIT);
    // If the log cannot be written, there is no place to report it.
    let _ = streams::write(&get_stderr(), line.as_bytes(), &deadline);
}

/// Runs a future in which every wait blocks: it is ready when first polled.
fn finish<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => unreachable!("every wait of this platform blocks"),
    }
}

fn variable(name: &'static str) -> Result<String, String> {
    // Spin's own message may quote a provider of variables, and so a secret.
    spin_sdk::variables::get(name)
        .map_err(|_| "cannot be read; check that it is in spin.toml and has a value".to_owned())
}

struct Wasi;

impl Platform for Wasi {
    async fn send(
        &self,
        request: HttpRequest,
        limit: Duration,
        keep: Keep,
    ) -> Result<HttpResponse, TransportError> {
        outgoing::exchange(request, limit, keep)
    }

    fn now(&self) -> Duration {
        Duration::from_nanos(monotonic_clock::now())
    }

    async fn sleep(&self, duration: Duration) {
        Deadline::after(duration).pass();
    }

    fn random(&self) -> u128 {
        u128::from(get_random_u64()) << 64 | u128::from(get_random_u64())
    }
}
