//! The calls to the Engine that one request has made, for its log line, and the Engine
//! that has replied to them.

use std::fmt;
use std::time::Duration;

/// One call to the Engine, as the log shows it.
#[derive(Debug, Clone, Copy)]
pub struct CallNote {
    pub(crate) name: &'static str,
    /// The status of the reply, if there was a reply.
    pub status: Option<u16>,
    /// The time from the request's first byte to the reply's last byte.
    pub took: Duration,
}

/// The calls to the Engine for one request, in order.
#[derive(Debug, Default)]
pub struct Calls {
    pub(crate) notes: Vec<CallNote>,
    /// The name and version of the Engine, once a reply had them.
    pub engine: Option<String>,
}

impl fmt::Display for CallNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = milliseconds(self.took);
        match self.status {
            Some(status) => write!(f, "{} {status} {ms}ms", self.name),
            None => write!(f, "{} failed {ms}ms", self.name),
        }
    }
}

/// Whole milliseconds, as the log shows every duration.
pub fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
