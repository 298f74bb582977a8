//! Replies of the Engine, to every reader: whatever is read as an id is one,
//! and whatever is not understood is a fault.
#![no_main]

use dynamic_access::docker::create::{self, Created};
use dynamic_access::docker::{ContainerId, Reply, image, inspect, list, remove, start};
use http::{HeaderValue, Response, StatusCode};
use libfuzzer_sys::fuzz_target;

fn check_id(id: &ContainerId) {
    assert_eq!(id.as_str().len(), 64);
    assert!(
        id.as_str()
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    );
}

/// Any status, or one of those that mean something.
fn status(number: u16) -> StatusCode {
    const KNOWN: [u16; 8] = [200, 201, 204, 304, 404, 409, 500, 503];
    let known = KNOWN[usize::from(number) % KNOWN.len()];
    let status = StatusCode::from_u16(if number < 1000 { number } else { known });
    status.unwrap_or(StatusCode::OK)
}

fuzz_target!(|input: (u16, &str, &[u8])| {
    let (number, date, body) = input;
    let mut response = Response::new(body.to_vec());
    *response.status_mut() = status(number);
    if let Ok(date) = HeaderValue::from_str(date) {
        response.headers_mut().insert("date", date);
    }
    let reply = Reply::new(response);
    if let Ok(Created::Created { id, .. }) = create::created(&reply) {
        check_id(&id);
    }
    for listed in list::listed(&reply).unwrap_or_default() {
        check_id(&listed.id);
    }
    assert!(start::started(&reply).is_err() || body.is_empty() || reply.status() < 400);
    let _ = inspect::inspected(&reply);
    let _ = image::inspected(&reply);
    let _ = remove::removed(&reply);
    let _ = reply.fault().to_string();
});
