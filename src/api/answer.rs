//! The answers of `/v1` that are not failures.

use http::header::LOCATION;
use http::{HeaderValue, StatusCode};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::answer::{answer, json_answer, not_stored};
use crate::platform::HttpResponse;
use crate::target_view::TargetView;

/// The targets, in order.
pub fn targets(targets: &[TargetView]) -> HttpResponse {
    let targets: Vec<Value> = targets.iter().map(json_of).collect();
    not_stored(json_answer(StatusCode::OK, &json!({"targets": targets})))
}

/// One target.
pub fn target(target: &TargetView) -> HttpResponse {
    not_stored(json_answer(StatusCode::OK, &json_of(target)))
}

/// A running target: 201 if this request has started it, 200 if it already ran.
pub fn started(target: &TargetView, is_new: bool) -> HttpResponse {
    let status = if is_new {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    let mut response = not_stored(json_answer(status, &json_of(target)));
    let location = format!("/v1/targets/{}", target.id.as_str());
    let location = HeaderValue::try_from(location).expect("an id is letters and digits");
    response.headers_mut().insert(LOCATION, location);
    response
}

/// The OpenAPI document, which describes all routes.
pub fn document() -> HttpResponse {
    const DOCUMENT: &str = include_str!("openapi.json");
    answer(StatusCode::OK, "application/json", DOCUMENT.into())
}

/// The answer to the removal of a target.
pub fn stopped() -> HttpResponse {
    let mut response = HttpResponse::default();
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

fn json_of(target: &TargetView) -> Value {
    let mut shown = json!({
        "id": target.id.as_str(),
        "environment": target.environment,
        "image": target.image,
        "state": target.state.word(),
        "ready": target.ready,
        "created": rfc3339(target.created),
        "expires": rfc3339(target.expires),
        "exitCode": target.exit_code,
        "endpoints": {},
        "owner": target.owner,
        "labels": target.labels,
    });
    for endpoint in &target.endpoints {
        shown["endpoints"][&endpoint.port.name] = json!({
            "host": endpoint.host,
            "port": endpoint.host_port,
            "protocol": endpoint.port.protocol.word(),
        });
    }
    if let Some(address) = &target.address {
        shown["address"] = json!(address);
    }
    // An Engine's targets are all on one host.
    if target.id.is_of_service() {
        shown["node"] = json!(target.node);
    }
    shown
}

/// A time in the form of RFC 3339.
fn rfc3339(time: OffsetDateTime) -> String {
    // Only a year beyond 9999 has no such form.
    time.format(&Rfc3339).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use http::header::CACHE_CONTROL;

    use super::*;
    use crate::config::tests::config;
    use crate::docker::ports::Protocol;
    use crate::docker::ports::tests::published;
    use crate::docker::target::tests::aged;

    fn json_of(response: &HttpResponse) -> Value {
        assert_eq!(response.headers()[CACHE_CONTROL], "no-store");
        serde_json::from_slice(response.body()).expect("json")
    }

    #[test]
    fn a_target_shows_what_it_is_and_no_more() {
        let labels = [
            ("dynamic-access.environment-id", "e"),
            ("dynamic-access.max-lifetime", "3600"),
            ("dynamic-access.owner", "o"),
            ("dynamic-access.labels", r#"{"a":"1"}"#),
            ("other", "planted"),
        ];
        let mut shown = TargetView::new(&aged("exited", Some(1), &labels), &config(&[]));
        shown.exit_code = Some(137);
        let id = shown.id.as_str().to_owned();
        let expected = json!({
            "id": id, "environment": "e", "image": "agent", "state": "ended", "ready": null,
            "created": "2026-11-23T01:00:00Z", "expires": "2026-11-23T02:00:00Z",
            "exitCode": 137, "endpoints": {}, "owner": "o", "labels": {"a": "1"},
        });
        assert_eq!(json_of(&target(&shown)), expected);
        for (is_new, status) in [(true, 201), (false, 200)] {
            let response = started(&shown, is_new);
            assert_eq!(response.status().as_u16(), status);
            assert_eq!(response.headers()[LOCATION], format!("/v1/targets/{id}"));
            assert_eq!(json_of(&response), expected);
        }
        let list = json_of(&targets(&[shown]));
        assert_eq!(list, json!({"targets": [expected]}));
    }

    #[test]
    fn a_target_that_runs_shows_where_it_is() {
        let ports = ("dynamic-access.ports", "ssh=22/tcp,dns=53/udp");
        let mut container = aged("running", None, &[ports]);
        container.address = Some("172.18.0.5".to_owned());
        let ports = [(22, Protocol::Tcp, 40109), (53, Protocol::Udp, 40110)];
        let host = Some("127.0.0.1");
        let ports = ports.map(|(number, protocol, port)| published(number, protocol, host, port));
        container.published = ports.to_vec();
        let body = json_of(&target(&TargetView::new(&container, &config(&[]))));
        assert_eq!(body["address"], "172.18.0.5");
        let expected = json!({
            "ssh": {"host": "127.0.0.1", "port": 40109, "protocol": "tcp"},
            "dns": {"host": "127.0.0.1", "port": 40110, "protocol": "udp"},
        });
        assert_eq!(body["endpoints"], expected);
    }
}
