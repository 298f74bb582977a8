//! The promises about each answer: it is true, in time, and shows no secret.

use std::time::Duration;

use dynamic_access::platform::HttpResponse;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{INVOCATION, LIFETIME, ROUNDING, has_planted, held_lifetime, must, told_lifetime};
use crate::model::{Key, Orchestrator, State, Target};
use crate::scenario::Event::{End, Fault, Loss, Rejection, Restart};
use crate::scenario::Webhook;
use crate::tokens::{FIRST_KEY, name_of, owner};
use crate::world::{Actor, World};

/// The latest moment of an answer.
const ANSWER: Duration = Duration::from_secs(25);

/// How long a wait waits.
const WAIT: Duration = Duration::from_secs(20);

/// How long a target runs at least after a start has called it running: on an Engine, and
/// on a Swarm.
const STAYS_UP: [Duration; 2] = [Duration::from_millis(100), Duration::from_millis(750)];

/// How much of its lifetime a target must have left to be renewed.
const TOO_LATE: Duration = Duration::from_secs(31);

/// The lifetime in a renewal, the longest lifetime of a target, and the least gain for
/// which a renewal is written.
const RENEWAL: Duration = Duration::from_secs(24 * 60 * 60);
const LONGEST: Duration = Duration::from_secs(16 * 24 * 60 * 60);
const GAIN_MIN: Duration = Duration::from_secs(60);

/// The codes of the failures that the model meets. The status and the message of each are
/// tested beside [`dynamic_access::error`].
const CODES: &str = "engine_failed engine_unreachable in_progress managers_differ misconfigured \
    name_taken no_such_image no_such_network no_such_target no_node node_too_old not_ours \
    other_payload out_of_time refused removal_in_progress renewed_too_late start_too_slow \
    still_preparing target_ended target_vanished too_many_targets too_many_targets_of_owner";

/// An answer to the call of a webhook.
struct Answer<'a> {
    world: &'a World,
    actor: usize,
    by: &'a Actor,
    status: u16,
    body: Value,
}

/// Checks an answer and notes it, and clears the notes that hold only before it.
pub fn on_answer(world: &mut World, actor: usize, response: &HttpResponse, lines: &[String]) {
    let text = String::from_utf8_lossy(response.body());
    let status = response.status().as_u16();
    world.note(|world| format!("{} answers {status} {text}", world.actors[actor].name));
    let answer = Answer {
        world,
        actor,
        by: &world.actors[actor],
        status,
        body: serde_json::from_str(&text).unwrap_or_default(),
    };
    let outcome = [
        answer.is_true(),
        is_in_time(world, actor, ANSWER),
        keeps_secrets(&format!("{:?} {text} {lines:?}", response.headers())),
        is_of_the_catalogue(status, &lines[0]),
        is_allowed(world, actor, status),
    ]
    .into_iter()
    .collect();
    let (promised, lifetime) = (answer.promised(), answer.lifetime());
    world.check(outcome);
    world.promised.extend(promised);
    if let (Webhook::Renew(key), 200) = (world.actors[actor].webhook, status) {
        let told = lifetime.unwrap_or_default();
        let before = world.renewed.insert(key, told);
        let is_longer = before.is_none_or(|before| told >= before.max(LIFETIME));
        world.check(must(is_longer, "a renewal makes a lifetime shorter"));
    }
    let retry_after = response.headers().get(http::header::RETRY_AFTER);
    let seconds = retry_after.and_then(|value| value.to_str().ok()?.parse().ok());
    world.actors[actor].answer = Some((status, seconds));
}

/// Checks the end of what comes after an answer.
pub fn on_tail(world: &mut World, actor: usize, lines: &[String]) {
    let in_time = is_in_time(world, actor, INVOCATION);
    world.check(in_time.and_then(|()| keeps_secrets(&lines.join(" "))));
}

fn is_in_time(world: &World, actor: usize, limit: Duration) -> Result<(), String> {
    let took = world.now - world.actors[actor].arrived;
    must(took <= limit, "it took too long")
}

fn keeps_secrets(text: &str) -> Result<(), String> {
    must(!has_planted(text), "a secret is shown")
}

/// Whether an answer is a success or one of the known failures, by its log line.
fn is_of_the_catalogue(status: u16, line: &str) -> Result<(), String> {
    let line: Value = serde_json::from_str(line).unwrap_or_default();
    let is_known = match line["code"].as_str() {
        None => matches!(status, 200 | 201),
        Some(code) => status >= 400 && CODES.split_whitespace().any(|known| known == code),
    };
    let is_known = is_known && line["status"] == status;
    must(is_known, "an answer that is not of the catalogue")
}

