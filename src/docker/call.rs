//! One call to the Engine as a value.

use std::fmt;
use std::time::Duration;

use super::Reply;
use crate::fault::Fault;
use crate::platform::{HttpRequest, Keep};

/// The longest look: a list of a thousand containers takes an Engine tens of
/// milliseconds, so five seconds mean that something is wrong.
pub const LOOK: Duration = Duration::from_secs(5);

/// The longest change: a start or a removal waits for the disk and the network
/// of a busy host, which has been seen to take seconds.
pub const CHANGE: Duration = Duration::from_secs(15);

/// Reads the reply to one request.
type Reader<T> = Box<dyn Fn(&Reply) -> Result<T, Fault>>;

/// A request together with everything that belongs to it, so that its reply
/// cannot be read as the reply to another one.
pub struct Call<T> {
    /// What it does, in one word for the log.
    pub name: &'static str,
    /// What is sent; its URI has a path and no host.
    pub request: HttpRequest,
    /// How long it may take from the first byte sent to the last one read.
    pub limit: Duration,
    /// How much of the reply is read.
    pub keep: Keep,
    /// Whether it only looks, so that it can be repeated freely.
    pub is_look: bool,
    /// What to do if its reply is longer than is read.
    pub too_long: &'static str,
    reader: Reader<T>,
}

impl<T> Call<T> {
    /// A call that changes nothing, and whose reply is read whole.
    pub(super) fn look(
        name: &'static str,
        request: HttpRequest,
        reader: impl Fn(&Reply) -> Result<T, Fault> + 'static,
    ) -> Self {
        Self {
            is_look: true,
            ..Self::change(name, request, LOOK, reader)
        }
    }

    /// A call that may change something, and whose reply is read whole.
    pub(super) fn change(
        name: &'static str,
        request: HttpRequest,
        limit: Duration,
        reader: impl Fn(&Reply) -> Result<T, Fault> + 'static,
    ) -> Self {
        Self {
            name,
            request,
            limit,
            keep: Keep::Whole,
            is_look: false,
            too_long: "check that docker_url points to a Docker Engine",
            reader: Box::new(reader),
        }
    }

    /// The same call, whose reply is long if there is much to tell: what to do then.
    pub(super) fn if_too_long(self, too_long: &'static str) -> Self {
        Self { too_long, ..self }
    }

    /// The same call, of whose reply only the end is kept.
    pub(super) fn keeping_the_end(self) -> Self {
        Self {
            keep: Keep::End,
            ..self
        }
    }

    /// Reads the reply.
    ///
    /// # Errors
    ///
    /// [`Fault::EngineError`] or [`Fault::Nonsense`]; the file of the call says
    /// which replies are read otherwise.
    pub fn read(&self, reply: &Reply) -> Result<T, Fault> {
        (self.reader)(reply)
    }
}

impl<T> fmt::Debug for Call<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The request can hold a token or credentials.
        write!(f, "Call({})", self.name)
    }
}
