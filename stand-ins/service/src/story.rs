//! One user's visit from beginning to end, as in BastionZero's own acceptance test: connect, echo, exit, and the target
//! is stopped.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::service::Service;
use crate::target::Target;
use crate::webhooks::Webhooks;

/// The line that the session sends.
const SAID: &str = "hello";

/// The time between health checks of an unhealthy server: its Engine may still be starting.
const HEALTH_INTERVAL: Duration = Duration::from_secs(1);

/// How many characters of a unique id are shown, as in Docker's output.
const SHOWN_ID_CHARS: usize = 12;

/// How long each step may take.
pub struct Patience {
    /// Until the server is healthy.
    pub healthy: Duration,
    /// From the answer to `/start` until the target is online.
    pub online: Duration,
    /// From the answer to `/stop` until the target is offline.
    pub stopped: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            // A running server is healthy unless something needs fixing.
            healthy: Duration::from_secs(60),
            // BastionZero's zli checks sixty times, every five seconds.
            online: Duration::from_secs(300),
            // The limit of BastionZero's acceptance test.
            stopped: Duration::from_secs(120),
        }
    }
}

/// Plays the visit, and reports each step when it is done.
///
/// # Errors
///
/// At the first step that fails.
pub fn tell(
    webhooks: &Webhooks,
    service: &Service,
    patience: &Patience,
    mut step: impl FnMut(&str),
) -> Result<()> {
    wait_until_healthy(webhooks, patience.healthy)?;
    step("GET /health: 200, the server can start targets");

    let mut target = Target::start(webhooks, service)?;
    let shown_id: String = target.unique_id().chars().take(SHOWN_ID_CHARS).collect();
    step(&format!("POST /start: 200, target {shown_id}"));

    target.wait_until_online(patience.online)?;
    step(&format!(
        "the agent has registered; the target is online: {}",
        target.state()
    ));

    let heard = target.say(SAID).context("session")?;
    ensure!(heard == SAID, "session: said {SAID:?}, but heard {heard:?}");
    step(&format!("session: said {SAID:?}, heard {heard:?}"));

    target.stop(webhooks).context("POST /stop")?;
    step("POST /stop: 200");

    target.wait_until_stopped(patience.stopped)?;
    step(&format!("the target is offline: {}", target.state()));
    Ok(())
}

fn wait_until_healthy(webhooks: &Webhooks, patience: Duration) -> Result<()> {
    let deadline = Instant::now() + patience;
    loop {
        match webhooks.health() {
            Err(_) if Instant::now() < deadline => thread::sleep(HEALTH_INTERVAL),
            outcome => return outcome.context("GET /health"),
        }
    }
}
