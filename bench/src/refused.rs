//! Measures refused webhooks against a hello world in the same host.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use futures_util::future::try_join_all;
use http::{Method, StatusCode};

use crate::client::{Call, Client};
use crate::recorder::Recorder;
use crate::report::Report;
use crate::row::{Fact, Row, Targets};
use crate::samples::Pairs;
use crate::say;
use crate::server::Server;

const GROUP: &str = "refused, requests per second";

/// How many callers there are at once: one, whose connection shows every wait, and more than cores, which leaves no
/// core idle.
const CALLERS: [usize; 2] = [1, 16];

/// How long each side is called in one turn.
const TURN: Duration = Duration::from_millis(500);

/// One byte more than the limit of a body.
const TOO_LARGE: usize = 64 * 1024 + 1;

/// At least half the throughput, which is at most twice the time for each.
const TARGET: Targets = &[(0.5, 2.0)];

/// Calls both sides in turns, for `rounds` rounds. No call may reach the Engine behind `recorder`.
pub async fn against_hello(
    server: &Server,
    hello: &str,
    recorder: &Recorder,
    rounds: usize,
    report: &mut Report,
) -> Result<()> {
    say("refused webhooks");
    recorder.take();
    let health = Call::bodiless(Method::GET, "/health");
    let unknown = server.authorized(Call::bodiless(Method::GET, "/nowhere"));
    let mut large = server.authorized(Call::json("/start", &serde_json::json!({})));
    large.body = vec![b' '; TOO_LARGE].into();
    for (status, name, call) in [
        (StatusCode::UNAUTHORIZED, "401, no credentials", health),
        (StatusCode::NOT_FOUND, "404, unknown path", unknown),
        (
            StatusCode::PAYLOAD_TOO_LARGE,
            "413, 64 KiB and one byte",
            large,
        ),
    ] {
        for callers in CALLERS {
            let mut pairs = Pairs::default();
            for _ in 0..rounds {
                pairs.push(
                    time_for_each(&server.url, &call, status, callers).await?,
                    // The same request; the hello world does not read its body either.
                    time_for_each(hello, &call, StatusCode::OK, callers).await?,
                );
            }
            let name = format!("{name}, callers: {callers}");
            let row = Row::new(GROUP, name, "hello world", pairs);
            report.rows.push(row.in_throughput().within(TARGET));
        }
    }
    let calls = recorder.take().len();
    let fact = Fact::new(
        "calls of all refused webhooks",
        calls.to_string(),
        calls as f64,
    );
    report.facts.push(fact.at_most(0.0));
    Ok(())
}

/// The time for each call while `callers` repeat it: the elapsed time
/// divided by the number of calls.
async fn time_for_each(
    server: &str,
    call: &Call,
    expected: StatusCode,
    callers: usize,
) -> Result<Duration> {
    let client = Client::new();
    let begun = Instant::now();
    let caller = async || {
        let mut count = 0;
        while begun.elapsed() < TURN {
            // A server that refuses a body closes the connection, which the client may
            // notice only while it still sends.
            let Ok(reply) = client.send(server, call.clone()).await else {
                continue;
            };
            ensure!(reply.status == expected, "{} {}", call.path, reply.status);
            count += 1;
        }
        anyhow::Ok(count)
    };
    let counts = try_join_all((0..callers).map(|_| caller())).await?;
    let count: u32 = counts.iter().sum();
    ensure!(count > 0, "{} is never answered", call.path);
    Ok(begun.elapsed() / count)
}
