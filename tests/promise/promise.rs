//! The promises, checked at each request, each change, each answer and after each reap.

use std::time::Duration;

use dynamic_access::docker::TargetId;
use dynamic_access::platform::{HttpRequest, HttpResponse};
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::before::{is_foreign, is_foreign_volume};
use crate::catalogue::is_of_the_catalogue;
use crate::model::engine::{Engine, Volume};
use crate::model::{Change, Key, Op, Orchestrator, State, Target, What, short};
use crate::scenario::{
    FIRST_KEY, WEBHOOK_SECRET, Webhook, environment, name_of, owner, token_text,
};
use crate::world::{By, World};

/// The latest moment of an answer.
const ANSWER: Duration = Duration::from_secs(25);

/// The latest moment of all work for a request.
const INVOCATION: Duration = Duration::from_secs(29);

/// How long a wait waits.
const WAIT: Duration = Duration::from_secs(20);

/// How long a created container may wait for its start.
const GRACE: Duration = Duration::from_secs(120);

/// How long a target runs at least after a start has called it running: on an Engine, and
/// on a Swarm.
const STAYS_UP: [Duration; 2] = [Duration::from_millis(100), Duration::from_millis(750)];

/// How long an ended target stays.
const ENDED_STAYS: Duration = Duration::from_secs(600);

/// The lifetime in a renewal, the longest lifetime of a target, and the least gain for
/// which a renewal is written.
const RENEWAL: Duration = Duration::from_secs(24 * 60 * 60);
const LONGEST: Duration = Duration::from_secs(16 * 24 * 60 * 60);
const GAIN_MIN: Duration = Duration::from_secs(60);

/// How much of its lifetime a target must have left to be renewed.
const TOO_LATE: Duration = Duration::from_secs(31);

/// The age at which every list of an Engine has a renewal.
const RENEWAL_SETTLES: Duration = Duration::from_secs(120);

const LIFETIME: Duration = Duration::from_secs(8 * 24 * 60 * 60);

/// Ages are in whole seconds, so a reaper can be this late.
const ROUNDING: Duration = Duration::from_secs(2);

/// The beginning of every planted secret, as it is and in a Swarm's base64.
const PLANTED: &str = "planted-";
const PLANTED_BASE64: &str = "cGxhbnRlZC";

/// Checks a request to the Engine, whatever its fate.
pub fn on_request(
    world: &World,
    actor: usize,
    request: &HttpRequest,
    op: &Op,
) -> Result<(), String> {
    if shows_a_secret(request, op) {
        return Err(format!("{op} carries a secret"));
    }
    if let Some(target) = op.target() {
        if TargetId::parse(target).is_none() {
            return Err(format!("{op} does not name a full id"));
        }
        if is_id_of_others(world, target) {
            return Err(format!("{op} is about somebody else's"));
        }
    }
    if op.volume().is_some_and(is_foreign_volume) {
        return Err(format!("{op} is about somebody else's"));
    }
    let webhook = world.actors[actor].webhook;
    let is_own = |id: &str| world.has_created(actor, id);
    let token = match webhook {
        Webhook::Start { token, .. } => Some(token),
        _ => None,
    };
    if op
        .creates()
        .is_some_and(|name| token.map(name_of).as_deref() != Some(name))
    {
        return Err(format!("{op} under a name that is not the token's"));
    }
    if op.readies().is_some_and(|id| !is_own(id)) {
        return Err(format!("{op} of a container that another has created"));
    }
    if op
        .carries()
        .is_some_and(|content| token.map(token_text).as_deref() != Some(content))
    {
        return Err(format!("{op} with another token"));
    }
    let only_looks = matches!(
        webhook,
        Webhook::Reap { dry_run: true } | Webhook::Wait { .. }
    );
    if only_looks && op.is_change() {
        return Err(format!("{op} although nothing was to be done"));
    }
    Ok(())
}

fn is_id_of_others(world: &World, id: &str) -> bool {
    let targets = world.orchestrator.targets();
    let mut foreign = targets.iter().filter(|found| is_foreign(found.key));
    let is_foreign_secret = match &world.orchestrator {
        Orchestrator::Engine(_) => false,
        Orchestrator::Swarm(swarm) => {
            let mut secrets = swarm.secrets.iter();
            secrets.any(|secret| is_foreign(secret.key) && *secret.id == *id)
        }
    };
    is_foreign_secret || foreign.any(|found| found.id == id)
}

