//! Each call that a proxy lets through, and the bodies that it must not have.

use super::engine_proxy::EngineProxy;

const JSON: &str = "application/json";
const TAR: &str = "application/x-tar";
/// An Engine takes parameters from a body of this type, before those of the query.
pub const FORM: &str = "application/x-www-form-urlencoded";

/// A call: its name in the table, its request line, and the content type of its body.
pub type Listed = (&'static str, String, Option<&'static str>);

/// Each call to an Engine, about this container.
pub fn of_engine(id: &str) -> Vec<Listed> {
    let name = format!("da-{}", "0a".repeat(20));
    let volume = format!("da-{}-3600", "0a".repeat(32));
    let list = |what: &str, filter: &str| format!("GET /{what}filters=%7B%22{filter}%22%5D%7D");
    let containers = |filter: &str| list("containers/json?all=true&", filter);
    let ours = "label%22%3A%5B%22dynamic-access.deployment%3Dda";
    let calls = [
        format!("POST /containers/create?name={name}"),
        format!("PUT /containers/{id}/archive?path=%2Frun%2Fdynamic-access"),
        format!("POST /containers/{id}/start"),
        format!("POST /containers/{id}/stop?t=0"),
        format!("GET /containers/{id}/json"),
        format!("GET /containers/{id}/stats?one-shot=true&stream=false"),
        format!("DELETE /containers/{id}?v=true"),
        format!("DELETE /containers/{id}?force=true&v=true"),
        containers(&format!("id%22%3A%5B%22{id}")),
        containers(&format!("name%22%3A%5B%22%5E%2F%3F{name}%24")),
        containers(ours),
        "POST /volumes/create".to_owned(),
        list("volumes?", ours),
        format!("DELETE /volumes/{volume}"),
        "GET /images/dynamic-access-agent/json".to_owned(),
        "POST /images/create?fromImage=r.example.com%2Fa&tag=1".to_owned(),
        list("networks?", "name%22%3A%5B%22dynamic-access"),
    ];
    named(
        include_str!("../../../../deploy/engine-proxy/calls.txt"),
        &calls,
    )
}

/// Each call to the managers of a Swarm.
pub fn of_swarm() -> Vec<Listed> {
    const ID: &str = "0123456789abcdefghijklmnz";
    let name = format!("da-{}", "0a".repeat(20));
    let attempt = "0a".repeat(16);
    let list = |what: &str, filter: &str| format!("GET /{what}?filters=%7B%22{filter}%22%5D%7D");
    let label =
        |what: &str, label: &str| list(what, &format!("label%22%3A%5B%22dynamic-access.{label}"));
    let calls = [
        "POST /services/create".to_owned(),
        format!("GET /services/{ID}"),
        format!("POST /services/{ID}/update?version=1"),
        format!("DELETE /services/{ID}"),
        list("services", &format!("id%22%3A%5B%22{ID}")),
        list("services", &format!("name%22%3A%5B%22{name}")),
        label("services", "deployment%3Dda"),
        label("tasks", "deployment%3Dda"),
        label("tasks", &format!("name%3D{name}")),
        "POST /secrets/create".to_owned(),
        label("secrets", &format!("attempt%3D{attempt}")),
        label("secrets", "deployment%3Dda"),
        format!("DELETE /secrets/{ID}"),
        "GET /nodes".to_owned(),
        list("networks", "name%22%3A%5B%22dynamic-access"),
    ];
    named(include_str!("../../../../deploy/swarm/calls.txt"), &calls)
}

/// Gives each call its line in the table, of which none may be left out.
fn named(table: &'static str, calls: &[String]) -> Vec<Listed> {
    let is_call = |line: &&str| !line.is_empty() && !line.starts_with('#');
    let lines: Vec<_> = table.lines().filter(is_call).collect();
    assert_eq!(lines.len(), calls.len(), "{lines:?}");
    let of = |(line, call): (&&'static str, &String)| {
        let mut columns = line.split_whitespace();
        let name = columns.next().expect("a name");
        let content_type = columns.nth(1).filter(|content_type| *content_type != "-");
        (name, format!("{call} HTTP/1.1"), content_type)
    };
    lines.iter().zip(calls).map(of).collect()
}

/// Checks that a proxy refuses each call with each body that it does not have, and
/// has known the call.
#[track_caller]
pub fn check_wrong_bodies(proxy: &EngineProxy, calls: &[Listed]) {
    for (name, line, content_type) in calls {
        for (headers, body) in wrong(*content_type) {
            let answer = proxy.ask(line, &headers, body.as_bytes());
            let is_refused = matches!(answer.status, 411 | 415);
            let has_words = answer.body.contains("dynamic-access engine proxy: ");
            assert!(is_refused && has_words, "{line} {headers}: {answer:?}");
        }
        proxy.logged(&[&format!("[{name}]"), " 415 "]);
    }
}

/// Headers and bodies that are wrong for a call whose body has the type `right`.
fn wrong(right: Option<&'static str>) -> Vec<(String, String)> {
    let own = right.unwrap_or(JSON);
    let mut types = vec![
        FORM.to_owned(),
        FORM.to_uppercase(),
        format!("{FORM}; charset=utf-8"),
        "multipart/form-data; boundary=b".to_owned(),
        "text/plain".to_owned(),
        // Two headers.
        format!("{FORM}\r\ncontent-type: {own}"),
    ];
    for known in [JSON, TAR] {
        let charset = if right == Some(known) {
            "; charset=utf-8"
        } else {
            ""
        };
        types.extend([
            format!("{known}{charset}"),
            known.to_uppercase(),
            format!("{known};"),
            format!("{known}, {FORM}"),
        ]);
    }
    let form = "fromImage=&fromSrc=-&repo=planted&t=0&force=true&filters=%7B%7D";
    let length = format!("content-length: {}\r\n", form.len());
    let mut all = vec![(length.clone(), form.to_owned())];
    for one in &types {
        let typed = format!("content-type: {one}\r\n");
        all.push((format!("{typed}{length}"), form.to_owned()));
        all.push((format!("{typed}content-length: 0\r\n"), String::new()));
    }
    for one in [FORM].into_iter().chain(right) {
        let head = format!("content-type: {one}\r\ntransfer-encoding: chunked\r\n");
        let body = format!("{:x}\r\n{form}\r\n0\r\n\r\n", form.len());
        all.push((head, body));
    }
    all
}
