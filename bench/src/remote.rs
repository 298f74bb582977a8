//! Measures a server that is already running, in any host and with any
//! variables.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tokio::runtime::Runtime;

use crate::engine::Engine;
use crate::native::Scripts;
use crate::recorder::Recorder;
use crate::report::Report;
use crate::server::{DEPLOYMENT, SECRET, Server};
use crate::webhooks::Webhooks;
use crate::{Arguments, refused, say};

/// Where that server finds its Engine: beside the port of Docker itself.
const LISTEN: (Ipv4Addr, u16) = (Ipv4Addr::LOCALHOST, 2374);

/// Enough time for a person to start a server.
const SERVER_WAIT: Duration = Duration::from_secs(300);

/// The pause between two health checks.
const BETWEEN_LOOKS: Duration = Duration::from_millis(500);

/// Measures the server at `url`, whose Engine is behind [`LISTEN`].
pub async fn measure(arguments: &Arguments, threads: &Runtime, url: &str) -> Result<Report> {
    let engine = Engine::given("ENGINE")?;
    let behind = engine.url.clone();
    let recorder = async move { Recorder::start(SocketAddr::from(LISTEN), behind).await };
    let recorder = threads.spawn(recorder).await??;
    let server = Server::remote(url);
    wait_for(&server, &recorder, &engine.image).await?;
    let mut report = Report::about(vec![
        ("Engine", engine.version().await?),
        ("server", url.to_owned()),
    ])?;
    let webhooks = Webhooks {
        arguments,
        server: &server,
        scripts: &Scripts::record(&server, &recorder).await?,
        // Both sides go through the recorder, so its cost cancels out.
        engine: &recorder.url(),
    };
    webhooks.visits("as deployed", &mut report).await?;
    webhooks.health(&mut report).await?;
    webhooks.at_once(&mut report).await?;
    if let Some(hello) = &arguments.hello_url {
        let (hello, rounds) = (hello.trim_end_matches('/'), arguments.rounds(10));
        refused::against_hello(&server, hello, &recorder, rounds, &mut report).await?;
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
