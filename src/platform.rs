//! What the core asks of the world.
//!
//! The shell implements [`Platform`] with WASI; tests implement it with a
//! script or a model of an Engine and a clock of their own.

use std::time::Duration;

use http::HeaderName;
use http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, DATE};

/// A request to the Engine: a value that [`crate::docker`] makes.
pub type HttpRequest = http::Request<Vec<u8>>;

/// A reply, read to its end, that [`crate::docker`] gives a meaning to.
pub type HttpResponse = http::Response<Vec<u8>>;

/// A header that BastionZero's documents name beside `Authorization`.
pub const AUTHENTICATION: HeaderName = HeaderName::from_static("authentication");

/// The headers of a request to us that mean something here; the shell brings
/// no others.
pub const REQUEST_HEADERS: [HeaderName; 4] =
    [AUTHORIZATION, AUTHENTICATION, CONTENT_LENGTH, CONTENT_TYPE];

/// The headers of the Engine's replies that mean something here; likewise.
pub const REPLY_HEADERS: [HeaderName; 1] = [DATE];

/// The most that a reply of the Engine may hold.
///
/// A list of 3,000 containers is about 3 MiB; hosted platforms allow 10 MiB
/// for an answer, and an instance has 128 MiB for all.
pub const REPLY_BYTES_MAX: usize = 10 * 1024 * 1024;

/// How much of a reply is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// All of it; one of more than [`REPLY_BYTES_MAX`] is an error.
    Whole,
    /// Its last [`END_BYTES`], of a reply that may be of any length.
    End,
}

/// The end of a reply that is a stream of lines: enough for the last one.
pub const END_BYTES: usize = 64 * 1024;

/// Clock, sleep, randomness, and HTTP to the Engine.
// The futures need not be `Send`: a component has one thread.
#[expect(async_fn_in_trait, reason = "a component has one thread")]
pub trait Platform {
    /// Sends `request` and reads the reply to its end, of which as much is
    /// returned as `keep` says; gives up after `limit`.
    async fn send(
        &self,
        request: HttpRequest,
        limit: Duration,
        keep: Keep,
    ) -> Result<HttpResponse, TransportError>;

    /// Time since some fixed moment; never goes back.
    fn now(&self) -> Duration;

    /// Returns after `duration`.
    async fn sleep(&self, duration: Duration);

    /// Bits that nobody can guess.
    fn random(&self) -> u128;
}

/// No reply was had. What it says of the request's effect decides the variant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TransportError {
    /// No connection came about: the request certainly had no effect.
    Unreachable(String),
    /// The TLS handshake failed: likewise.
    Untrusted(String),
    /// The limit passed: the request may have had an effect, or have it later.
    TimedOut,
    /// The connection broke or the reply was cut off: likewise.
    Broken(String),
}

/// Why the body of a request to us could not be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyError {
    /// It is longer than asked for.
    TooLarge,
    /// It took too long.
    TooSlow,
    /// The caller cut it off.
    CutOff,
}
