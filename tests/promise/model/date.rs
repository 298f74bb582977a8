//! The two forms in which an Engine writes a moment.

use std::time::{Duration, UNIX_EPOCH};

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The moment of the virtual clock's zero, in Unix seconds.
const EPOCH: u64 = 1_790_000_000;

/// The Unix seconds of a moment of the virtual clock.
pub fn unix(now: Duration) -> u64 {
    EPOCH + now.as_secs()
}

/// The form of the `Date` header: `Sun, 06 Nov 1994 08:49:37 GMT`.
pub fn imf_fixdate(unix: u64) -> String {
    httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(unix))
}

/// The form of the moments in an Engine's bodies, which have fractions.
pub fn rfc3339(unix: u64) -> String {
    let moment = UNIX_EPOCH + Duration::from_millis(unix * 1000 + 250);
    let text = OffsetDateTime::from(moment).format(&Rfc3339);
    text.expect("a year of four digits")
}
