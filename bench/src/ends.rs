//! How soon an Engine shows the end of a target that ends at once.
//!
//! The component waits until the Engine counts the target's processes, or for a part of the start's time, and then
//! inspects the target. Each wait must be longer than the time in which its look still shows the target running.

use std::collections::BTreeMap;
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

/// How many starts are made at once.
const AT_ONCE: [usize; 3] = [1, 8, 16];

/// The targets that end at once, and their entry points.
const ENDINGS: [(&str, &[&str]); 3] = [
    ("a missing program", &["/no/such/program"]),
    ("a program of another format", &[WRONG_FORMAT]),
    ("exit 3", &["/bin/sh", "-c", "exit 3"]),
];

/// Where the program of another format is written.
const WRONG_FORMAT: &str = "/run/ends/program";

/// The processes of a target that runs: its init process and its program.
const PROCESSES: u64 = 2;

/// The pause between two looks of one kind.
const LOOK_INTERVAL: Duration = Duration::from_millis(5);

/// The longest wait for an end.
const ENDS_WITHIN: Duration = Duration::from_secs(30);

/// One try.
struct Try {
    /// How long the start took.
    start: Duration,
    /// When the last count that missed the end was sent, after the start.
    counted: Duration,
    /// The same for an inspect.
    missed: Duration,
    /// The same for a list.
    listed: Duration,
}

/// Starts such targets, this many in all for each number at once.
pub async fn measure(
    name_of_engine: &str,
    engine: &Engine,
    create: &Value,
    tries: usize,
) -> Result<Vec<Fact>> {
    let mut facts = Vec::new();
    for count in AT_ONCE {
        let mut all: BTreeMap<&str, Vec<Try>> = BTreeMap::new();
        for round in 0..tries.div_ceil(count) {
            let (name, entry_point) = ENDINGS[round % ENDINGS.len()];
            if round < ENDINGS.len() {
                say(&format!(
                    "{name_of_engine}: {count} starts at once of {name}"
                ));
            }
            let mut body = create.clone();
            body["Entrypoint"] = json!(entry_point);
            body["Volumes"] = json!({"/run/ends": {}});
            let round = try_join_all((0..count).map(|_| one(engine, &body))).await?;
            all.entry(name)
                .or_default()
                .extend(round.into_iter().flatten());
        }
        all.retain(|_, tries| !tries.is_empty());
        let facts_of_count = all.iter().map(|(name, tries)| {
            fact(&format!("{name_of_engine}, {count} at once, {name}"), tries)
        });
        facts.extend(facts_of_count);
    }
    Ok(facts)
}

/// The results of many tries.
fn fact(name: &str, tries: &[Try]) -> Fact {
    let told = |of: fn(&Try) -> Duration| {
        let times: Vec<_> = tries.iter().map(of).collect();
        median_and_worst(&times)
    };
    let worst = |of: fn(&Try) -> Duration| {
        let shares = tries
            .iter()
            .map(|one| of(one).as_secs_f64() / one.start.as_secs_f64());
        shares.fold(0.0, f64::max)
    };
    Fact {
        name: format!("{name}, {} tries", tries.len()),
        value: format!(
            "start {}; listed as running for {}; inspected as running for {}, at most {:.2} of the start; counted as running for {}, at most {:.2} of the start",
            told(|one| one.start),
            told(|one| one.listed),
            told(|one| one.missed),
            worst(|one| one.missed),
            told(|one| one.counted),
            worst(|one| one.counted),
        ),
        number: worst(|one| one.missed),
        limit: None,
    }
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
    let (listed, missed, counted) = try_join3(by_list, by_inspect, by_count).await?;
    Ok(Some(Try {
        start,
        counted,
        missed,
        listed,
    }))
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