/// The token may be in an archive or in a secret, and nowhere else.
fn shows_a_secret(request: &HttpRequest, op: &Op) -> bool {
    let body = std::str::from_utf8(request.body()).unwrap_or(PLANTED);
    let uri = request.uri().path_and_query();
    let mut values = request.headers().values();
    uri.is_some_and(|uri| has_planted(uri.as_str()))
        || values.any(|value| value.to_str().is_ok_and(has_planted))
        || (has_planted(body) && op.carries().is_none())
        || body.contains(WEBHOOK_SECRET)
}

fn has_planted(text: &str) -> bool {
    text.contains(PLANTED) || text.contains(PLANTED_BASE64)
}

/// Checks a change, with or without a request for it, once it is made.
pub fn on_change(world: &World, by: Option<By>, change: Change) -> Result<(), String> {
    let Some(target) = world.orchestrator.get(change.key) else {
        return Ok(());
    };
    if by.is_some() && is_foreign(change.key) {
        return Err(format!("{change}, and it is somebody else's"));
    }
    match (change.what, by) {
        (What::Runs, _) => may_run(world, &target, change),
        (What::Asked, Some(by)) => may_ask(world, by, change.key),
        (What::Withdrawn, Some(by)) => {
            may_remove(world, by, &target, change.from.unwrap_or(State::Gone))
        }
        (What::Replaced, _) => Err(format!("{change}: a second task takes its place")),
        (What::Else, _) => holds_its_renewal(world, &target),
        _ => Ok(()),
    }
}

/// The age up to which a target may run, as far as answers have shown.
fn told_lifetime(world: &World, key: Key) -> Duration {
    let renewed = world.renewed.get(&key).copied();
    renewed.unwrap_or_default().max(LIFETIME)
}

/// The age up to which a target may run, as it is written.
fn held_lifetime(world: &World, key: Key) -> Duration {
    world.orchestrator.renewed(key).max(LIFETIME)
}

/// A renewal that an answer has shown stays written while its target runs.
fn holds_its_renewal(world: &World, target: &Target<'_>) -> Result<(), String> {
    let is_held = held_lifetime(world, target.key) >= told_lifetime(world, target.key);
    if target.state == State::Running && !is_held {
        return Err("a renewal that somebody was told of is gone".to_owned());
    }
    Ok(())
}

/// Whether somebody may ask for the task of a service: only its creator, with secrets of
/// its own.
fn may_ask(world: &World, by: By, key: Key) -> Result<(), String> {
    let Orchestrator::Swarm(swarm) = &world.orchestrator else {
        return Ok(());
    };
    if key.actor != by.actor {
        return Err("a service is started that another has created".to_owned());
    }
    if swarm.secrets_of(key).any(|secret| secret.actor != by.actor) {
        return Err("a service is started with another's secret".to_owned());
    }
    Ok(())
}

fn may_run(world: &World, target: &Target<'_>, change: Change) -> Result<(), String> {
    let waits = [State::Created, State::Starting, State::Stopping];
    if !change.from.is_some_and(|from| waits.contains(&from)) {
        return Err(format!("{change}: it has run before"));
    }
    if target.token.is_none() {
        return Err("a container runs without its token".to_owned());
    }
    let ours = world.orchestrator.targets().into_iter();
    let running: Vec<Target<'_>> = ours
        .filter(|found| found.runs && !is_foreign(found.key))
        .collect();
    let same = running.iter().filter(|found| found.name == target.name);
    if same.count() > 1 {
        return Err("two containers of one token run".to_owned());
    }
    let of_owner = running.iter().filter(|found| found.owner == target.owner);
    let max = world.scenario.max_targets_per_owner;
    if !target.owner.is_empty() && max.is_some_and(|max| of_owner.count() > max) {
        return Err("more targets of one owner run than may".to_owned());
    }
    if running.len() > world.scenario.max_targets {
        return Err(format!("{} run, more than max_targets", running.len()));
    }
    Ok(())
}

