//! Conversations in words, as rows:
//! `[variable=value, variable=value] request > call: reply; call: reply => outcome`.
//!
//! * The variables may be left out, and the request if it is that of the other rows.
//!   Requests are in the words of [`crate::requests`], calls in those of [`crate::script`],
//!   replies in those of [`crate::replies`]. `call: reply * 3` is three calls. Words in
//!   capitals are [`NAMES`].
//! * An outcome is a status, or the code of an error; then, in backticks, parts of its
//!   text, and after `not` what must not be in it. The text ends with the time that it
//!   took.
//! * `(a | b)` makes a row of each.
//!
//! A row may have several lines, and ends with its outcome.

use dynamic_access::platform::Platform;

use crate::requests::outcome;
use crate::script::{Changes, run};

/// Names of sequences of calls, and of variables. A `$` stands for the words after a colon.
const NAMES: &str = r#"
    PULLING = image_pull=missing, agent_image=r.example.com/agent:1

    COUNTED = create; list all: created
    WRITTEN = COUNTED; archive
    STARTED = WRITTEN; start
    STARTED_UNREADY = STARTED; inspect: running /State/Health={"Status":"starting"}
    CLEANED = list by id: created; remove
    TAKEN = create: 409 Conflict.
    FOUND = list by name: running; inspect; stats: 3
    OF_KEY = list by name: running name=dynamic-access-5353c9fa5771f15ece767931f7c3784ae6cea424
        /Names=["/dynamic-access-5353c9fa5771f15ece767931f7c3784ae6cea424"] $
    GONE = $: 404 No such container: 0123456789ab; list by id: none; list by name: none
    NO_IMAGE = create: 404 No such image: r.example.com/agent:1
    TO_PULL = NO_IMAGE; list all: none
    UNKNOWN = create: 500 the container name da-1 is already in use by 0123abcd.
        You have to remove that container
    UNLISTED = UNKNOWN; list by name: none
    PORT_TAKEN = WRITTEN;
        start: 500 Bind for 127.0.0.1:40109 failed: port is already allocated;
        CLEANED; list by name: none
    YOUNG = list by id: running max-lifetime=120 max-renewed=3600 $
    RENEWED = list volumes: 300s + other 3000s + 240s
    UNLISTED_RENEWALS = list volumes: 403 dynamic-access engine proxy: not listed
    WITH_PORT = $: running ports=ssh=22/tcp
        /Ports=[{"IP":"127.0.0.1","PrivatePort":22,"PublicPort":40109,"Type":"tcp"}]
        /NetworkSettings={"Networks":{"n":{"IPAddress":"172.18.0.5"}}}
    ABSENT = look up the image: 404 no such image: x
    WELL = look up the image; look up the network

    ON_NETWORK = look up the network: dynamic-access null
    LOOKED = list own tasks: $
    WITH_SECRET = create service; list unvouched services: 0; list tasks: none; create secret
    CHECKED = look up service: 0; list nodes
    UPDATED = WITH_SECRET; CHECKED; update
    STALE = update: 500 rpc error: code = Unknown desc = update out of sequence
    SEEN = find service: 1; LOOKED: running
    VOUCHED = look up service: 1; update
    RUNS = LOOKED: running; SEEN; VOUCHED
    THEIRS = look up service: $ attempt=theirs; list nodes
    RUNS_ELSEWHERE = UPDATED; LOOKED: running; SEEN; THEIRS: 1; update
    REPEATED = create service: 409 name conflicts;
        find service by name: 1; LOOKED: running; SEEN
    RENEWED_MEANWHILE = find service: 1 vouched max-lifetime=120 max-renewed=3600 renewed=0;
        LOOKED: running; THEIRS: 1 vouched max-lifetime=120 max-renewed=3600 renewed=$
    OLD = list services: $ /CreatedAt=2026-11-23T00:00:50.123456789Z
    EXPIRED = list services: $ /CreatedAt=2026-11-01T00:00:00Z
    DELETED = delete service; list own secrets
    ENDED = update; LOOKED: none; DELETED
    UNSTARTED = look up service: 0; LOOKED: none
    ENDED_UNSTARTED = find service: 0; LOOKED: none; UNSTARTED; ENDED
    ENDED_WITH = find service: 1; LOOKED: $; look up service: 1; LOOKED: $; ENDED
    TRIED = UPDATED; LOOKED: $; ENDED_WITH: $
    GIVEN_UP = UPDATED; LOOKED: $ * 63; ENDED_WITH: $
    LATE = UPDATED; LOOKED: $ * 118; ENDED_WITH: $
    IN_NO_TIME = UPDATED; LOOKED: $ * 53; ENDED_WITH: $
    REJECTED_LATE = UPDATED; LOOKED: preparing * 106;
        LOOKED: rejected shutdown: No such image: agent;
        ENDED_WITH: rejected shutdown: No such image: agent
    NO_NODE = GIVEN_UP: pending nowhere:
        no suitable node (scheduling constraints not satisfied on 3 nodes)
    FULL = TRIED: failed shutdown 128: starting container failed:
        failed to set up container networking: failed to create endpoint x on network targets:
        no available IPv4 addresses on this network's address pools: targets (y)
    UNHEALTHY = LOOKED: $; find service: 1; LOOKED: $; find service: 1; LOOKED: $
    FENCED = look up service: 0 fenced; find service: 0 fenced; LOOKED: none;
        look up service: 0 fenced; LOOKED: none; LOOKED: none; DELETED
    STOPPING = find service: 0 vouched fenced; LOOKED: running remove;
        look up service: 0 vouched fenced
    DELETING = find service: none; list tasks: running remove;
        look up service: 404 service x not found

    TASK_WITH_PORT = $: running
        /Status/PortStatus={"Ports":[{"Protocol":"tcp","TargetPort":22,"PublishedPort":40109,"PublishMode":"host"}]}
    FOUND_WITH_PORT = find service: 1 vouched ports=ssh=22/tcp; TASK_WITH_PORT: list own tasks
    LIST_WITH_PORT = list services: 1 vouched ports=ssh=22/tcp; TASK_WITH_PORT: list tasks
    NODE = list nodes: 200 [{"ID":"n","Status":{"State":"ready","Addr":"192.0.2.21"},
        "Spec":{"Role":"worker","Availability":"active"}}]
