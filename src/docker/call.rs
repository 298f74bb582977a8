//! One call to the Engine as a value.

use std::time::Duration;

use http::Method;
use serde_json::Value;

use super::{Reply, bodiless, query_encoded};
use crate::fault::Fault;
use crate::platform::{HttpRequest, Keep};

/// The longest look: a list of a thousand containers takes an Engine 0.3 s, so five
/// seconds mean that something is wrong.
pub const LOOK: Duration = Duration::from_secs(5);

/// The longest change: a start or a removal waits for the disk and the network
/// of a busy host, which has been seen to take seconds.
pub const CHANGE: Duration = Duration::from_secs(15);

type Reader<T> = Box<dyn Fn(&Reply) -> Result<T, Fault>>;

/// A request, together with the reader of its reply: no reply can be read as that to
/// another request. It has no `Debug`, because it can hold a token or credentials.
pub struct Call<T> {
    /// Its name, one word for the log.
    pub name: &'static str,
    /// The request; its URI has a path and no host.
    pub request: HttpRequest,
    /// How long it may take from the first byte sent to the last one read.
    pub limit: Duration,
    /// How much of the reply is read.
    pub keep: Keep,
    /// Whether it only looks, and may be repeated freely.
    pub is_look: bool,
    /// The advice if its reply is too long.
    pub too_long: &'static str,
    pub(super) reader: Reader<T>,
}

impl<T> Call<T> {
    /// A call that changes nothing and reads the whole reply.
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

    /// A look at the objects that match filters; `path` ends where the filters begin.
    pub(super) fn list(
        name: &'static str,
        path: &str,
        filters: &Value,
        reader: impl Fn(&Reply) -> Result<T, Fault> + 'static,
    ) -> Self {
        let path = format!("{path}filters={}", query_encoded(&filters.to_string()));
        Self::look(name, bodiless(Method::GET, &path), reader)
    }

    /// A call that may change something and reads the whole reply.
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

    /// The same call, with the advice if its reply is too long.
    pub(super) fn if_too_long(self, too_long: &'static str) -> Self {
        Self { too_long, ..self }
    }

    /// Reads the reply. The call's file says which replies are no [`Fault`].
    pub fn read(&self, reply: &Reply) -> Result<T, Fault> {
        (self.reader)(reply)
    }
}