/// Whether somebody may remove a target that was in the state `from`.
fn may_remove(world: &World, by: By, target: &Target<'_>, from: State) -> Result<(), String> {
    let actor = &world.actors[by.actor];
    let age = target.age(world.now);
    let is_its_own = target.key.actor == by.actor;
    let is_promised = world.promised.contains(&target.key);
    let is_swarm = matches!(world.orchestrator, Orchestrator::Swarm(_));
    // On a Swarm, a running target may be withdrawn, unless an answer has called it
    // running.
    let from = match from {
        State::Running | State::Stopping | State::Exited if is_swarm && !is_promised => {
            State::Starting
        }
        from => from,
    };
    // Every request after the answer is a reaper's.
    let may = match actor.webhook {
        Webhook::Stop(key) => target.key == key,
        Webhook::Start { token, .. } if !by.in_tail => match from {
            State::Created | State::Starting | State::Exited | State::Dead if is_its_own => true,
            // Its creator's webhook is over.
            State::Created | State::Starting => target.name == name_of(token) && age >= INVOCATION,
            // It never runs again.
            State::Dead => target.name == name_of(token),
            _ => false,
        },
        Webhook::Reap { dry_run: true } | Webhook::Wait { .. } | Webhook::Renew(_) => false,
        Webhook::Reap { .. } | Webhook::Start { .. } | Webhook::Health => match from {
            State::Created | State::Starting => age >= GRACE,
            State::Running | State::Stopping => age >= told_lifetime(world, target.key),
            State::Exited if age >= told_lifetime(world, target.key) => true,
            State::Exited => target
                .finished
                .is_some_and(|finished| world.now - finished >= ENDED_STAYS),
            State::Dead => true,
            State::Reserved | State::Removing | State::Gone => false,
        },
    };
    let id = short(target.id);
    let state = from.word();
    may.then_some(()).ok_or_else(|| {
        let seconds = age.as_secs();
        format!("{} removes {id}, {state}, {seconds} s old", actor.name)
    })
}

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

/// Checks that a reap which began at `since` and met no fault has left nothing
/// behind.
pub fn on_reaped(world: &World, since: Duration) -> Result<(), String> {
    let ours = world.orchestrator.targets().into_iter();
    for target in ours.filter(|target| !is_foreign(target.key)) {
        let begun = match target.state {
            // Somebody is removing it, or making it: the next reap sees that.
            State::Removing | State::Reserved | State::Stopping | State::Gone => continue,
            State::Created | State::Starting => target.created + GRACE,
            State::Running => target.created + held_lifetime(world, target.key),
            State::Exited => target.finished.unwrap_or(target.created) + ENDED_STAYS,
            State::Dead => target.finished.unwrap_or(target.created),
        };
        if begun + ROUNDING < since {
            let (id, state) = (short(target.id), target.state.word());
            return Err(format!("{id} is left behind, {state}"));
        }
    }
    let swarm = match &world.orchestrator {
        Orchestrator::Engine(engine) => return has_no_renewal_left(engine, since),
        Orchestrator::Swarm(swarm) => swarm,
    };
    let ours = swarm.secrets.iter();
    let mut ours = ours.filter(|secret| !is_foreign(secret.key));
    let is_old = |created: Duration| created + GRACE + ROUNDING < since;
    let left = ours.find(|secret| is_old(secret.created) && !swarm.has_target_of(secret));
    left.map_or(Ok(()), |secret| {
        Err(format!("the secret {} is left behind", secret.name))
    })
}

/// Checks that a reap has left no renewal from before it that has no target or was
/// replaced long ago.
fn has_no_renewal_left(engine: &Engine, since: Duration) -> Result<(), String> {
    let ours = engine.volumes.iter();
    let mut ours = ours.filter(|volume| !is_foreign_volume(&volume.name));
    let has_target = |volume: &Volume| {
        let mut ids = engine.containers.iter().map(|container| &container.id);
        ids.any(|id| volume.name.contains(&**id))
    };
    let is_old = |volume: &Volume, age| volume.created + age + ROUNDING < since;
    let is_replaced = |volume: &Volume| {
        let mut all = engine.volumes.iter();
        all.any(|other| volume.is_replaced_by(other) && is_old(other, RENEWAL_SETTLES))
    };
    let left = ours.find(|volume| {
        is_old(volume, Duration::ZERO) && (is_replaced(volume) || !has_target(volume))
    });
    left.map_or(Ok(()), |volume| {
        Err(format!("the renewal {} is left behind", volume.name))
    })
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
