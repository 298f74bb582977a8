//! The promises about each answer: it is true, in time, and shows no secret.

use std::time::Duration;

use dynamic_access::platform::HttpResponse;
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{INVOCATION, LIFETIME, ROUNDING, has_planted, held_lifetime, must, told_lifetime};
use crate::model::{Key, Orchestrator, State, Target};
use crate::scenario::Event::{End, Fault, Loss, Rejection, Restart};
use crate::scenario::Webhook;
use crate::tokens::{FIRST_KEY, environment, name_of, owner};
use crate::world::World;

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

/// Checks an answer and notes it, and clears the notes that hold only before it.
pub fn on_answer(world: &mut World, actor: usize, response: &HttpResponse, lines: &[String]) {
    let body = String::from_utf8_lossy(response.body()).into_owned();
    let status = response.status().as_u16();
    world.note(|world| format!("{} answers {status} {body}", world.actors[actor].name));
    let outcome = [
        answers_the_truth(world, actor, status, &body),
        is_in_time(world, actor, ANSWER),
        keeps_secrets(&format!("{:?} {body} {lines:?}", response.headers())),
        is_of_the_catalogue(status, &lines[0]),
        is_allowed(world, actor, status),
    ]
    .into_iter()
    .collect();
    world.check(outcome);
    if let Some(key) = promised(world, actor, status, &body) {
        world.promised.insert(key);
    }
    if let (Webhook::Renew(key), 200) = (world.actors[actor].webhook, status) {
        let told = lifetime_in(&body).unwrap_or_default();
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
    let outcome =
        is_in_time(world, actor, INVOCATION).and_then(|()| keeps_secrets(&lines.join(" ")));
    world.check(outcome);
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
    let value: Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
    let is_known = match value["code"].as_str() {
        None => matches!(status, 200 | 201),
        Some(code) => status >= 400 && CODES.split_whitespace().any(|known| known == code),
    };
    let is_known = is_known && value["status"] == status;
    must(is_known, "an answer that is not of the catalogue")
}

/// The target that a success calls running.
fn promised(world: &World, actor: usize, status: u16, body: &str) -> Option<Key> {
    let by = &world.actors[actor];
    let is_start = matches!(by.webhook, Webhook::Start { .. });
    let is_success = is_start && matches!(status, 200 | 201);
    let mut seen = by.seen_running.iter().filter(|_| is_success);
    let id = |key: &&Key| body.contains(&world.orchestrator.id_of(**key));
    seen.find(id).copied()
}

/// A success must be true, and so must a refusal that describes the state of a target.
fn answers_the_truth(world: &World, actor: usize, status: u16, body: &str) -> Result<(), String> {
    let by = &world.actors[actor];
    let is_ours = |key: Key| !key.is_foreign();
    match (by.webhook, status) {
        (Webhook::Health, 200) => must(body == "{}", "a success has a body"),
        (Webhook::Stop(key), 200) => {
            // A target that is only now being made may appear after the look for it.
            let found = world.orchestrator.get(key).filter(|_| key.is_given());
            let is_gone = |state| matches!(state, State::Removing | State::Gone);
            must(body == "{}", "a success has a body")?;
            let is_there = found.is_some_and(|found| !is_gone(found.state));
            must(!is_there, "a 200, and the container is there")
        }
        (Webhook::Stop(key), 404) => must(!is_ours(key), "a 404 for a container of ours"),
        (Webhook::Start { token, payload }, 200 | 201) => {
            started(world, actor, status, body, token, payload)
        }
        (Webhook::Start { token, .. }, 409) => {
            let is_of_token = |key: &Key| order_of(world, *key).0 == name_of(token);
            let has_ended = by.seen_ended.iter().any(is_of_token);
            must(has_ended, "a 409, and no target has ended")
        }
        (Webhook::Wait { key, until_ended }, 200) => waited(world, actor, key, until_ended, body),
        (Webhook::Renew(key), 200) => is_renewed(world, actor, key, body),
        (Webhook::Renew(key), 409) => is_too_late(world, actor, key),
        (Webhook::Wait { key, .. } | Webhook::Renew(key), 404) => {
            let is_there = is_ours(key) && runs(world, key);
            must(!is_there, "a 404 for a target of ours that runs")
        }
        _ => Ok(()),
    }
}

/// The target of a success is that of the order, has run, and is not taken back.
fn started(
    world: &World,
    actor: usize,
    status: u16,
    body: &str,
    token: usize,
    payload: usize,
) -> Result<(), String> {
    let by = &world.actors[actor];
    let body: Value = serde_json::from_str(body).map_err(|error| error.to_string())?;
    let is_key = token >= FIRST_KEY;
    let member = if is_key { "id" } else { "uniqueId" };
    let id = body[member].as_str().ok_or("no id")?;
    let has_run = |key: &&Key| world.orchestrator.id_of(**key) == id;
    let key = by.seen_running.iter().find(has_run);
    let key = key.ok_or("the container of a 200 did not run")?;
    let is_told = !is_key || (status == 201) == (key.actor == actor);
    must(is_told, "a 201 is for a new target, and a 200 for another")?;
    let is_its_own = order_of(world, *key) == (name_of(token), &*environment(payload));
    must(is_its_own, "the container of a 200 is another order's")?;
    let is_swarm = world.scenario.is_on_swarm();
    let ended_at_once = world.orchestrator.get(*key).is_some_and(|found| {
        let ran = found.finished.zip(found.started);
        let stays_up = STAYS_UP[usize::from(is_swarm)];
        ran.is_some_and(|(finished, started)| finished < started + stays_up)
    });
    must(!ended_at_once, "the container of a 200 has ended at once")?;
    let service = world.orchestrator.as_swarm();
    let service = service.and_then(|swarm| swarm.service(*key));
    let is_taken_back = service.is_some_and(|service| service.is_taken_back());
    must(!is_taken_back, "the target of a 200 was taken back")?;
    let is_vouched = !is_swarm || by.vouched.contains(key);
    must(is_vouched, "a 200 to which no majority has agreed")
}

/// The name and the environment of a target that ever existed.
fn order_of(world: &World, key: Key) -> (&str, &str) {
    let label = |name| world.orders.get(&key)?.get(name).map(String::as_str);
    let label = |name| label(name).unwrap_or_default();
    let environment = label("dynamic-access.environment-id");
    (label("dynamic-access.name"), environment)
}

/// A wait shows the real state, and not before it should.
fn waited(
    world: &World,
    actor: usize,
    key: Key,
    until_ended: bool,
    body: &str,
) -> Result<(), String> {
    let by = &world.actors[actor];
    let body: Value = serde_json::from_str(body).map_err(|error| error.to_string())?;
    let took = world.now - by.arrived;
    // A target that is being removed is shown as ended.
    let found = world.orchestrator.get(key);
    let is_going = found.is_none_or(|found| matches!(found.state, State::Removing | State::Gone));
    match (body["state"].as_str(), body["ready"].as_bool()) {
        (Some("ended"), _) => {
            let has_ended = is_going || by.seen_ended.contains(&key);
            must(has_ended, "the target of a wait has not ended")
        }
        (_, ready) if !until_ended && ready != Some(false) => match &world.orchestrator {
            Orchestrator::Engine(engine) => {
                let found = engine.containers.iter().find(|found| found.key == key);
                let truth = found.and_then(|found| found.is_healthy(world.now));
                must(found.is_none() || ready == truth, "ready is not true")
            }
            Orchestrator::Swarm(_) => Ok(()),
        },
        _ => must(took >= WAIT, "a wait is over too soon"),
    }
}

fn runs(world: &World, key: Key) -> bool {
    let target = world.orchestrator.get(key);
    target.is_some_and(|target| target.state == State::Running)
}

/// The lifetime of the target in an answer.
fn lifetime_in(body: &str) -> Option<Duration> {
    let body: Value = serde_json::from_str(body).ok()?;
    let moment = |member: &str| OffsetDateTime::parse(body[member].as_str()?, &Rfc3339).ok();
    (moment("expires")? - moment("created")?).try_into().ok()
}

/// A success shows how long the target runs on, unless somebody else ends it.
fn is_renewed(world: &World, actor: usize, key: Key, body: &str) -> Result<(), String> {
    let by = &world.actors[actor];
    must(
        by.seen_running.contains(&key),
        "what is renewed did not run",
    )?;
    let told = lifetime_in(body).ok_or("no lifetime in the answer to a renewal")?;
    let Some(target) = world.orchestrator.get(key) else {
        return Ok(());
    };
    let is_written = target.state != State::Running || held_lifetime(world, key) >= told;
    must(is_written, "a renewal that is not written")?;
    let asked = (target.age(by.arrived) + RENEWAL).min(LONGEST);
    let is_as_asked = told + GAIN_MIN >= asked && told <= LONGEST;
    must(is_as_asked, "it is not renewed for as long as was asked")
}

/// A renewal is too late if the target has ended, or ends within the longest request.
fn is_too_late(world: &World, actor: usize, key: Key) -> Result<(), String> {
    let has_ended = world.actors[actor].seen_ended.contains(&key);
    let target = world.orchestrator.get(key);
    let runs_on = target.is_some_and(|target| {
        let left = told_lifetime(world, key).saturating_sub(target.age(world.now));
        target.state == State::Running && left > TOO_LATE + ROUNDING
    });
    must(has_ended || !runs_on, "a 409, and the target runs on")
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
        (Webhook::Start { token, .. }, 409) => {
            let name = name_of(token);
            ours().any(|found| found.name == name && found.finished.is_some())
        }
        (Webhook::Start { token, .. }, 429) => {
            let live = || ours().filter(|found| found.state.is_live());
            let of_owner = live().filter(|found| owner(token) == Some(found.owner()));
            let max = world.scenario.max_targets_per_owner.parse();
            live().count() >= world.scenario.max_targets
                || of_owner.count() >= max.unwrap_or(usize::MAX)
        }
        (Webhook::Start { token, .. }, 503) if world.is_node_lost() => {
            let name = name_of(token);
            ours().any(|found| found.name == name && is_lost(&found))
        }
        (Webhook::Stop(key), 503) if world.is_node_lost() => {
            ours().any(|found| found.key == key && is_lost(&found))
        }
        (Webhook::Wait { key, .. }, 404) => ours().all(|found| found.key != key),
        (Webhook::Renew(key), 404 | 409) if !runs(world, key) => true,
        _ => world.scenario.refusal == Some(status),
    }
}
