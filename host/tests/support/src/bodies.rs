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
    let table = include_str!("../../../../deploy/engine-proxy/calls.txt");
    let name = format!("da-{}", "0a".repeat(20));
    let list =
        |filter: &str| format!("GET /containers/json?all=true&filters=%7B%22{filter}%22%5D%7D");
    let container = |method: &str, rest: &str| format!("{method} /containers/{id}{rest}");
    named(
        table,
        &[
            (format!("POST /containers/create?name={name}"), Some(JSON)),
            (
                container("PUT", "/archive?path=%2Frun%2Fdynamic-access"),
                Some(TAR),
            ),
            (container("POST", "/start"), None),
            (container("POST", "/stop?t=0"), None),
            (container("GET", "/json"), None),
            (container("DELETE", "?v=true"), None),
            (container("DELETE", "?force=true&v=true"), None),
            (list(&format!("id%22%3A%5B%22{id}")), None),
            (list(&format!("name%22%3A%5B%22%5E%2F%3F{name}%24")), None),
            (
                list("label%22%3A%5B%22dynamic-access.deployment%3Dda"),
                None,
            ),
            ("POST /volumes/create".to_owned(), Some(JSON)),
            (
                "GET /volumes?filters=%7B%22label%22%3A%5B%22dynamic-access.deployment%3Dda%22%5D%7D"
                    .to_owned(),
                None,
            ),
            (format!("DELETE /volumes/da-{}-3600", "0a".repeat(32)), None),
            ("GET /images/dynamic-access-agent/json".to_owned(), None),
            (
                "POST /images/create?fromImage=r.example.com%2Fa&tag=1".to_owned(),
                None,
            ),
            (network(), None),
        ],
    )
}

/// Each call to the managers of a Swarm.
pub fn of_swarm() -> Vec<Listed> {
    const ID: &str = "0123456789abcdefghijklmnz";
    let table = include_str!("../../../../deploy/swarm/calls.txt");
    let name = format!("da-{}", "0a".repeat(20));
    let list = |filter: &str| format!("GET /{}%22%5D%7D", filter.replace('?', "?filters=%7B%22"));
    let label =
        |kind: &str, label: &str| list(&format!("{kind}?label%22%3A%5B%22dynamic-access.{label}"));
    named(
        table,
        &[
            ("POST /services/create".to_owned(), Some(JSON)),
            (format!("GET /services/{ID}"), None),
            (format!("POST /services/{ID}/update?version=1"), Some(JSON)),
            (format!("DELETE /services/{ID}"), None),
            (list(&format!("services?id%22%3A%5B%22{ID}")), None),
            (list(&format!("services?name%22%3A%5B%22{name}")), None),
            (label("services", "deployment%3Dda"), None),
            (label("tasks", "deployment%3Dda"), None),
            (label("tasks", &format!("name%3D{name}")), None),
            ("POST /secrets/create".to_owned(), Some(JSON)),
            (
                label("secrets", &format!("attempt%3D{}", "0a".repeat(16))),
                None,
            ),
            (label("secrets", "deployment%3Dda"), None),
            (format!("DELETE /secrets/{ID}"), None),
            ("GET /nodes".to_owned(), None),
            (network(), None),
        ],
    )
}

fn network() -> String {
    "GET /networks?filters=%7B%22name%22%3A%5B%22dynamic-access%22%5D%7D".to_owned()
}

/// Gives each call the name of its line in the table, of which none may be left out.
fn named(table: &'static str, calls: &[(String, Option<&'static str>)]) -> Vec<Listed> {
    let lines = table.lines().filter(|line| !line.starts_with('#'));
    let names: Vec<_> = lines
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert_eq!(names.len(), calls.len(), "{names:?}");
    let named = names.into_iter().zip(calls);
    named
        .map(|(name, (line, content_type))| (name, format!("{line} HTTP/1.1"), *content_type))
        .collect()
}

/// Checks that a proxy refuses each call with each body that it does not have, and
/// has known the call.
#[track_caller]
pub fn check_wrong_bodies(proxy: &EngineProxy, calls: &[Listed]) {
    for (name, line, content_type) in calls {
        for (headers, body) in wrong(*content_type) {
            let answer = proxy.client().ask(line, &headers, body.as_bytes());
            let answer = answer.unwrap_or_else(|| panic!("no answer: {line} {headers}"));
            let is_refused = matches!(answer.status, 411 | 415);
            let has_words = answer.body.contains("dynamic-access engine proxy: ");
            assert!(is_refused && has_words, "{line} {headers}: {answer:?}");
        }
        proxy.logged(&[&format!("[{name}]"), " 415 "]);
    }
}

/// Headers and bodies that are wrong for a call whose body has the type `right`.
fn wrong(right: Option<&'static str>) -> Vec<(String, String)> {
    let capitals = FORM.to_uppercase();
    let with_charset = format!("{FORM}; charset=utf-8");
    let mut types: Vec<Vec<String>> = [
        FORM,
        &capitals,
        &with_charset,
        "multipart/form-data; boundary=b",
        "text/plain",
    ]
    .map(|content_type| vec![content_type.to_owned()])
    .into();
    types.push(vec![FORM.to_owned(), right.unwrap_or(JSON).to_owned()]);
    for known in [JSON, TAR] {
        types.push(match right {
            Some(right) if right == known => vec![format!("{known}; charset=utf-8")],
            _ => vec![known.to_owned()],
        });
        types.push(vec![known.to_uppercase()]);
        types.push(vec![format!("{known};")]);
        types.push(vec![format!("{known}, {FORM}")]);
    }
    let form = "fromImage=&fromSrc=-&repo=planted&t=0&force=true&filters=%7B%7D";
    let typed = |types: &[String]| -> String {
        types
            .iter()
            .map(|one| format!("content-type: {one}\r\n"))
            .collect()
    };
    let of_length = |types: &[String], body: &str| {
        let head = format!("{}content-length: {}\r\n", typed(types), body.len());
        (head, body.to_owned())
    };
    let with_body = types.iter().map(|types| of_length(types, form));
    let without_body = types.iter().map(|types| of_length(types, ""));
    let untyped = of_length(&[], form);
    let chunked = [FORM].into_iter().chain(right).map(|one| {
        let head = format!("content-type: {one}\r\ntransfer-encoding: chunked\r\n");
        (head, format!("{:x}\r\n{form}\r\n0\r\n\r\n", form.len()))
    });
    let all = with_body.chain(without_body).chain([untyped]);
    all.chain(chunked).collect()
}