impl Answer<'_> {
    /// The id of the target in the answer to a start.
    fn id(&self) -> &str {
        let id = self.body["id"].as_str().or(self.body["uniqueId"].as_str());
        id.unwrap_or_default()
    }

    /// The target that a success calls running.
    fn promised(&self) -> Option<Key> {
        let is_start = matches!(self.by.webhook, Webhook::Start { .. });
        let is_success = is_start && matches!(self.status, 200 | 201);
        let mut seen = self.by.seen_running.iter().filter(|_| is_success);
        seen.find(|key| self.world.orchestrator.id_of(**key) == self.id())
            .copied()
    }

    /// A success must be true, and so must a refusal that describes the state of a target.
    fn is_true(&self) -> Result<(), String> {
        let is_empty = || must(self.body == json!({}), "a success has a body");
        match (self.by.webhook, self.status) {
            (Webhook::Health, 200) => is_empty(),
            (Webhook::Stop(key), 200) => {
                is_empty()?;
                // A target that is only now being made may appear after the look for it.
                let is_there = key.is_given() && !self.is_going(key);
                must(!is_there, "a 200, and the container is there")
            }
            (Webhook::Stop(key), 404) => must(key.is_foreign(), "a 404 for a container of ours"),
            (Webhook::Start { token, payload }, 200 | 201) => self.is_started(token, payload),
            (Webhook::Start { token, .. }, 409) => {
                let order = |key: &Key| order_of(self.world, *key);
                let is_of_token = |key| order(key).is_some_and(|of| of.0 == token);
                let has_ended = self.by.seen_ended.iter().any(is_of_token);
                must(has_ended, "a 409, and no target has ended")
            }
            (Webhook::Wait { key, until_ended }, 200) => self.is_waited(key, until_ended),
            (Webhook::Renew(key), 200) => self.is_renewed(key),
            (Webhook::Renew(key), 409) => self.is_too_late(key),
            (Webhook::Wait { key, .. } | Webhook::Renew(key), 404) => {
                let is_there = !key.is_foreign() && runs(self.world, key);
                must(!is_there, "a 404 for a target of ours that runs")
            }
            _ => Ok(()),
        }
    }

    /// Whether a target is being removed, or is gone.
    fn is_going(&self, key: Key) -> bool {
        let found = self.world.orchestrator.get(key);
        found.is_none_or(|found| matches!(found.state, State::Removing | State::Gone))
    }

    /// The target of a success is that of the order, has run, and is not taken back.
    fn is_started(&self, token: usize, payload: usize) -> Result<(), String> {
        let world = self.world;
        let key = self.promised();
        let key = key.ok_or("the container of a 200 did not run")?;
        let is_new = (self.status == 201) == (key.actor == self.actor);
        let is_told = token < FIRST_KEY || is_new;
        must(is_told, "a 201 is for a new target, and a 200 for another")?;
        let is_its_own = order_of(world, key) == Some((token, payload));
        must(is_its_own, "the container of a 200 is another order's")?;
        let swarm = world.orchestrator.as_swarm();
        let ended_at_once = world.orchestrator.get(key).is_some_and(|found| {
            let ran = found.finished.zip(found.started);
            let stays_up = STAYS_UP[usize::from(swarm.is_some())];
            ran.is_some_and(|(finished, started)| finished < started + stays_up)
        });
        must(!ended_at_once, "the container of a 200 has ended at once")?;
        let service = swarm.and_then(|swarm| swarm.service(key));
        let is_taken_back = service.is_some_and(|service| service.is_taken_back());
        must(!is_taken_back, "the target of a 200 was taken back")?;
        let is_vouched = swarm.is_none() || self.by.vouched.contains(&key);
        must(is_vouched, "a 200 to which no majority has agreed")
    }

    /// A wait shows the real state, and not before it should.
    fn is_waited(&self, key: Key, until_ended: bool) -> Result<(), String> {
        let took = self.world.now - self.by.arrived;
        match (self.body["state"].as_str(), self.body["ready"].as_bool()) {
            // A target that is being removed is shown as ended.
            (Some("ended"), _) => {
                let has_ended = self.is_going(key) || self.by.seen_ended.contains(&key);
                must(has_ended, "the target of a wait has not ended")
            }
            (_, ready) if !until_ended && ready != Some(false) => match &self.world.orchestrator {
                Orchestrator::Engine(engine) => {
                    let found = engine.containers.iter().find(|found| found.key == key);
                    let truth = found.and_then(|found| found.is_healthy(self.world.now));
                    must(found.is_none() || ready == truth, "ready is not true")
                }
                Orchestrator::Swarm(_) => Ok(()),
            },
            _ => must(took >= WAIT, "a wait is over too soon"),
        }
    }

    /// The lifetime of the target that it shows.
    fn lifetime(&self) -> Option<Duration> {
        let moment = |member| OffsetDateTime::parse(self.body[member].as_str()?, &Rfc3339).ok();
        (moment("expires")? - moment("created")?).try_into().ok()
    }

    /// A success shows how long the target runs on, unless somebody else ends it.
    fn is_renewed(&self, key: Key) -> Result<(), String> {
        let has_run = self.by.seen_running.contains(&key);
        must(has_run, "what is renewed did not run")?;
        let told = self.lifetime();
        let told = told.ok_or("no lifetime in the answer to a renewal")?;
        let Some(target) = self.world.orchestrator.get(key) else {
            return Ok(());
        };
        let is_held = held_lifetime(self.world, key) >= told;
        let is_written = is_held || target.state != State::Running;
        must(is_written, "a renewal that is not written")?;
        let asked = (target.age(self.by.arrived) + RENEWAL).min(LONGEST);
        let is_as_asked = told + GAIN_MIN >= asked && told <= LONGEST;
        must(is_as_asked, "it is not renewed for as long as was asked")
    }

    /// A renewal is too late if the target has ended, or ends within the longest request.
    fn is_too_late(&self, key: Key) -> Result<(), String> {
        let has_ended = self.by.seen_ended.contains(&key);
        let target = self.world.orchestrator.get(key);
        let runs_on = target.is_some_and(|target| {
            let lifetime = told_lifetime(self.world, key);
            let left = lifetime.saturating_sub(target.age(self.world.now));
            target.state == State::Running && left > TOO_LATE + ROUNDING
        });
        must(has_ended || !runs_on, "a 409, and the target runs on")
    }
}

