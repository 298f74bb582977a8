//! Measures a server that is already running, in any host and with any
//! variables.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::engine::Engine;
use crate::recorder::Recorder;
use crate::report::Report;
use crate::server::{DEPLOYMENT, SECRET, Server, Threads};
use crate::start_stop::{self, Scripts};
use crate::{Arguments, facts, health, refused, say};

/// Enough time for a person to start a server.
const SERVER_WAIT: Duration = Duration::from_secs(300);

/// The pause between two health checks.
const BETWEEN_LOOKS: Duration = Duration::from_millis(500);

/// Measures the server at `url`, whose Engine is behind `--docker-listen`.
pub async fn measure(arguments: &Arguments, threads: &Threads, url: &str) -> Result<Report> {
    let engine = Engine::new(&arguments.engine, &arguments.image);
    let (listen, behind) = (arguments.docker_listen, engine.url.clone());
    let recorder = threads.run(async move { Recorder::start(listen, behind).await });
    let recorder = recorder.await?;
    let server = Server::remote(url);
    wait_for(&server, &recorder, &engine.image).await?;
    let mut report = Report::about(vec![
        ("Engine", engine.version().await?),
        ("server", url.to_owned()),
    ])?;
    let scripts = Scripts::record(&server, &recorder).await?;
    report.facts.extend(facts::calls("as deployed", &scripts));
    // Both sides go through the recorder, so its cost cancels out.
    let engine = recorder.url();
    say("/start and /stop");
    let samples = arguments.rounds(100);
    let rows = start_stop::in_turns("as deployed", &server, &scripts, &engine, samples);
    report.rows.extend(rows.await?);
    say("/health");
    let samples = arguments.rounds(500);
    let rows = health::in_turns(&server, &scripts, &engine, samples);
    report.rows.extend(rows.await?);
    let scaled = |rounds| arguments.rounds(rounds);
    let rows = start_stop::all_at_once(&server, &scripts, &engine, scaled).await?;
    report.rows.extend(rows);
    if let Some(hello) = &arguments.hello_url {
        say("refused webhooks");
        recorder.take();
        let rounds = arguments.rounds(10);
        let rows = refused::against_hello(&server, hello.trim_end_matches('/'), rounds);
        report.rows.extend(rows.await?);
        let calls = recorder.take().len();
        report.facts.push(facts::calls_of_refused(calls));
    }
    Ok(report)
}

async fn wait_for(server: &Server, recorder: &Recorder, image: &str) -> Result<()> {
    if server.health().await.is_ok() {
        return Ok(());
    }
    say(&format!(
        "waiting for a healthy server at {}; start one with
    export SPIN_VARIABLE_WEBHOOK_SECRET={SECRET} SPIN_VARIABLE_DEPLOYMENT_ID={DEPLOYMENT} SPIN_VARIABLE_AGENT_IMAGE={image}
    export SPIN_VARIABLE_SERVICE_URLS=http://192.0.2.1:9 SPIN_VARIABLE_DOCKER_URL={}",
        server.url,
        recorder.url()
    ));
    let deadline = Instant::now() + SERVER_WAIT;
    loop {
        match server.health().await {
            Ok(_) => return Ok(()),
            Err(error) if Instant::now() > deadline => {
                return Err(error).context("the server did not become healthy");
            }
            Err(_) => tokio::time::sleep(BETWEEN_LOOKS).await,
        }
    }
}
