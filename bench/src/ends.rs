//! How soon an Engine or a Swarm shows the end of a target that ends at once.
//!
//! The component waits until the Engine counts the target's processes, or for a part of the start's time, and then
//! inspects the target. Each wait must be longer than the time in which its look still shows the target running.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use futures_util::future::{try_join_all, try_join3};
use http::Method;
use serde_json::{Value, json};

use crate::client::{Client, bodiless, get, json as post};
use crate::embedded::Bench;
use crate::engine::{Engine, digits};
use crate::report::Report;
use crate::samples::quantile;
use crate::say;
use crate::webhooks::Webhooks;

/// A target that ends at once, and its entry point.
pub type Ending = (&'static str, &'static [&'static str]);

pub const MISSING: Ending = ("a missing program", &["/no/such/program"]);

pub const EXIT: Ending = ("exit 3", &["/bin/sh", "-c", "exit 3"]);

/// The program is not one.
const FORMAT: Ending = ("a program of another format", &["/run/ends/program"]);

/// The processes of a target that runs: its init process and its program.
const PROCESSES: u64 = 2;

/// The pause between two looks of one kind.
const LOOK_INTERVAL: Duration = Duration::from_millis(5);

/// The longest wait for an end.
const ENDS_WITHIN: Duration = Duration::from_secs(30);

/// How long a start took, and for how long each kind of look then showed the target running.
pub type Try = Vec<Duration>;

/// The targets to start, and how they are watched.
pub struct Plan<'a> {
    /// The Engine or the Swarm that runs them.
    pub of: &'a str,
    /// How many start at once; each number is measured.
    pub at_once: &'a [usize],
    /// How many start in all, for each number at once.
    pub tries: usize,
    pub endings: &'a [Ending],
    /// The kinds of look, in the order of a [`Try`].
    pub looks: &'a [&'a str],
}

/// Starts the targets by `one`. A try that is `None` does not count.
pub async fn measure(
    report: &mut Report,
    plan: Plan<'_>,
    one: impl AsyncFn(&[&str]) -> Result<Option<Try>>,
) -> Result<()> {
    let endings = plan.endings;
    for &count in plan.at_once {
        for (ending, entry_point) in endings {
            let name = format!("{}, {count} at once, {ending}", plan.of);
            say(&name);
            let mut all = Vec::new();
            for _ in 0..plan.tries.div_ceil(count * endings.len()) {
                all.extend(try_join_all((0..count).map(|_| one(entry_point))).await?);
            }
            let seen: Vec<Try> = all.iter().flatten().cloned().collect();
            if !seen.is_empty() {
                let (value, longest) = told(plan.looks, &seen);
                let name = format!("{name}, {} of {} tries", seen.len(), all.len());
                report.fact(name, value, longest, None);
            }
        }
    }
    Ok(())
}

/// The results of many tries, and the longest that a look showed the target running as a share of its start.
fn told(looks: &[&str], tries: &[Try]) -> (String, f64) {
    let times = |index: usize| Vec::from_iter(tries.iter().map(|one| one[index]));
    let told = |index| {
        let of = |share| quantile(&times(index), share).as_secs_f64();
        format!("{:.2} s, at most {:.2} s", of(0.5), of(1.0))
    };
    let mut value = format!("start {}", told(0));
    let mut longest = 0.0;
    for (index, look) in (1..).zip(looks) {
        let shares = tries.iter().map(|one| one[index].div_duration_f64(one[0]));
        let worst = shares.fold(0.0, f64::max);
        let told = told(index);
        value += &format!("; {look} as running for {told}, at most {worst:.2} of the start");
        longest = worst.max(longest);
    }
    (value, longest)
}

