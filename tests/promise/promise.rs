//! The promises, checked at each request, each change, each answer and after each reap.

mod answers;

pub use answers::{is_settled, on_answer, on_tail};

use std::time::Duration;

use dynamic_access::docker::TargetId;
use dynamic_access::platform::HttpRequest;

use crate::before::is_foreign_volume;
use crate::model::engine::{Engine, Volume};
use crate::model::{Change, Key, Op, Orchestrator, State, Target, What, short};
use crate::scenario::{WEBHOOK_SECRET, Webhook};
use crate::tokens::{name_of, token_text};
use crate::world::{By, World};

/// The latest moment of all work for a request.
const INVOCATION: Duration = Duration::from_secs(29);

/// How long a created container may wait for its start.
const GRACE: Duration = Duration::from_secs(120);

/// How long an ended target stays.
const ENDED_STAYS: Duration = Duration::from_secs(600);

/// The age at which every list of an Engine has a renewal.
const RENEWAL_SETTLES: Duration = Duration::from_secs(120);

const LIFETIME: Duration = Duration::from_secs(8 * 24 * 60 * 60);

/// Ages are in whole seconds, so a reaper can be this late.
const ROUNDING: Duration = Duration::from_secs(2);

/// The beginning of every planted secret, as it is and in a Swarm's base64.
const PLANTED: &str = "planted-";
const PLANTED_BASE64: &str = "cGxhbnRlZC";

/// The problem, unless it holds.
fn must(holds: bool, problem: &str) -> Result<(), String> {
    match holds {
        true => Ok(()),
        false => Err(problem.to_owned()),
    }
}

/// Checks a request to the Engine, whatever its fate.
pub fn on_request(
    world: &World,
    actor: usize,
    request: &HttpRequest,
    op: &Op,
) -> Result<(), String> {
    let webhook = world.actors[actor].webhook;
    let token = match webhook {
        Webhook::Start { token, .. } => Some(token),
        _ => None,
    };
    let is_own = |name: Option<&str>, own: Option<&str>| name.is_none() || name == own;
    let must = |holds, problem| must(holds, problem).map_err(|problem| format!("{op} {problem}"));
    must(!shows_a_secret(request, op), "shows a secret")?;
    // An Engine refuses such a start, and some proxies refuse such a removal.
    let length = request.headers().get(http::header::CONTENT_LENGTH);
    let says_its_length = length.is_some_and(|length| length == "0");
    let says_its_length = says_its_length || !request.body().is_empty();
    must(says_its_length, "does not say that it is empty")?;
    if let Some(id) = op.target() {
        must(TargetId::parse(id).is_some(), "does not name a full id")?;
        must(!is_id_of_others(world, id), "is about somebody else's")?;
    }
    let volume = op.volume().is_some_and(is_foreign_volume);
    must(!volume, "is about somebody else's volume")?;
    let has_its_name = is_own(op.creates(), token.map(name_of));
    must(has_its_name, "has a name that is not the token's")?;
    let is_its_own = |id| world.has_created(actor, id);
    let is_its_own = op.readies().is_none_or(is_its_own);
    must(is_its_own, "is about a container that another has created")?;
    let has_its_token = is_own(op.content.as_deref(), token.map(token_text).as_deref());
    must(has_its_token, "carries another token")?;
    let only_looks = matches!(
        webhook,
        Webhook::Reap { dry_run: true } | Webhook::Wait { .. }
    );
    must(!only_looks || !op.is_change, "changes something")
}

fn is_id_of_others(world: &World, id: &str) -> bool {
    let targets = world.orchestrator.targets().into_iter();
    let mut targets = targets.filter(|found| found.key.is_foreign());
    let swarm = world.orchestrator.as_swarm().into_iter();
    let secrets = swarm.flat_map(|swarm| &swarm.secrets);
    let mut secrets = secrets.filter(|secret| secret.key.is_foreign());
    targets.any(|found| found.id == id) || secrets.any(|secret| *secret.id == *id)
}

/// The token may be in an archive or in a secret, and nowhere else.
fn shows_a_secret(request: &HttpRequest, op: &Op) -> bool {
    let body = std::str::from_utf8(request.body()).unwrap_or(PLANTED);
    let uri = request.uri().path_and_query();
    let mut values = request.headers().values();
    uri.is_some_and(|uri| has_planted(uri.as_str()))
        || values.any(|value| value.to_str().is_ok_and(has_planted))
        || (has_planted(body) && op.content.is_none())
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
    if by.is_some() && change.key.is_foreign() {
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
    let is_held = is_held || target.state != State::Running;
    must(is_held, "a renewal that somebody was told of is gone")
}

/// Whether somebody may ask for the task of a service: only its creator, with secrets of
/// its own.
fn may_ask(world: &World, by: By, key: Key) -> Result<(), String> {
    let swarm = world.orchestrator.as_swarm();
    let swarm = swarm.expect("only a Swarm is asked for a task");
    let is_own = |key: Key| key.actor == by.actor;
    must(is_own(key), "a service is started that another has created")?;
    let has_own = swarm.secrets_of(key).all(is_own);
    must(has_own, "a service is started with another's secret")
}

fn may_run(world: &World, target: &Target<'_>, change: Change) -> Result<(), String> {
    let waits = [State::Created, State::Starting, State::Stopping];
    let is_new = change.from.is_some_and(|from| waits.contains(&from));
    must(is_new, "a container runs that has run before")?;
    must(target.token.is_some(), "a container runs without its token")?;
    let ours = world.orchestrator.ours();
    let running: Vec<Target<'_>> = ours.filter(|found| found.runs).collect();
    let same = running.iter().filter(|found| found.name == target.name);
    must(same.count() <= 1, "two containers of one token run")?;
    let of_owner = running.iter().filter(|one| one.owner() == target.owner());
    let max = world.scenario.max_targets_per_owner;
    let has_room = target.owner().is_empty() || of_owner.count() <= max.unwrap_or(usize::MAX);
    must(has_room, "more targets of one owner run than may")?;
    let has_room = running.len() <= world.scenario.max_targets;
    must(has_room, "more targets run than may")
}

/// Whether somebody may remove a target that was in the state `from`.
fn may_remove(world: &World, by: By, target: &Target<'_>, from: State) -> Result<(), String> {
    let actor = &world.actors[by.actor];
    let age = target.age(world.now);
    let is_its_own = target.key.actor == by.actor;
    let is_promised = world.promised.contains(&target.key);
    let is_swarm = world.scenario.is_on_swarm();
    // On a Swarm, a running target may be withdrawn, unless an answer has called it
    // running.
    let has_run = matches!(from, State::Running | State::Stopping | State::Exited);
    let is_early = is_swarm && !is_promised && has_run;
    let from = if is_early { State::Starting } else { from };
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
    if may {
        return Ok(());
    }
    let (id, state, seconds) = (short(target.id), from.word(), age.as_secs());
    Err(format!(
        "{} removes {id}, {state}, {seconds} s old",
        actor.name
    ))
}

/// Checks that a reap which began at `since` and met no fault has left nothing
/// behind.
pub fn on_reaped(world: &World, since: Duration) -> Result<(), String> {
    for target in world.orchestrator.ours() {
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
    let mut ours = ours.filter(|secret| !secret.key.is_foreign());
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
