//! Measures a server that is already running, in any host and with any
//! variables.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tokio::runtime::Runtime;

use crate::engine::{DEPLOYMENT, Engine};
use crate::native::Native;
use crate::recorder::Recorder;
use crate::report::Report;
use crate::server::{SECRET, Server};
use crate::webhooks::Webhooks;
use crate::{Arguments, given, refused, say};

/// Where that server finds its Engine: beside the port of Docker itself.
const PORT: u16 = 2374;

/// Enough time for a person to start a server.
const SERVER_WAIT: Duration = Duration::from_secs(300);

/// The pause between two health checks.
const BETWEEN_LOOKS: Duration = Duration::from_millis(500);

/// Measures the server at `url`, whose Engine is behind [`PORT`].
pub async fn measure(arguments: &Arguments, threads: &Runtime, url: &str) -> Result<Report> {
    let engine = Engine::given("ENGINE")?;
    let recorder = Recorder::start(threads, PORT, &engine.url).await?;
    let server = at(url);
    if server.health().await.is_err() {
        let (docker_url, image) = (recorder.url(), given("IMAGE")?);
        say(&format!(
            "waiting for a healthy server at {url}; start one with
    export SPIN_VARIABLE_WEBHOOK_SECRET={SECRET} SPIN_VARIABLE_DEPLOYMENT_ID={DEPLOYMENT} SPIN_VARIABLE_AGENT_IMAGE={image}
    export SPIN_VARIABLE_SERVICE_URLS=http://192.0.2.1:9 SPIN_VARIABLE_DOCKER_URL={docker_url}"
        ));
        wait_for(&server).await?;
    }
    let mut report = Report::new(vec![
        ("Engine", engine.version().await?),
        ("server", url.to_owned()),
    ])?;
    let webhooks = Webhooks {
        arguments,
        // Both sides go through the recorder, so its cost cancels out.
        native: Native::record(&server, &recorder, &recorder.url()).await?,
        server,
    };
    webhooks.visits("as deployed", &mut report).await?;
    webhooks.health(&mut report).await?;
    webhooks.at_once(&mut report).await?;
    if let Some(hello) = &arguments.hello_url {
        let (server, hello, rounds) = (&webhooks.server, at(hello), arguments.rounds(10));
        refused::against_hello(server, &hello, &recorder, rounds, &mut report).await?;
    }
    Ok(report)
}

fn at(url: &str) -> Server {
    Server::at(vec![url.trim_end_matches('/').to_owned()])
}

async fn wait_for(server: &Server) -> Result<()> {
    let deadline = Instant::now() + SERVER_WAIT;
    while let Err(error) = server.health().await {
        if Instant::now() > deadline {
            return Err(error).context("the server did not become healthy");
        }
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
    Ok(())
}
