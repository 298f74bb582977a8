//! One user's visit from beginning to end, as in BastionZero's own acceptance test: connect, echo, exit, and the target
//! is stopped.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::service::Service;
use crate::webhooks::Webhooks;

/// The line that the session sends.
const SAID: &str = "hello";

/// The time between health checks of an unhealthy server: its Engine may still be starting.
const HEALTH_INTERVAL: Duration = Duration::from_secs(1);

/// How many characters of a unique id are shown, as in Docker's output.
const SHOWN_ID_CHARS: usize = 12;

/// The longest wait until the server is healthy: a running one is, unless something needs fixing.
const HEALTHY_WITHIN: Duration = Duration::from_secs(60);

/// The longest wait from the answer to `/start` until the target is online: BastionZero's zli checks sixty times, every
/// five seconds.
const ONLINE_WITHIN: Duration = Duration::from_secs(300);

/// The longest wait from the answer to `/stop` until the target is offline, as in BastionZero's acceptance test.
const OFFLINE_WITHIN: Duration = Duration::from_secs(120);

/// Plays the visit, and reports each step when it is done.
///
/// # Errors
///
/// At the first step that fails.
pub fn tell(webhooks: &Webhooks, service: &Service, mut step: impl FnMut(&str)) -> Result<()> {
    wait_until_healthy(webhooks)?;
    step("GET /health: 200, the server can start targets");

    let (target, token) = service.invite();
    let unique_id = webhooks
        .start(service.url(), &token)
        .context("POST /start")?;
    let shown_id: String = unique_id.chars().take(SHOWN_ID_CHARS).collect();
    step(&format!("POST /start: 200, target {shown_id}"));

    let is_online = service.wait_for(&target, true, ONLINE_WITHIN);
    let what = match service.is_registered(&target) {
        true => "has registered, but",
        false => "has not registered, so it",
    };
    ensure!(
        is_online,
        "the agent {what} is not online after {ONLINE_WITHIN:?}"
    );
    // The states after the colons are BastionZero's.
    step("the agent has registered; the target is online: Started");

    let heard = service.say(&target, SAID).context("session")?;
    ensure!(heard == SAID, "session: said {SAID:?}, but heard {heard:?}");
    step(&format!("session: said {SAID:?}, heard {heard:?}"));

    webhooks.stop(&unique_id).context("POST /stop")?;
    step("POST /stop: 200");

    let is_offline = service.wait_for(&target, false, OFFLINE_WITHIN);
    ensure!(
        is_offline,
        "the target is still online after {OFFLINE_WITHIN:?}"
    );
    step("the target is offline: Stopped");
    Ok(())
}

fn wait_until_healthy(webhooks: &Webhooks) -> Result<()> {
    let deadline = Instant::now() + HEALTHY_WITHIN;
    loop {
        match webhooks.health() {
            Err(_) if Instant::now() < deadline => thread::sleep(HEALTH_INTERVAL),
            outcome => return outcome.context("GET /health"),
        }
    }
}
