//! Headers, in the core's type and in WASI's. Each direction takes one call to the host.
//! The host bounds their number.

use http::{HeaderMap, HeaderName, HeaderValue};
use wasip2::http::types::Fields;

/// These headers for WASI; `None` if it reserves one of the names.
pub fn to_wasi(headers: &HeaderMap) -> Option<Fields> {
    let entry = |(name, value): (&HeaderName, &HeaderValue)| {
        (name.as_str().to_owned(), value.as_bytes().to_vec())
    };
    let entries: Vec<_> = headers.iter().map(entry).collect();
    Fields::from_list(&entries).ok()
}

/// The `used` headers among `fields`; `None` if one of them is not valid HTTP.
pub fn from_wasi(fields: &Fields, used: &[HeaderName]) -> Option<HeaderMap> {
    let mut headers = HeaderMap::new();
    for (name, value) in fields.entries() {
        let mut used = used.iter();
        if let Some(name) = used.find(|used| used.as_str().eq_ignore_ascii_case(&name)) {
            headers.append(name, HeaderValue::try_from(value).ok()?);
        }
    }
    Some(headers)
}
