//! Measures refused webhooks against a hello world in the same host.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use futures_util::future::try_join_all;
use http::Method;

use crate::client::{Call, Client, bodiless, get};
use crate::embedded::Bench;
use crate::recorder::Recorder;
use crate::report::{Report, Targets};
use crate::samples::Pairs;
use crate::say;
use crate::server::{SECRET, Server, authorized};

/// How many callers there are at once: one, whose connection shows every wait, and more than cores, which leaves no
/// core idle.
const CALLERS: [usize; 2] = [1, 16];

/// How long each side is called in one turn.
const TURN: Duration = Duration::from_millis(500);

/// One byte more than the limit of a body.
const TOO_LARGE: usize = 64 * 1024 + 1;

/// At least half the throughput, which is at most twice the time for each.
const TARGET: Targets = &[(0.5, 2.0)];

/// Measures a server in the embedded host.
pub async fn measure(bench: &mut Bench<'_>) -> Result<()> {
    let (hosting, recorder) = (&bench.hosting, &bench.recorder);
    let hello = hosting.hello().await?;
    let server = hosting.server(&recorder.url(), &[], None).await?;
    let rounds = bench.arguments.rounds(10);
    against_hello(&server, &hello, recorder, rounds, &mut bench.report).await
}

/// Calls both sides in turns, for `rounds` rounds. No call may reach the Engine behind `recorder`.
pub async fn against_hello(
    server: &Server,
    hello: &Server,
    recorder: &Recorder,
    rounds: usize,
    report: &mut Report,
) -> Result<()> {
    say("refused webhooks");
    recorder.take();
    let unknown = authorized(get("/nowhere"), SECRET);
    let large = bodiless(Method::POST, "/start").map(|_| vec![b' '; TOO_LARGE].into());
    let large = authorized(large, SECRET);
    for (status, name, call) in [
        (401, "401, no credentials", get("/health")),
        (404, "404, unknown path", unknown),
        (413, "413, 64 KiB and one byte", large),
    ] {
        for callers in CALLERS {
            let mut pairs = Pairs::default();
            for _ in 0..rounds {
                pairs.push((
                    time_for_each(server, &call, status, callers).await?,
                    // The same request; the hello world does not read its body either.
                    time_for_each(hello, &call, 200, callers).await?,
                ));
            }
            let name = format!("{name}, callers: {callers}");
            report.row(name, "hello world", pairs, TARGET);
        }
    }
    let (name, calls) = ("calls of all refused webhooks", recorder.take().len());
    report.fact(name, calls.to_string(), calls as f64, Some(0.0));
    Ok(())
}

/// The time for each call while `callers` repeat it: the elapsed time
/// divided by the number of calls.
async fn time_for_each(
    server: &Server,
    call: &Call,
    expected: u16,
    callers: usize,
) -> Result<Duration> {
    let client = Client::new();
    let begun = Instant::now();
    let caller = async || {
        let mut count = 0;
        while begun.elapsed() < TURN {
            // A server that refuses a body closes the connection, which the client may
            // notice only while it still sends.
            let Ok(reply) = client.send(server.url(), call.clone()).await else {
                continue;
            };
            ensure!(reply.status == expected, "{} {}", call.uri(), reply.status);
            count += 1;
        }
        anyhow::Ok(count)
    };
    let counts = try_join_all((0..callers).map(|_| caller())).await?;
    let count: u32 = counts.iter().sum();
    ensure!(count > 0, "{} is never answered", call.uri());
    Ok(begun.elapsed() / count)
}
