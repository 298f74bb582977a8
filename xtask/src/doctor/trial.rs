//! Tries a start on an Engine, with the server's own calls.
//!
//! `/health` only looks. Only a create or a start shows what an Engine refuses: more processors
//! than its host has, an init process that is not installed, a limit that its control group lacks.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use dev::docker::Docker;
use dynamic_access::config::{Config, TokenDelivery};
use dynamic_access::docker::create::{self, Outcome};
use dynamic_access::docker::list;
use dynamic_access::docker::remove::{self, Removed};
use dynamic_access::docker::start::{self, NoSuchNetwork};
use dynamic_access::docker::target::{Ended, State};
use dynamic_access::docker::{TargetId, archive, inspect};
use dynamic_access::provision::StartOrder;
use dynamic_access::provision::attempt::Attempt;
use dynamic_access::secret::Secret;
use dynamic_access_admin::doctor::how_to_remove;
use dynamic_access_admin::random;

use crate::doctor::engine_call::send;

/// How long a started container is watched. Without its program or its rights, it has ended by
/// then.
const WATCHED: Duration = Duration::from_secs(2);

/// How often it is looked at meanwhile.
const LOOK_INTERVAL: Duration = Duration::from_millis(200);

/// How often a removal is tried: an Engine can decline one while it is still at work on the container.
const REMOVALS_MAX: u32 = 3;

/// How an entrypoint of this project ends when its agent has run but is not registered, which no
/// agent is with a made-up token.
const NOT_REGISTERED: [i64; 2] = [69, 77];

/// A trial.
pub struct Trial<'a> {
    /// The Engine.
    pub docker: &'a Docker,
    /// The variables of the server.
    pub config: &'a Config,
    /// The environment whose options the container gets.
    pub environment_id: &'a str,
    /// Where the agent registers, if the container is to be started.
    pub start_for: Option<&'a str>,
}

impl Trial<'_> {
    /// Creates a container, gives it its token, starts it if that is wanted, and removes it in any case.
    ///
    /// Returns what the Engine left out of the container.
    pub fn run(&self) -> Result<Vec<String>> {
        let order = StartOrder::of_webhook(
            self.start_for.unwrap_or("https://localhost").to_owned(),
            Secret::new(random::hex::<16>()?),
            self.environment_id.to_owned(),
        );
        let attempt = u128::from_be_bytes(random::bytes()?);
        let attempt = Attempt::new(self.config, &order, attempt);
        let create = create::create(&attempt.name, &attempt.target(&[]).body);
        let created = send(self.docker, create);
        if created.is_err() {
            // It may exist all the same, if the answer was lost.
            let left = send(self.docker, list::find_by_name(&attempt.name));
            if let Ok(Some(left)) = left {
                self.remove(&left.id)?;
            }
        }
        let (id, warnings) = match created.context("it cannot be created")? {
            Outcome::Created { id, warnings } => (id, warnings),
            Outcome::NameTaken(words) => bail!("its name is taken: {words}"),
            Outcome::NoSuchNetwork(network) => bail!("there is no network {network}"),
            Outcome::NoSuchImage => bail!("there is no image {}", attempt.profile.image.as_str()),
        };
        let used = self.make_use_of(&id, &order);
        let removed = self.remove(&id);
        used.and(removed)?;
        match warnings
            .iter()
            .find(|warning| create::is_limit_dropped(warning))
        {
            Some(dropped) => bail!("the Engine leaves out a limit: {dropped}"),
            None => Ok(warnings),
        }
    }

    fn make_use_of(&self, id: &TargetId, order: &StartOrder) -> Result<()> {
        if self.config.token_delivery == TokenDelivery::File {
            let owner = self.config.profiles.of(&order.environment_id).secret_owner;
            let owner = owner.unwrap_or_default();
            send(
                self.docker,
                archive::write_secrets(id, &order.secrets, owner),
            )
            .context("its token cannot be written")?;
        }
        if self.start_for.is_none() {
            return Ok(());
        }
        match send(self.docker, start::start(id)).context("it cannot be started")? {
            Err(NoSuchNetwork(network)) => bail!("there is no network {network}"),
            Ok(()) => self.watch(id),
        }
    }

    /// Fails if the container ends soon after its start.
    ///
    /// Repeats a failed look: Podman fails some while it removes another container.
    fn watch(&self, id: &TargetId) -> Result<()> {
        let until = Instant::now() + WATCHED;
        loop {
            thread::sleep(LOOK_INTERVAL);
            let is_over = Instant::now() >= until;
            match send(self.docker, inspect::inspect(id)) {
                Ok(Some(found)) if found.state == State::Running && !is_over => {}
                Ok(Some(found)) if found.state == State::Running => return Ok(()),
                Ok(Some(found)) => return ending(found.ended.as_ref()),
                Ok(None) => bail!("it is gone"),
                Err(error) if is_over => return Err(error),
                Err(_) => {}
            }
        }
    }

    fn remove(&self, id: &TargetId) -> Result<()> {
        let mut removed = self.removed(id);
        for _ in 1..REMOVALS_MAX {
            if removed.is_err() {
                thread::sleep(LOOK_INTERVAL);
                removed = self.removed(id);
            }
        }
        removed.with_context(|| format!("it cannot be removed: {}", how_to_remove(id.short())))
    }

    fn removed(&self, id: &TargetId) -> Result<()> {
        let call = match self.start_for {
            Some(_) => remove::kill_and_remove(id),
            None => remove::remove(id),
        };
        match send(self.docker, call)? {
            Removed::Done | Removed::Absent => Ok(()),
            Removed::Ending | Removed::Declined => bail!("the Engine declines"),
        }
    }
}

/// What the end of a container says about its start.
fn ending(ended: Option<&Ended>) -> Result<()> {
    match ended.and_then(|ended| ended.exit_code) {
        Some(code) if NOT_REGISTERED.contains(&code) => Ok(()),
        Some(code) => bail!("it ended at once with exit code {code}"),
        None => bail!("it ended at once"),
    }
}
