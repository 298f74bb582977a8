//! What is promised, checked at each request, each change, each answer and
//! after each reap.

use std::sync::LazyLock;
use std::time::Duration;

use dynamic_access::config::Problems;
use dynamic_access::docker::{ImageReference, TargetId};
use dynamic_access::error::Error;
use dynamic_access::fault::Fault;
use dynamic_access::platform::{HttpRequest, HttpResponse};
use dynamic_access::provision::KeyKind;
use serde_json::Value;

use crate::model::{Change, Container, Key, Op, State, short};
use crate::scenario::{
    FIRST_KEY, WEBHOOK_SECRET, Webhook, environment, is_foreign, name_of, token_text,
};
use crate::world::{By, Shared, World};

/// By when the caller has an answer.
const ANSWER: Duration = Duration::from_secs(25);

/// By when all that a request has set off is over.
const INVOCATION: Duration = Duration::from_secs(29);

/// How long a container that was created may wait to be started.
const GRACE: Duration = Duration::from_secs(120);

/// How long a target runs at least of which a start says that it runs.
const STAYS_UP: Duration = Duration::from_millis(750);

/// How long one that has ended stays.
const ENDED_STAYS: Duration = Duration::from_secs(600);

const LIFETIME: Duration = Duration::from_secs(8 * 24 * 60 * 60);

/// Ages are told in whole seconds, so that a reaper can be this much late.
const ROUNDING: Duration = Duration::from_secs(2);

/// What every planted secret begins with.
const PLANTED: &str = "planted-";

/// Checks a request to the Engine, whatever becomes of it.
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
        let mut foreign = world.engine.containers.iter();
        if foreign.any(|found| is_foreign(found.key) && *found.id == *target) {
            return Err(format!("{op} is about somebody else's container"));
        }
    }
    match (op, world.actors[actor].webhook) {
        (Op::Create { name, .. }, Webhook::Start { token, .. }) if *name == name_of(token) => {
            Ok(())
        }
        (Op::Create { .. }, _) => Err(format!("{op} under a name that is not the token's")),
        (Op::Start(id) | Op::Archive { id, .. }, _) if !world.has_created(actor, id) => {
            Err(format!("{op} of a container that another has created"))
        }
        (Op::Archive { content, .. }, Webhook::Start { token, .. })
            if *content != token_text(token) =>
        {
            Err(format!("{op} with another token"))
        }
        (_, Webhook::Reap { dry_run: true }) if op.is_change() => {
            Err(format!("{op} although nothing was to be done"))
        }
        _ => Ok(()),
    }
}

/// The token has its place in an archive, and nothing has another.
fn shows_a_secret(request: &HttpRequest, op: &Op) -> bool {
    let body = std::str::from_utf8(request.body()).unwrap_or(PLANTED);
    let uri = request.uri().path_and_query();
    let mut values = request.headers().values();
    let is_archive = matches!(op, Op::Archive { .. });
    uri.is_some_and(|uri| uri.as_str().contains(PLANTED))
        || values.any(|value| value.to_str().is_ok_and(|value| value.contains(PLANTED)))
        || (body.contains(PLANTED) && !is_archive)
        || body.contains(WEBHOOK_SECRET)
}

/// Checks a change that a request has brought, once it is made.
pub fn on_change(world: &World, by: By, change: Change) -> Result<(), String> {
    let Some(container) = world.engine.get(change.key) else {
        return Ok(());
    };
    if is_foreign(change.key) {
        return Err(format!("{change}, and it is somebody else's"));
    }
    match (change.from, change.to) {
        (Some(State::Created), Some(State::Running)) => may_run(world, container),
        (Some(from), Some(to)) if from == to => Ok(()),
        (_, Some(State::Running)) => Err(format!("{change}: it has run before")),
        (Some(from), Some(State::Removing)) => may_remove(world, by, container, from),
        _ => Ok(()),
    }
}

fn may_run(world: &World, container: &Container) -> Result<(), String> {
    if container.token.is_none() {
        return Err("a container runs without its token".to_owned());
    }
    let ours = world.engine.containers.iter();
    let running: Vec<&Container> = ours
        .filter(|found| found.state == State::Running && !is_foreign(found.key))
        .collect();
    let same = running.iter().filter(|found| found.name == container.name);
    if same.count() > 1 {
        return Err("two containers of one token run".to_owned());
    }
    if running.len() > world.scenario.max_targets {
        return Err(format!("{} run, more than max_targets", running.len()));
    }
    Ok(())
}