/// Measures Docker and Podman.
pub async fn on_engines(bench: &mut Bench<'_>) -> Result<()> {
    let webhooks = Webhooks::of(bench, &[]).await?;
    let mut create: Value = serde_json::from_slice(webhooks.native.start.create()?.body())?;
    create["Volumes"] = json!({"/run/ends": {}});
    let podman = Engine::given("PODMAN")?;
    for (name, engine) in [("Docker", &bench.empty), ("Podman", &podman)] {
        if name == "Podman" {
            // Podman's own network would add rules to this machine's firewall.
            create["HostConfig"]["NetworkMode"] = json!("none");
        }
        let one = async |entry_point: &[&str]| {
            let mut body = create.clone();
            body["Entrypoint"] = json!(entry_point);
            one(engine, &body).await
        };
        let plan = Plan {
            of: name,
            at_once: &[1, 8, 16],
            tries: bench.arguments.rounds(200),
            endings: &[MISSING, FORMAT, EXIT],
            looks: &["listed", "inspected", "counted"],
        };
        measure(&mut bench.report, plan, one).await?;
    }
    Ok(())
}

/// Starts one such target, waits for its end, and removes it. `None` if the Engine fails to start it, as Podman does at
/// times.
async fn one(engine: &Engine, body: &Value) -> Result<Option<Try>> {
    let client = Client::new();
    let path = format!("/containers/create?name=ends-{}", digits());
    let created = client.call(&engine.url, post(&path, body)).await?;
    let id = created.text("Id")?;
    let tried = observe(&client, &engine.url, &id).await;
    engine.remove(&id).await?;
    tried
}

async fn observe(client: &Client, engine: &str, id: &str) -> Result<Option<Try>> {
    let path = format!("/containers/{id}/archive?path=/run/ends");
    let program = program_of_another_format()?;
    let write = bodiless(Method::PUT, &path).map(|_| program.into());
    client.call(engine, write).await?;
    let start = bodiless(Method::POST, &format!("/containers/{id}/start"));
    let started = client.send(engine, start).await?;
    if started.status.is_server_error() {
        return Ok(None);
    }
    ensure!(started.status.is_success(), "a start: {}", started.status);
    let list = format!("/containers/json?all=true&filters=%7B%22id%22%3A%5B%22{id}%22%5D%7D");
    let inspect = format!("/containers/{id}/json");
    let count = format!("/containers/{id}/stats?one-shot=true&stream=false");
    let (listed, inspected, counted) = try_join3(
        last_running(client, engine, &list, |shown| {
            shown[0]["State"] == "running"
        }),
        last_running(client, engine, &inspect, |shown| {
            shown["State"]["Running"] == true
        }),
        // Podman fails in several ways to count what has ended.
        last_running(client, engine, &count, |shown| {
            shown["pids_stats"]["current"].as_u64() >= Some(PROCESSES)
        }),
    )
    .await?;
    Ok(Some(vec![started.took, listed, inspected, counted]))
}

/// When the last look that showed the target running was sent.
async fn last_running(
    client: &Client,
    engine: &str,
    path: &str,
    is_running: impl Fn(&Value) -> bool,
) -> Result<Duration> {
    let begun = Instant::now();
    let mut last = Duration::ZERO;
    loop {
        let sent = begun.elapsed();
        let reply = client.send(engine, get(path)).await?;
        let may_fail = path.contains("/stats?");
        ensure!(
            reply.status.is_success() || may_fail,
            "{path}: {}",
            reply.status
        );
        if !is_running(&reply.json().unwrap_or_default()) {
            return Ok(last);
        }
        ensure!(sent < ENDS_WITHIN, "the target still runs after {sent:?}");
        last = sent;
        tokio::time::sleep(LOOK_INTERVAL).await;
    }
}

/// An archive with a file that begins like a program and is none.
fn program_of_another_format() -> Result<Vec<u8>> {
    let content = b"\x7fELF and nothing else";
    let mut header = tar::Header::new_ustar();
    header.set_size(content.len() as u64);
    header.set_mode(0o755);
    let mut archive = tar::Builder::new(Vec::new());
    archive.append_data(&mut header, "program", &content[..])?;
    Ok(archive.into_inner()?)
}
