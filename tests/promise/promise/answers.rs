//! The promises about each answer: it is true, in time, and shows no secret.

use std::time::Duration;

use dynamic_access::platform::HttpResponse;
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{INVOCATION, LIFETIME, ROUNDING, has_planted, held_lifetime, told_lifetime};
use crate::before::is_foreign;
use crate::catalogue::is_of_the_catalogue;
use crate::model::{Key, Orchestrator, State, Target};
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

/// Checks an answer and notes it, and clears the notes that hold only before it.
pub fn on_answer(world: &mut World, actor: usize, response: &HttpResponse, lines: &[String]) {
    let body = String::from_utf8_lossy(response.body()).into_owned();
    let status = response.status().as_u16();
    world.note(|world| format!("{} answers {status} {body}", world.actors[actor].name));
    let outcome = [
        answers_the_truth(world, actor, status, &body),
        is_in_time(world, actor, ANSWER),
        keeps_secrets(&format!("{:?} {body} {lines:?}", response.headers())),
        is_of_the_catalogue(status, &body),
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
        let is_shorter = before.is_some_and(|before| told < before.max(LIFETIME));
        if is_shorter {
            world.check(Err("a renewal makes a lifetime shorter".to_owned()));
        }
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
    let is_in_time = took <= limit;
    is_in_time
        .then_some(())
        .ok_or_else(|| format!("it took {took:?}, more than {limit:?}"))
}

fn keeps_secrets(text: &str) -> Result<(), String> {
    if has_planted(text) {
        return Err(format!("a secret is shown: {text}"));
    }
    Ok(())
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
    match (by.webhook, status) {
        (Webhook::Health | Webhook::Stop(_), 200) if body != "{}" => {
            Err(format!("a success with the body {body}"))
        }
        (Webhook::Start { token, payload }, 200 | 201) => {
            let body: Value = serde_json::from_str(body).map_err(|error| error.to_string())?;
            let is_key = token >= FIRST_KEY;
            let member = if is_key { "id" } else { "uniqueId" };
            let id = body[member].as_str().ok_or("no id")?;
            let has_run = |key: &&Key| world.orchestrator.id_of(**key) == id;
            let key = by.seen_running.iter().find(has_run);
            let key = key.ok_or("the container of a 200 did not run")?;
            if is_key && (status == 201) != (key.actor == actor) {
                return Err(
                    "a 201 says that the target is new, and a 200 that it is not".to_owned(),
                );
            }
            let of = world.orders.get(key);
            if of != Some(&(name_of(token), environment(payload))) {
                return Err("the container of a 200 is another order's".to_owned());
            }
            let is_swarm = matches!(world.orchestrator, Orchestrator::Swarm(_));
            let ended_at_once = world.orchestrator.get(*key).is_some_and(|found| {
                let ran = found.finished.zip(found.started);
                let stays_up = STAYS_UP[usize::from(is_swarm)];
                ran.is_some_and(|(finished, started)| finished < started + stays_up)
            });
            if ended_at_once {
                return Err("the container of a 200 has ended at once".to_owned());
            }
            if is_taken_back(world, *key) {
                return Err("the target of a 200 was taken back".to_owned());
            }
            if is_swarm && !by.vouched.contains(key) {
                return Err("a 200 to which no majority has agreed".to_owned());
            }
            Ok(())
        }
        (Webhook::Wait { key, until_ended }, 200) => waited(world, actor, key, until_ended, body),
        (Webhook::Wait { key, .. }, 404) => match world.orchestrator.get(key) {
            Some(found) if found.state == State::Running && !is_foreign(key) => {
                Err("a 404, and the target runs".to_owned())
            }
            _ => Ok(()),
        },
        (Webhook::Start { token, .. }, 409) => {
            let name = name_of(token);
            let is_of_token = |key: &Key| world.orders.get(key).is_some_and(|of| of.0 == name);
            let has_ended = by.seen_ended.iter().any(is_of_token);
            has_ended
                .then_some(())
                .ok_or_else(|| "a 409, and no target has ended".to_owned())
        }
        // A target that is only now being made may appear after the look for it.
        (Webhook::Stop(key), 200) if key.is_given() => match world.orchestrator.get(key) {
            Some(found) if !matches!(found.state, State::Removing | State::Gone) => Err(format!(
                "a 200, and the container is {}",
                found.state.word()
            )),
            _ => Ok(()),
        },
        (Webhook::Renew(key), 200) => is_renewed(world, actor, key, body),
        (Webhook::Renew(key), 409) => is_too_late(world, actor, key),
        (Webhook::Renew(key), 404) if !is_foreign(key) && runs(world, key) => {
            Err("a 404 for a target of ours that runs".to_owned())
        }
        (Webhook::Stop(key), 404) if !is_foreign(key) => {
            Err("a 404 for a container of ours".to_owned())
        }
        _ => Ok(()),
    }
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
        (Some("ended"), _) if !is_going && !by.seen_ended.contains(&key) => {
            Err("the target of a wait has not ended".to_owned())
        }
        (Some("ended"), _) => Ok(()),
        (_, ready) if !until_ended && ready != Some(false) => match &world.orchestrator {
            Orchestrator::Engine(engine) => {
                let found = engine.containers.iter().find(|found| found.key == key);
                let truth = found.and_then(|found| found.is_healthy(world.now));
                let is_true = found.is_none() || ready == truth;
                is_true.then_some(()).ok_or(format!("ready is {truth:?}"))
            }
            Orchestrator::Swarm(_) => Ok(()),
        },
        _ if took < WAIT => Err(format!("a wait is over after {took:?}")),
        _ => Ok(()),
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
    if !by.seen_running.contains(&key) {
        return Err("what is renewed did not run".to_owned());
    }
    let told = lifetime_in(body).ok_or("no lifetime in the answer to a renewal")?;
    let Some(target) = world.orchestrator.get(key) else {
        return Ok(());
    };
    if target.state == State::Running && held_lifetime(world, key) < told {
        return Err("a renewal that is not written".to_owned());
    }
    let asked = (target.age(by.arrived) + RENEWAL).min(LONGEST);
    if told + GAIN_MIN < asked || told > LONGEST {
        return Err(format!(
            "it is renewed up to {told:?}, and not to {asked:?}"
        ));
    }
    Ok(())
}

/// A renewal is too late if the target has ended, or ends within the longest request.
fn is_too_late(world: &World, actor: usize, key: Key) -> Result<(), String> {
    let has_ended = world.actors[actor].seen_ended.contains(&key);
    let target = world.orchestrator.get(key);
    let runs_on = target.is_some_and(|target| {
        let left = told_lifetime(world, key).saturating_sub(target.age(world.now));
        target.state == State::Running && left > TOO_LATE + ROUNDING
    });
    match runs_on && !has_ended {
        true => Err("a 409, and the target runs on".to_owned()),
        false => Ok(()),
    }
}

/// Whether a Swarm's target without a vouch is being withdrawn.
fn is_taken_back(world: &World, key: Key) -> bool {
    let Orchestrator::Swarm(swarm) = &world.orchestrator else {
        return false;
    };
    let mut services = swarm.services.iter();
    services.any(|service| service.key == key && service.is_taken_back())
}

/// While nothing fails, a webhook ends in one of few ways.
fn is_allowed(world: &World, actor: usize, status: u16) -> Result<(), String> {
    let scenario = &world.scenario;
    let left = scenario.left;
    let is_calm = left.faults + left.ends + left.restarts + left.rejections + left.losses == 0;
    if is_calm && actor < scenario.webhooks.len() && !scenario.allowed.contains(&status) {
        return Err(format!("a {status}, and nothing has failed"));
    }
    Ok(())
}

/// Whether an answer is final for a webhook that is repeated while nothing fails.
pub fn is_settled(world: &World, webhook: Webhook, status: u16) -> bool {
    let ours = || {
        let targets = world.orchestrator.targets().into_iter();
        targets.filter(|target| !is_foreign(target.key))
    };
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
            let of_owner = live().filter(|found| owner(token) == Some(found.owner));
            let max = world.scenario.max_targets_per_owner;
            live().count() >= world.scenario.max_targets
                || max.is_some_and(|max| of_owner.count() >= max)
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
