//! Log lines: their members, their length and their secrets.

use super::*;
use crate::call_notes::CallNote;
use crate::caller::Role;
use crate::docker::target::tests::{ID, aged};
use crate::error::EngineError;

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

/// A line with these calls and notes and this error, which shows none of these secrets.
fn line(secrets: &[&str], calls: &Calls, error: Option<&Error>, notes: &[String]) -> Value {
    let secrets: Vec<_> = secrets.iter().map(|secret| Secret::new(*secret)).collect();
    let line = LogLine {
        request_id: "id",
        route: "/start",
        status: Some(200),
        took: Duration::from_millis(251),
        caller: Some(Caller {
            role: Role::Api,
            position: 2,
        }),
        event: Some(Event::TargetStart),
        subject: &Subject {
            container: Some(ID.to_owned()),
            environment: Some("environment-of-mine".to_owned()),
            image: Some("sha256:0123".to_owned()),
        },
        trace: Some(TRACE),
        calls,
        notes,
        error,
        secrets: &secrets,
    };
    serde_json::from_str(&line.to_json()).expect("json")
}

#[test]
fn a_line_is_json_and_leaves_out_what_is_absent() {
    let mut calls = Calls::default();
    for (name, status) in [("create", Some(201)), ("start", None)] {
        let took = Duration::from_millis(9);
        calls.notes.push(CallNote { name, status, took });
    }
    let expected = serde_json::json!({
        "request": "id",
        "route": "/start",
        "status": 200,
        "ms": 251,
        "by": "api_secret 2",
        "event": "target.start",
        "outcome": "success",
        "container": ID,
        "environment": "environment-of-mine",
        "image": "sha256:0123",
        "trace": TRACE,
        "calls": ["create 201 9ms", "start failed 9ms"],
    });
    assert_eq!(line(&[], &calls, None, &[]), expected);
}

#[test]
fn a_field_of_the_request_that_is_a_secret_is_redacted() {
    for secret in [
        TRACE,
        "0AF76519-16CD-43DD-8448-EB211C80319C",
        "\"build-0af7651916cd43dd8448eb211c80319c\"",
        ID,
        "environment-of-mine",
    ] {
        let line = line(&[secret], &Calls::default(), None, &[]);
        let (mut hidden, mut shown) = (0, 0);
        for (name, value) in [
            ("trace", TRACE),
            ("container", ID),
            ("environment", "environment-of-mine"),
        ] {
            hidden += u32::from(line[name] == "[redacted]");
            shown += u32::from(line[name] == value);
        }
        assert_eq!((hidden, shown), (1, 2), "{secret}: {line}");
    }
}

#[test]
fn each_reaped_container_has_a_line() {
    let environment = ("dynamic-access.environment-id", "e");
    let found = aged("exited", None, &[environment]);
    let ended = Reason::Ended { exit_code: Some(3) };
    let fault = Fault::Nonsense("a planted-one word".to_owned());
    let failed = |fault| (found.clone(), Reason::Expired, fault);
    let report = Report {
        removed: vec![(found.clone(), ended)],
        failed: vec![failed(fault), failed(Fault::TimedOut)],
        ..Report::default()
    };
    let lines = reap_lines("id", None, &report, &[Secret::new("planted-one")]);
    let lines = lines.iter().map(|line| serde_json::from_str(line));
    let lines: Vec<Value> = lines.collect::<Result<_, _>>().expect("json");
    let mut expected = serde_json::json!({
        "request": "id",
        "event": "target.reap",
        "outcome": "success",
        "code": "ended",
        "container": found.id.as_str(),
        "environment": "e",
        "image": "sha256:0123",
        "exit_code": 3,
    });
    assert_eq!(lines[0], expected);
    let members = expected.as_object_mut().expect("an object");
    members.remove("exit_code");
    members["outcome"] = "failure".into();
    members["code"] = "expired".into();
    let words = "not an Engine's answer: a [redacted] word";
    members.insert("error".to_owned(), words.into());
    assert_eq!(lines[1], expected);
    // The Engine may still finish it.
    assert_eq!(lines[2]["outcome"], "unknown");
}

#[test]
fn a_long_wait_and_long_messages_of_a_peer_do_not_make_a_long_line() {
    let mut calls = Calls::default();
    for _ in 0..40 {
        calls.notes.push(CallNote {
            name: "list",
            status: Some(200),
            took: Duration::ZERO,
        });
    }
    let line = line(&[], &calls, None, &vec!["x".repeat(5000); 40]);
    assert_eq!(line["calls"].as_array().map(Vec::len), Some(32));
    assert_eq!(line["calls_omitted"], 8);
    assert_eq!(line["notes"].as_array().map(Vec::len), Some(32));
    assert_eq!(line["notes"][0].as_str().map(str::len), Some(400));
    assert_eq!(line["notes_omitted"], 8);
}

#[test]
fn every_problem_with_the_variables_is_named() {
    let problems = ["first", "second", "third"].map(|name| format!("{name} {}", "x".repeat(2_000)));
    let error = Error::Misconfigured(format!("docker_url {}", problems.join("; ")));
    let line = line(&[], &Calls::default(), Some(&error), &[]);
    let told = line["error"].as_str().expect("an error");
    for problem in problems {
        assert!(told.contains(&problem), "{told}");
    }
}

#[test]
fn a_peers_echo_of_a_secret_is_redacted() {
    let fault = Fault::Nonsense("a planted-one\nsown-one word".to_owned());
    let error = Error::Engine(EngineError::Failed(fault));
    // The second note has a secret at its length limit.
    let notes = [
        "planted-one".to_owned(),
        format!("{}planted-one", "x".repeat(396)),
    ];
    let secrets = ["sown-one", "planted-one"];
    let line = line(&secrets, &Calls::default(), Some(&error), &notes);
    let told = line["error"].as_str().expect("an error");
    assert!(
        told.contains("answer: a [redacted]\n[redacted] word; check"),
        "{told}"
    );
    assert_eq!(line["notes"][0], "[redacted]");
    assert!(!line.to_string().contains("plan"), "{line}");
}

#[test]
fn a_secret_within_another_and_one_that_is_escaped_are_redacted_whole() {
    let secrets = ["password1", "password123456", "two\nlines \"here\""].map(Secret::new);
    for echo in [
        "password123456",
        "two\nlines \"here\"",
        r#"two\nlines \"here\""#,
    ] {
        assert_eq!(redacted(&format!("a {echo} b"), &secrets), "a [redacted] b");
    }
}

// It may be found by chance.
#[test]
fn a_short_secret_is_not_redacted() {
    let short = ["", "0", "0123456"].map(Secret::new);
    assert_eq!(
        redacted("container 0123456789ab", &short),
        "container 0123456789ab"
    );
}
