//! The core's interface to the outside.
//!
//! The shell implements [`Platform`] with WASI; tests implement it with a
//! script or a model of an Engine and a clock of their own.

use std::time::Duration;

use http::HeaderName;
use http::header::{
    AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, DATE, ORIGIN, SERVER,
};

/// A request to the Engine, made by [`crate::docker`].
pub type HttpRequest = http::Request<Vec<u8>>;

/// A complete reply, interpreted by [`crate::docker`].
pub type HttpResponse = http::Response<Vec<u8>>;

/// A header that BastionZero's documents name as well as `Authorization`.
pub const AUTHENTICATION: HeaderName = HeaderName::from_static("authentication");

/// The key of repeated requests for one target
/// (draft-ietf-httpapi-idempotency-key-header).
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Where a browser's request comes from (W3C Fetch Metadata).
pub const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The caller's trace (W3C Trace Context).
pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// The request headers that the core uses; the shell passes no others.
pub const REQUEST_HEADERS: [HeaderName; 9] = [
    AUTHORIZATION,
    AUTHENTICATION,
    CONTENT_ENCODING,
    CONTENT_LENGTH,
    CONTENT_TYPE,
    IDEMPOTENCY_KEY,
    ORIGIN,
    SEC_FETCH_SITE,
    TRACEPARENT,
];

/// The headers of the Engine's replies that the core uses; the shell passes no others.
pub const REPLY_HEADERS: [HeaderName; 2] = [DATE, SERVER];

/// The longest reply of the Engine.
///
/// A list of 1,000 containers is about 1 MiB. Hosted platforms allow 10 MiB for
/// a reply, and an instance has 128 MiB in all.
pub const REPLY_BYTES_MAX: usize = 10 * 1024 * 1024;

/// How much of a reply is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// All of it; more than [`REPLY_BYTES_MAX`] is an error.
    Whole,
    /// Its last [`END_BYTES`]; the reply may have any length.
    End,
}

/// The end of a reply that is a stream of lines; it holds the last line.
pub const END_BYTES: usize = 64 * 1024;

/// Clock, sleep, randomness, and HTTP to the Engine.
// The futures need not be `Send`: a component has one thread.
#[expect(async_fn_in_trait, reason = "a component has one thread")]
pub trait Platform {
    /// Sends `request`, reads the whole reply, and returns the part of it that `keep`
    /// selects. Gives up after `limit`.
    async fn send(
        &self,
        request: HttpRequest,
        limit: Duration,
        keep: Keep,
    ) -> Result<HttpResponse, TransportError>;

    /// Time since some fixed moment; never decreases.
    fn now(&self) -> Duration;

    /// Returns after `duration`.
    async fn sleep(&self, duration: Duration);

    /// Unpredictable bits.
    fn random(&self) -> u128;
}

/// Why there is no reply. The variants differ in what the request may have done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TransportError {
    /// There was no connection: the request certainly had no effect.
    Unreachable(String),
    /// The TLS handshake failed: the request certainly had no effect.
    Untrusted(String),
    /// The platform did not send the request: it certainly had no effect.
    Forbidden(Barrier),
    /// The limit passed: the request may have had an effect, or may have it later.
    TimedOut,
    /// The limit passed while a reply arrived whose end is kept ([`Keep::End`]).
    CutShort {
        /// The end of the reply so far.
        end: Vec<u8>,
        /// The time since the last byte arrived.
        quiet: Duration,
    },
    /// The reply is longer than [`REPLY_BYTES_MAX`]: the request may have had an effect.
    TooLong,
    /// The connection broke or the reply was cut off: the request may have had an
    /// effect, or may have it later.
    Broken(String),
}

/// A setting that keeps the platform from sending a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Barrier {
    /// The component may not reach the URL's scheme, host and port.
    AllowedHosts,
    /// No component may reach the addresses of this host name.
    BlockedNetworks,
}

/// Why the body of a request to us could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyError {
    /// It is longer than the limit.
    TooLarge,
    /// It took too long.
    TooSlow,
    /// The caller cut it off.
    CutOff,
}