/// Whether somebody may remove a container that was in the state `from`.
fn may_remove(world: &World, by: By, container: &Container, from: State) -> Result<(), String> {
    let actor = &world.actors[by.actor];
    let age = container.age(world.now);
    let is_its_own = container.key.actor == by.actor;
    // Whatever is sent after the answer is a reaper's work.
    let may = match actor.webhook {
        Webhook::Stop(key) => container.key == key,
        Webhook::Start { token, .. } if !by.in_tail => match from {
            State::Created | State::Exited | State::Dead if is_its_own => true,
            // Its creator's webhook is over.
            State::Created => *container.name == *name_of(token) && age >= INVOCATION,
            // It never runs again.
            State::Dead => *container.name == *name_of(token),
            _ => false,
        },
        Webhook::Reap { dry_run: true } => false,
        Webhook::Reap { .. } | Webhook::Start { .. } | Webhook::Health => match from {
            State::Created => age >= GRACE,
            State::Running => age >= LIFETIME,
            State::Exited if age >= LIFETIME => true,
            State::Exited => container
                .finished
                .is_some_and(|finished| world.now - finished >= ENDED_STAYS),
            State::Dead => true,
            State::Reserved | State::Removing => false,
        },
    };
    let id = short(&container.id);
    let state = from.word();
    may.then_some(()).ok_or_else(|| {
        let seconds = age.as_secs();
        format!("{} removes {id}, {state}, {seconds} s old", actor.name)
    })
}

/// Checks an answer, notes it, and ends with it what is true only of the time
/// before.
pub fn on_answer(shared: &Shared, actor: usize, response: &HttpResponse, lines: &[String]) {
    let mut world = shared.borrow_mut();
    let body = String::from_utf8_lossy(response.body()).into_owned();
    let status = response.status().as_u16();
    world.note(|world| format!("{} answers {status} {body}", world.actors[actor].name));
    let outcome = [
        answers_the_truth(&world, actor, status, &body),
        is_in_time(&world, actor, ANSWER),
        keeps_secrets(&format!("{:?} {body} {lines:?}", response.headers())),
        is_of_the_catalogue(status, &body),
        is_allowed(&world, actor, status),
    ]
    .into_iter()
    .collect();
    world.check(outcome);
    let retry_after = response.headers().get(http::header::RETRY_AFTER);
    let seconds = retry_after.and_then(|value| value.to_str().ok()?.parse().ok());
    world.actors[actor].answer = Some((status, seconds));
}

/// Checks the end of what comes after an answer.
pub fn on_tail(shared: &Shared, actor: usize, lines: &[String]) {
    let mut world = shared.borrow_mut();
    let outcome =
        is_in_time(&world, actor, INVOCATION).and_then(|()| keeps_secrets(&lines.join(" ")));
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
    if text.contains(PLANTED) {
        return Err(format!("a secret is shown: {text}"));
    }
    Ok(())
}

/// A success, or a refusal that says what is the case, must be true.
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
            let has_run = |key: &&Key| key.id() == id;
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
            let ended_at_once = world.engine.get(*key).is_some_and(|found| {
                let ran = found.finished.zip(found.started);
                ran.is_some_and(|(finished, started)| finished < started + STAYS_UP)
            });
            if ended_at_once {
                return Err("the container of a 200 has ended at once".to_owned());
            }
            Ok(())
        }
        (Webhook::Start { token, .. }, 409) => {
            let name = name_of(token);
            let is_of_token = |key: &Key| world.orders.get(key).is_some_and(|of| of.0 == name);
            let has_ended = by.seen_ended.iter().any(is_of_token);
            has_ended
                .then_some(())
                .ok_or_else(|| "a 409, and no target has ended".to_owned())
        }
        // One that is only now being made may appear after the look for it.
        (Webhook::Stop(key), 200) if key.is_given() => match world.engine.get(key) {
            Some(found) if found.state != State::Removing => Err(format!(
                "a 200, and the container is {}",
                found.state.word()
            )),
            _ => Ok(()),
        },
        (Webhook::Stop(key), 404) if !is_foreign(key) => {
            Err("a 404 for a container of ours".to_owned())
        }
        _ => Ok(()),
    }
}

