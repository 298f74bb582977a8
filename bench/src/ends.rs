//! How soon an Engine or a Swarm shows the end of a target that ends at once.
//!
//! The component waits until the Engine counts the target's processes, or for a part of the start's time, and then
//! inspects the target. Each wait must be longer than the time in which its look still shows the target running.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use futures_util::future::{try_join_all, try_join3};
use http::Method;
use serde_json::{Value, json};

use crate::client::{Call, Client, Reply};
use crate::engine::Engine;
use crate::row::Fact;
use crate::samples::median_and_worst;
use crate::{say, unique};

/// A target that ends at once, and its entry point.
pub type Ending = (&'static str, &'static [&'static str]);

/// The program is missing.
pub const MISSING: Ending = ("a missing program", &["/no/such/program"]);

/// The program ends.
pub const EXIT: Ending = ("exit 3", &["/bin/sh", "-c", "exit 3"]);

/// The program is not one.
const FORMAT: Ending = ("a program of another format", &[WRONG_FORMAT]);

/// Where the program of another format is written.
const WRONG_FORMAT: &str = "/run/ends/program";

/// The processes of a target that runs: its init process and its program.
const PROCESSES: u64 = 2;

/// The pause between two looks of one kind.
const LOOK_INTERVAL: Duration = Duration::from_millis(5);

/// The longest wait for an end.
const ENDS_WITHIN: Duration = Duration::from_secs(30);

/// How long a start took, and for how long each kind of look then showed the target running.
pub type Try = Vec<Duration>;

/// Starts such targets by `one`, this many in all for each number at once. A try that is `None` does not count.
pub async fn measure(
    of: &str,
    at_once: &[usize],
    endings: &[Ending],
    tries: usize,
    looks: &[&str],
    one: impl AsyncFn(&[&str]) -> Result<Option<Try>>,
) -> Result<Vec<Fact>> {
    let mut facts = Vec::new();
    for &count in at_once {
        for (ending, entry_point) in endings {
            let name = format!("{of}, {count} at once, {ending}");
            say(&name);
            let mut all = Vec::new();
            for _ in 0..tries.div_ceil(count * endings.len()) {
                all.extend(try_join_all((0..count).map(|_| one(entry_point))).await?);
            }
            let seen: Vec<Try> = all.iter().flatten().cloned().collect();
            if !seen.is_empty() {
                let name = format!("{name}, {} of {} tries", seen.len(), all.len());
                facts.push(fact(name, looks, &seen));
            }
        }
    }
    Ok(facts)
}

/// The results of many tries.
fn fact(name: String, looks: &[&str], tries: &[Try]) -> Fact {
    let times = |index: usize| tries.iter().map(move |one| one[index]);
    let told = |index| median_and_worst(&times(index).collect::<Vec<_>>());
    let mut value = format!("start {}", told(0));
    let mut longest = 0.0;
    for (index, look) in (1..).zip(looks) {
        let shares = times(index)
            .zip(times(0))
            .map(|(shown, start)| shown.div_duration_f64(start));
        let worst = shares.fold(0.0, f64::max);
        value += &format!(
            "; {look} as running for {}, at most {worst:.2} of the start",
            told(index)
        );
        longest = worst.max(longest);
    }
    Fact::new(name, value, longest)
}

/// Measures an Engine, whose containers are made by `create`.
pub async fn on_engine(
    name: &str,
    engine: &Engine,
    create: &Value,
    tries: usize,
) -> Result<Vec<Fact>> {
    let looks = &["listed", "inspected", "counted"];
    let one = async |entry_point: &[&str]| {
        let mut body = create.clone();
        body["Entrypoint"] = json!(entry_point);
        body["Volumes"] = json!({"/run/ends": {}});
        one(engine, &body).await
    };
    measure(
        name,
        &[1, 8, 16],
        &[MISSING, FORMAT, EXIT],
        tries,
        looks,
        one,
    )
    .await
}

/// Starts one such target, waits for its end, and removes it. `None` if the Engine fails to start it, as Podman does at
/// times.
async fn one(engine: &Engine, body: &Value) -> Result<Option<Try>> {
    let client = Client::new();
    let path = format!("/containers/create?name=ends-{}", unique::digits());
    let created = client.send(&engine.url, Call::json(path, body)).await?;
    let id = created.success("a create")?.text("Id")?;
    let tried = observe(&client, &engine.url, &id).await;
    engine.remove(&id).await?;
    tried
}

async fn observe(client: &Client, engine: &str, id: &str) -> Result<Option<Try>> {
    let write = Call {
        content_type: Some("application/x-tar".to_owned()),
        body: program_of_another_format()?.into(),
        ..Call::bodiless(
            Method::PUT,
            format!("/containers/{id}/archive?path=/run/ends"),
        )
    };
    client.send(engine, write).await?.success("an archive")?;
    let start = Call::bodiless(Method::POST, format!("/containers/{id}/start"));
    let begun = Instant::now();
    let started = client.send(engine, start).await?;
    let start = begun.elapsed();
    if started.status.is_server_error() {
        return Ok(None);
    }
    started.success("a start")?;
    let filters = format!("%7B%22id%22%3A%5B%22{id}%22%5D%7D");
    let list = format!("/containers/json?all=true&filters={filters}");
    let by_list = last_running(client, engine, list, |reply| {
        Ok(shown(reply)?[0]["State"] == "running")
    });
    let inspect = format!("/containers/{id}/json");
    let by_inspect = last_running(client, engine, inspect, |reply| {
        Ok(shown(reply)?["State"]["Running"] == true)
    });
    let stats = format!("/containers/{id}/stats?one-shot=true&stream=false");
    let by_count = last_running(client, engine, stats, |reply| {
        // Podman fails in several ways to count what has ended.
        let body: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
        Ok(body["pids_stats"]["current"].as_u64() >= Some(PROCESSES))
    });
    let (listed, inspected, counted) = try_join3(by_list, by_inspect, by_count).await?;
    Ok(Some(vec![start, listed, inspected, counted]))
}

/// The body of a look, which must succeed.
fn shown(reply: Reply) -> Result<Value> {
    serde_json::from_slice(&reply.success("a look")?.body).context("a look")
}

/// When the last look that showed the target running was sent.
async fn last_running(
    client: &Client,
    engine: &str,
    path: String,
    is_running: impl Fn(Reply) -> Result<bool>,
) -> Result<Duration> {
    let begun = Instant::now();
    let mut last = Duration::ZERO;
    loop {
        let sent = begun.elapsed();
        let look = Call::bodiless(Method::GET, path.clone());
        if !is_running(client.send(engine, look).await?)? {
            return Ok(last);
        }
        if sent > ENDS_WITHIN {
            bail!("the target still runs after {ENDS_WITHIN:?}");
        }
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