/// The token and the payload of the order of a target.
fn order_of(world: &World, key: Key) -> Option<(usize, usize)> {
    if key.is_given() {
        return Some((world.scenario.given.get(key.call)?.token, 0));
    }
    match world.actors[key.actor].webhook {
        Webhook::Start { token, payload } => Some((token, payload)),
        _ => None,
    }
}

fn runs(world: &World, key: Key) -> bool {
    let target = world.orchestrator.get(key);
    target.is_some_and(|target| target.state == State::Running)
}

/// While nothing fails, a webhook ends in one of few ways.
fn is_allowed(world: &World, actor: usize, status: u16) -> Result<(), String> {
    let scenario = &world.scenario;
    let failures = [Fault, End, Restart, Rejection, Loss];
    let is_calm = !failures.iter().any(|failure| scenario.left.has(*failure));
    let is_final = is_calm && actor < scenario.webhooks.len();
    let is_allowed = !is_final || scenario.allowed.contains(&status);
    must(is_allowed, "a status that only a failure allows")
}

/// Whether an answer is final for a webhook that is repeated while nothing fails.
pub fn is_settled(world: &World, webhook: Webhook, status: u16) -> bool {
    let ours = || world.orchestrator.ours();
    // Nobody can know what happens there.
    let is_lost = |target: &Target<'_>| world.is_node_lost() && target.state == State::Stopping;
    match (webhook, status) {
        (_, 200 | 201) => true,
        (Webhook::Start { token, .. }, 409 | 503) => {
            let mut of_token = ours().filter(|found| found.name == name_of(token));
            match status {
                409 => of_token.any(|found| found.finished.is_some()),
                _ => of_token.any(|found| is_lost(&found)) || world.scenario.refusal == Some(503),
            }
        }
        (Webhook::Start { token, .. }, 429) => {
            let live = || ours().filter(|found| found.state.is_live());
            let of_owner = live().filter(|found| owner(token) == Some(found.owner()));
            let max = world.scenario.max_targets_per_owner;
            live().count() >= world.scenario.max_targets
                || of_owner.count() >= max.unwrap_or(usize::MAX)
        }
        (Webhook::Stop(key), 503) => ours().any(|found| found.key == key && is_lost(&found)),
        (Webhook::Wait { key, .. }, 404) => ours().all(|found| found.key != key),
        (Webhook::Renew(key), 404 | 409) if !runs(world, key) => true,
        _ => world.scenario.refusal == Some(status),
    }
}