/// Statuses and sentences that the project's error catalogue knows.
static CATALOGUE: LazyLock<Vec<(u16, &str)>> = LazyLock::new(|| {
    let id = TargetId::parse(&Key::given(0).id()).expect("an id");
    let fault = Fault::TimedOut;
    let errors = [
        Error::NotOurs(id.clone()),
        Error::NameTaken(id.clone()),
        Error::Misconfigured(Problems::one("", "")),
        Error::NoSuchImage(ImageReference::parse("agent").expect("an image")),
        Error::Refused(fault.clone()),
        Error::EngineFailed(fault.clone()),
        Error::EngineUnreachable(fault.clone()),
        Error::OutOfTime(fault),
        Error::InProgress,
        Error::RemovalInProgress,
        Error::TargetVanished(id.clone()),
        Error::NoSuchNetwork(String::new()),
        Error::TargetEnded {
            id: id.clone(),
            of: KeyKind::ActivationToken,
            exit_code: None,
        },
        Error::TargetEnded {
            id: id.clone(),
            of: KeyKind::IdempotencyKey,
            exit_code: None,
        },
        Error::OtherPayload {
            id: id.clone(),
            of: KeyKind::ActivationToken,
        },
        Error::OtherPayload {
            id,
            of: KeyKind::IdempotencyKey,
        },
        Error::TooManyTargets { max: 1, of: "" },
        Error::Unhealthy(Box::new(Error::InProgress)),
    ];
    errors
        .iter()
        .map(|error| (error.status().as_u16(), error.message()))
        .collect()
});

fn is_of_the_catalogue(status: u16, body: &str) -> Result<(), String> {
    if matches!(status, 200 | 201) {
        return Ok(());
    }
    let value: Value = serde_json::from_str(body).map_err(|error| error.to_string())?;
    let message = value["ErrorMessage"].as_str().unwrap_or_default();
    let is_known = CATALOGUE.contains(&(status, message));
    is_known
        .then_some(())
        .ok_or_else(|| format!("an answer that is not of the catalogue: {status} {body}"))
}

/// While nothing fails, a webhook ends in one of few ways.
fn is_allowed(world: &World, actor: usize, status: u16) -> Result<(), String> {
    let scenario = &world.scenario;
    let is_calm = scenario.faults + scenario.ends + scenario.restarts == 0;
    if is_calm && actor < scenario.webhooks.len() && !scenario.allowed.contains(&status) {
        return Err(format!("a {status}, and nothing has failed"));
    }
    Ok(())
}

/// Checks that a reap which began at `since` and met no fault has left nothing
/// behind.
pub fn on_reaped(world: &World, since: Duration) -> Result<(), String> {
    let ours = world.engine.containers.iter();
    for container in ours.filter(|container| !is_foreign(container.key)) {
        let begun = match container.state {
            // Whoever removes it will; whoever makes it, the next reap sees.
            State::Removing | State::Reserved => continue,
            State::Created => container.created + GRACE,
            State::Running => container.created + LIFETIME,
            State::Exited => container.finished.unwrap_or(container.created) + ENDED_STAYS,
            State::Dead => container.finished.unwrap_or(container.created),
        };
        if begun + ROUNDING < since {
            let (id, state) = (short(&container.id), container.state.word());
            return Err(format!("{id} is left behind, {state}"));
        }
    }
    Ok(())
}

/// Whether an answer is the last word on a webhook that is called again and
/// again while nothing fails.
pub fn is_settled(world: &World, webhook: Webhook, status: u16) -> bool {
    let ours = || {
        let containers = world.engine.containers.iter();
        containers.filter(|container| !is_foreign(container.key))
    };
    match (webhook, status) {
        (_, 200 | 201) => true,
        (Webhook::Start { token, .. }, 409) => {
            let name = name_of(token);
            ours().any(|found| *found.name == *name && found.finished.is_some())
        }
        (Webhook::Start { .. }, 429) => {
            let running = ours().filter(|found| found.state == State::Running);
            running.count() >= world.scenario.max_targets
        }
        _ => world.scenario.refusal == Some(status),
    }
}