"#;

/// The text with this name, which ends before the next name.
pub fn named(name: &str) -> Option<String> {
    let (_, text) = NAMES.split_once(&format!("\n    {name} = "))?;
    let (first, rest) = text.split_once('\n')?;
    let rest = rest.lines().take_while(|line| line.starts_with("        "));
    Some(rest.fold(first.to_owned(), |text, line| text + " " + line.trim()))
}

/// The rows of a text, without alternatives.
fn rows(text: &str) -> Vec<String> {
    let mut rows: Vec<String> = Vec::new();
    let mut is_whole = true;
    let lines = text.lines().map(str::trim);
    for line in lines.filter(|line| !line.is_empty() && !line.starts_with("//")) {
        // A line of parts of a text belongs to the outcome before it.
        let is_next = is_whole && !line.starts_with('`');
        if is_next {
            rows.push(String::new());
        }
        let row = rows.last_mut().expect("a row begins with its calls");
        *row = format!("{row} {line}");
        is_whole = row.contains("=> ");
    }
    assert!(
        is_whole && !rows.is_empty(),
        "no row, or one without its outcome"
    );
    rows.iter().flat_map(|row| expanded(row)).collect()
}

/// A text with one of each `(a | b)`.
fn expanded(text: &str) -> Vec<String> {
    let Some(bar) = text.find(" | ") else {
        return vec![text.to_owned()];
    };
    let place = text[..bar].rfind('(').zip(text[bar..].find(')'));
    let (start, length) = place.expect("alternatives stand in parentheses");
    let end = bar + length;
    let all = text[start + 1..end].split(" | ");
    all.flat_map(|one| expanded(&format!("{}{one}{}", &text[..start], &text[end + 1..])))
        .collect()
}

/// Makes a request along each row, unless the row has another, with these variables where
/// the row has none.
#[track_caller]
pub fn check(usual: &Changes, request: &str, text: &str) {
    for row in rows(text) {
        println!("{row}");
        let (calls, expected) = row.rsplit_once("=> ").expect("a row has an outcome");
        let calls = calls.trim_start();
        let bracketed = calls.strip_prefix('[');
        let (set, calls) = bracketed.map_or(("", calls), |rest| {
            rest.split_once("] ").expect("the end of the variables")
        });
        let words = set.split(", ");
        let words = words.map(|word| named(word).unwrap_or(word.to_owned()));
        let set = words.collect::<Vec<_>>().join(", ");
        let set = set.split(", ").filter(|pair| !pair.is_empty());
        let set = set.map(|pair| pair.split_once('=').expect("a variable"));
        let changes: Vec<_> = set.chain(usual.iter().copied()).collect();
        let (request, calls) = calls.split_once(" > ").unwrap_or((request, calls));
        let (outcome, took) = run(&changes, calls, async |provisioner| {
            let outcome = outcome(&provisioner, request).await;
            (outcome, provisioner.platform.now())
        });
        let (status, code, text) = match outcome {
            Ok((status, text)) => (status, "", text),
            Err(error) => {
                let again = error.retry_after_seconds();
                let text = format!("{error}; to be made again after {again:?};");
                (error.status().as_u16(), error.code(), text)
            }
        };
        check_outcome(expected, status, code, &format!("{text} after {took:?}"));
    }
}

#[track_caller]
fn check_outcome(expected: &str, status: u16, code: &str, text: &str) {
    let words: Vec<_> = expected.split('`').collect();
    let first = words[0].trim();
    let is_expected = first == status.to_string() || !first.is_empty() && first == code;
    assert!(is_expected, "{status} {code} {text}");
    let mut is_wanted = true;
    for pair in words[1..].chunks(2) {
        let &[word, next] = pair else {
            panic!("a word without its end: {expected}")
        };
        assert_eq!(text.contains(word), is_wanted, "{word} in {text}");
        is_wanted = next.trim() != "not";
        assert!(
            !is_wanted || next.trim().is_empty(),
            "{next} has no meaning"
        );
    }
}

/// Tests, each named by its claim, with the rows that show it.
macro_rules! transcripts {
    ($usual:expr, $request:literal: $($claim:ident $rows:literal)+) => {
        $(#[test]
        fn $claim() {
            crate::rows::check($usual, $request, $rows);
        })+
    };
}
pub(crate) use transcripts;
