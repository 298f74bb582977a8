//! Scenarios as the rows of a table:
//! `webhooks | given targets | statuses | anything unusual`.
//!
//! * Webhooks, joined by `+`, are the words of [`webhook`]. A start is one of the first
//!   token unless its word says more.
//! * Given targets, separated by commas, are `[whose] state age [renewed age]`. They
//!   belong to the first token unless `whose` is another word of [`token`].
//! * The statuses are those with which the webhooks may end while nothing fails. A `!`
//!   marks a refusal that stays, however often they are called.
//! * Unusual are the words of [`scenario`]: an Engine without the image, containers with
//!   a health check, room for one target, and room for one of each owner.

use std::time::Duration;

use crate::fate::Fates;
use crate::model::{Key, Kind, State};
use crate::scenario::{Given, Left, Place, Scenario, Webhook};
use crate::tokens::{FIRST_KEY, FIRST_OWNED, FIRST_WAITING, TAKEN};

/// Containers for a reaper: of each kind one that it takes and one that it leaves.
const REMAINS: &str = "10 created 10m, 11 created 1m, 12 exited 1h, 13 exited 5m, \
                       14 dead 1h, 15 running 9d, 16 running 1h";

/// One container that a reaper removes by force, and one without.
const FEW_REMAINS: &str = "10 exited 1h, 11 running 9d";

/// The scenarios of a table.
pub fn scenarios(rows: &str) -> impl Iterator<Item = Scenario> {
    let rows = rows.lines().map(str::trim);
    rows.filter(|row| !row.is_empty()).map(scenario)
}

fn scenario(row: &str) -> Scenario {
    let columns: Vec<&str> = row.split('|').map(str::trim).collect();
    let [webhooks, given, statuses, unusual @ ..] = &columns[..] else {
        panic!("a row needs three columns: {row}");
    };
    let known = ["no-image", "checked", "one-target", "one-of-owner"];
    assert!(unusual.iter().all(|word| known.contains(word)), "{row}");
    let has = |word| unusual.contains(&word);
    let given = match *given {
        "remains" => REMAINS,
        "few-remains" => FEW_REMAINS,
        given => given,
    };
    let status = |word: &str| word.trim_end_matches('!').parse().expect("a status");
    let statuses = || statuses.split_whitespace();
    Scenario {
        name: [&[*webhooks, columns[1]], unusual].concat().join(" | "),
        place: Place::Engine(Kind::Docker),
        has_image: !has("no-image"),
        has_check: has("checked"),
        max_targets: if has("one-target") { 1 } else { 100 },
        max_targets_per_owner: has("one-of-owner").then_some(1),
        given: given.split(',').filter_map(given_target).collect(),
        webhooks: webhooks.split('+').map(str::trim).map(webhook).collect(),
        allowed: statuses().map(status).collect(),
        refusal: statuses().find(|word| word.ends_with('!')).map(status),
        fates: Fates::Any,
        left: Left::default(),
    }
}

fn webhook(word: &str) -> Webhook {
    let numbered = word.rsplit_once('-');
    let numbered = numbered.and_then(|(word, number)| Some((word, number.parse().ok()?)));
    let (word, number) = numbered.unwrap_or((word, 0));
    let start = |token, payload| Webhook::Start { token, payload };
    let wait = |key, until_ended| Webhook::Wait { key, until_ended };
    match word {
        "start" => start(0, 0),
        "start-other-payload" => start(0, 1),
        "start-key-other-payload" => start(FIRST_KEY, 1),
        "stop" => Webhook::Stop(Key::given(number)),
        "stop-foreign" => Webhook::Stop(Key::foreign(number)),
        // Nobody can know this id before an answer has it.
        "stop-untold" => Webhook::Stop(Key { actor: 0, call: 0 }),
        "wait-ready" => wait(Key::given(0), false),
        "wait-ended" => wait(Key::given(0), true),
        "wait-foreign" => wait(Key::foreign(0), true),
        "renew" => Webhook::Renew(Key::given(0)),
        "renew-foreign" => Webhook::Renew(Key::foreign(0)),
        "health" => Webhook::Health,
        "reap" => Webhook::Reap { dry_run: false },
        "dry-run" => Webhook::Reap { dry_run: true },
        _ => start(token(word.strip_prefix("start-").expect(word)), 0),
    }
}

/// The token with this name or number.
fn token(word: &str) -> usize {
    match word {
        "other" => 1,
        // Somebody else's target has its name.
        "taken" => TAKEN,
        // The others are idempotency keys.
        "key" => FIRST_KEY,
        "owned" => FIRST_OWNED,
        "same-owner" => FIRST_OWNED + 1,
        "other-owner" => FIRST_OWNED + 2,
        "waiting" => FIRST_WAITING,
        number => number.parse().expect(number),
    }
}

fn given_target(text: &str) -> Option<Given> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let (whose, words) = match &words[..] {
        [] => return None,
        all @ [first, ..] if state(first).is_some() => (0, all),
        [whose, rest @ ..] => (token(whose), rest),
    };
    let (word, aged, renewed) = match *words {
        [word, aged] => (word, aged, None),
        [word, aged, "renewed", renewed] => (word, aged, Some(age(renewed))),
        _ => panic!("a target is a state and an age: {text}"),
    };
    Some(Given {
        token: whose,
        state: state(word).expect("a state"),
        age: age(aged),
        renewed,
    })
}

fn state(word: &str) -> Option<State> {
    use State::{Created, Dead, Exited, Reserved, Running, Starting, Stopping};
    // No list shows one that is reserved.
    let states = [Reserved, Created, Starting, Running, Stopping, Exited, Dead];
    states.into_iter().find(|state| state.word() == word)
}

/// An age such as `9d`, or `8d-20s`, which is 20 seconds less.
fn age(text: &str) -> Duration {
    if let Some((long, less)) = text.split_once('-') {
        return age(long) - age(less);
    }
    let (count, unit) = text.split_at(text.len() - 1);
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        "d" => 24 * 60 * 60,
        _ => panic!("{text} has no unit"),
    };
    Duration::from_secs(count.parse::<u64>().expect("a number") * seconds)
}
