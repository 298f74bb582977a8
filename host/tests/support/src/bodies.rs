//! Each call that a proxy lets through, and the bodies that it must not have.

pub use dynamic_access_admin::proxy_config::calls::Scheduler;
use dynamic_access_admin::proxy_config::calls::{Call, table};
use proptest::strategy::{Strategy, ValueTree};
use proptest::string::string_regex;
use proptest::test_runner::TestRunner;

use super::engine_proxy::EngineProxy;

const JSON: &str = "application/json";
const TAR: &str = "application/x-tar";
/// An Engine takes parameters from a body of this type, before those of the query.
pub const FORM: &str = "application/x-www-form-urlencoded";

/// A call: its name in the table, its request line, and the content type of its body.
pub type Listed = (String, String, Option<String>);

/// Each call of a table, with the shortest request that it admits.
pub fn calls(scheduler: Scheduler) -> Vec<Listed> {
    let mut runner = TestRunner::deterministic();
    let mut listed = |call: Call| {
        let targets = string_regex(&call.target).expect("a regular expression");
        let mut target = targets.new_tree(&mut runner).expect("it admits something");
        while target.simplify() {}
        let line = format!("{} {} HTTP/1.1", call.method, target.current());
        (call.name, line, call.content_type)
    };
    let table = table(scheduler).expect("a table");
    table.into_iter().map(&mut listed).collect()
}

/// Checks that a proxy refuses each call with each body that it does not have, and
/// has known the call.
#[track_caller]
pub fn check_wrong_bodies(proxy: &EngineProxy, scheduler: Scheduler) {
    for (name, line, content_type) in calls(scheduler) {
        for (headers, body) in wrong(content_type.as_deref()) {
            let answer = proxy.ask(&line, &headers, body.as_bytes());
            let is_refused = matches!(answer.status, 411 | 415);
            let has_words = answer.body.contains("dynamic-access engine proxy: ");
            assert!(is_refused && has_words, "{line} {headers}: {answer:?}");
        }
        proxy.logged(&[&format!("[{name}]"), " 415 "]);
    }
}

/// Headers and bodies that are wrong for a call whose body has the type `right`.
fn wrong(right: Option<&str>) -> Vec<(String, String)> {
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
        let is_right = right == Some(known);
        types.extend([
            format!("{known}{}", if is_right { "; charset=utf-8" } else { "" }),
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
