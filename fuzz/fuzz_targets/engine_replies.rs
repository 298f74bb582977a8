//! Replies of the Engine, to every reader: whatever is read as an id is one,
//! and whatever is not understood is a fault.
#![no_main]

use dynamic_access::docker::create::{Outcome, create};
use dynamic_access::docker::{
    ContainerName, DeploymentId, ImageReference, Reply, TargetId, image, inspect, list, remove,
    start,
};
use dynamic_access::secret::Secret;
use http::{HeaderValue, Response, StatusCode};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fn check_id(id: &TargetId) {
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
    let deployment = DeploymentId::parse("da").expect("an id");
    let name = ContainerName::from_token(&deployment, &Secret::new("token"));
    let image = ImageReference::parse("agent").expect("an image");
    let id = TargetId::parse(&"0a".repeat(32)).expect("an id");
    if let Ok(Outcome::Created { id, .. }) = create(&name, &Value::Null).read(&reply) {
        check_id(&id);
    }
    for listed in list::listed(&reply).unwrap_or_default() {
        check_id(&listed.id);
    }
    let runs = start::start(&id).read(&reply) == Ok(Ok(()));
    assert!(!runs || reply.status() < 400);
    let _ = inspect::inspect(&id).read(&reply);
    let _ = image::inspect(&image).read(&reply);
    let _ = remove::remove(&id).read(&reply);
    let _ = reply.fault().to_string();
});
