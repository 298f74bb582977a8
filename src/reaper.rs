//! What may be removed without being asked, and why.
//!
//! Decides from immutable labels, states and the Engine's own clock alone, so
//! any number of replicas come to the same verdict, and no clock need agree
//! with another. Knows no HTTP.

use std::time::Duration;

use crate::config::Config;
use crate::docker::ContainerId;
use crate::docker::label;
use crate::docker::list::{Listed, State};
use crate::docker::remove::Removed;
use crate::engine::Engine;
use crate::fault::Fault;
use crate::platform::Platform;

/// How long after its creation a container may wait to be started. A webhook
/// ends within half a minute, so nobody is about to start an older one.
pub const START_WITHIN: Duration = Duration::from_secs(120);

/// How long one that has ended stays, for its logs to be read and so that a
/// repeated start of its token is told apart from a new one.
const ENDED_STAYS: Duration = Duration::from_secs(600);

/// Why a container is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// It was created and never started.
    NeverStarted,
    /// It has ended by itself.
    Ended {
        /// The exit code of its first process, if that could be had.
        exit_code: Option<i64>,
    },
    /// It has outlived its `max_lifetime`.
    Expired,
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NeverStarted => f.write_str("never started"),
            Self::Ended {
                exit_code: Some(code),
            } => write!(f, "ended with exit code {code}"),
            Self::Ended { exit_code: None } => f.write_str("ended"),
            Self::Expired => f.write_str("past its lifetime"),
        }
    }
}

/// Whether a container counts as a target that lives: it runs, or may yet be
/// started.
pub fn is_live(container: &Listed) -> bool {
    match container.state {
        State::Running => true,
        // Without an age it may be young: better one target too few.
        State::Created => container
            .age
            .is_none_or(|age| age <= start_within(container)),
        State::Ended | State::Dead | State::Removing | State::Unknown => false,
    }
}

fn start_within(container: &Listed) -> Duration {
    container
        .label_seconds(label::START_WITHIN)
        .unwrap_or(START_WITHIN)
}

/// What the list alone says of a container.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Keep,
    Remove(Reason),
    /// It has ended; when must be asked.
    Inspect,
}

fn verdict(container: &Listed, config: &Config) -> Verdict {
    let Some(age) = container.age else {
        return Verdict::Keep;
    };
    let lifetime = container
        .label_seconds(label::MAX_LIFETIME)
        .unwrap_or(config.max_lifetime);
    match container.state {
        State::Created if age > start_within(container) => Verdict::Remove(Reason::NeverStarted),
        State::Running if age > lifetime => Verdict::Remove(Reason::Expired),
        // It cannot have ended longer ago than it was created.
        State::Ended if age > ENDED_STAYS => Verdict::Inspect,
        // Such a one can often not be inspected.
        State::Dead if age > ENDED_STAYS => Verdict::Remove(Reason::Ended { exit_code: None }),
        _ => Verdict::Keep,
    }
}

/// How much is done in one go.
#[derive(Debug, Clone, Copy)]
pub struct Scope {
    /// How many containers are removed, or asked for their end, at most.
    pub removals_max: usize,
    /// Whether containers are removed, or only named.
    pub dry_run: bool,
}

impl Scope {
    /// After an answer: a little each time, as the next webhook does more.
    pub const TAIL: Self = Self {
        removals_max: 4,
        dry_run: false,
    };

    /// On demand: as much as the time allows.
    pub fn whole(dry_run: bool) -> Self {
        Self {
            removals_max: usize::MAX,
            dry_run,
        }
    }
}

/// What was removed, or would be.
#[derive(Debug, Default)]
pub struct Report {
    /// Those that are gone, or would be, and why.
    pub removed: Vec<(ContainerId, Reason)>,
    /// Those that should be gone and may not be, and why each.
    pub failed: Vec<(ContainerId, Reason, Fault)>,
    /// How many of this deployment there were before.
    pub found: usize,
}

impl Report {
    /// What the log says of it; `done` is "reaped", or what a dry run calls
    /// it.
    pub fn notes(&self, done: &str) -> Vec<String> {
        let removed = self.removed.iter();
        let removed = removed.map(|(id, reason)| format!("{done} {}: {reason}", id.short()));
        let failed = self
            .failed
            .iter()
            .map(|(id, reason, fault)| format!("could not reap {}, {reason}: {fault}", id.short()));
        removed.chain(failed).collect()
    }
}

/// Removes what nobody will ask to be removed, the oldest first.
///
/// # Errors
///
/// The fault that kept the list from being read; later ones are in the
/// report.
pub async fn reap<P: Platform>(
    engine: &Engine<'_, P>,
    config: &Config,
    scope: Scope,
) -> Result<Report, Fault> {
    let ours = engine.list(&config.deployment_id, None).await?;
    if ours.iter().any(|container| container.age.is_none()) {
        return Err(Fault::Nonsense("a list without a date".to_owned()));
    }
    let mut report = Report {
        found: ours.len(),
        ..Report::default()
    };
    let mut inspections = 0;
    // The Engine lists the youngest first.
    for container in ours.iter().rev() {
        if report.removed.len() + report.failed.len() >= scope.removals_max {
            break;
        }
        let reason = match verdict(container, config) {
            Verdict::Keep => continue,
            Verdict::Remove(reason) => reason,
            Verdict::Inspect if inspections >= scope.removals_max => continue,
            Verdict::Inspect => {
                inspections += 1;
                match ended_long_ago(engine, &container.id).await {
                    Some(reason) => reason,
                    None => continue,
                }
            }
        };
        remove(engine, container, reason, scope, &mut report).await;
    }
    Ok(report)
}

/// The reason to remove a container that has ended, once it has stayed.
async fn ended_long_ago<P: Platform>(engine: &Engine<'_, P>, id: &ContainerId) -> Option<Reason> {
    let ended = engine.inspect(id).await.ok().flatten()?;
    let stayed = u64::try_from(ended.seconds_ago?).ok()?;
    let exit_code = Some(ended.exit_code);
    (Duration::from_secs(stayed) > ENDED_STAYS).then_some(Reason::Ended { exit_code })
}

/// Removes one container: only an expired one by force, since any other that
/// runs by now is somebody's.
async fn remove<P: Platform>(
    engine: &Engine<'_, P>,
    container: &Listed,
    reason: Reason,
    scope: Scope,
    report: &mut Report,
) {
    let id = container.id.clone();
    if scope.dry_run {
        report.removed.push((id, reason));
        return;
    }
    let removed = match reason {
        Reason::Expired => engine.kill_and_remove(&id).await,
        Reason::NeverStarted | Reason::Ended { .. } => engine.remove(&id).await,
    };
    match removed {
        Ok(Removed::Gone) => report.removed.push((id, reason)),
        // It runs by now, or another replica is removing it.
        Ok(Removed::Declined) => {}
        Err(fault) => report.failed.push((id, reason, fault)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::variables;
    use crate::docker::list::tests::aged;
    use crate::script::{ID, Is, Lost, Reply, done, entry, run, said};

    const GRACE: &str = "dynamic-access.start-within";
    const LIFETIME: &str = "dynamic-access.max-lifetime";

    #[track_caller]
    fn check(state: &str, age: Option<u64>, labels: &[(&str, &str)], expected: Verdict) {
        let config = Config::parse(&variables(&[])).expect("a config");
        let container = aged(state, age, labels);
        assert_eq!(verdict(&container, &config), expected, "{container:?}");
    }

    #[test]
    fn a_container_may_be_started_until_its_label_says_otherwise() {
        let late = Verdict::Remove(Reason::NeverStarted);
        check("created", Some(120), &[(GRACE, "120")], Verdict::Keep);
        check("created", Some(121), &[(GRACE, "120")], late);
        let late = Verdict::Remove(Reason::NeverStarted);
        check("created", Some(121), &[(GRACE, "9999")], Verdict::Keep);
        check("created", Some(121), &[], late);
    }

    #[test]
    fn a_container_may_run_until_its_label_says_otherwise() {
        for state in ["running", "paused", "restarting"] {
            check(state, Some(60), &[(LIFETIME, "60")], Verdict::Keep);
            let expired = Verdict::Remove(Reason::Expired);
            check(state, Some(61), &[(LIFETIME, "60")], expired);
        }
        check("running", Some(691_200), &[], Verdict::Keep);
        let expired = Verdict::Remove(Reason::Expired);
        check("running", Some(691_201), &[(LIFETIME, "soon")], expired);
    }

    #[test]
    fn a_container_that_has_ended_stays_ten_minutes() {
        check("exited", Some(600), &[], Verdict::Keep);
        check("exited", Some(601), &[], Verdict::Inspect);
        check("dead", Some(600), &[], Verdict::Keep);
        let dead = Verdict::Remove(Reason::Ended { exit_code: None });
        check("dead", Some(601), &[], dead);
    }

    #[test]
    fn what_has_no_age_or_no_known_state_is_kept() {
        for state in ["created", "running", "exited", "dead"] {
            check(state, None, &[(GRACE, "0"), (LIFETIME, "0")], Verdict::Keep);
        }
        check("removing", Some(u64::MAX), &[], Verdict::Keep);
        check("sleeping", Some(u64::MAX), &[], Verdict::Keep);
    }

    #[test]
    fn what_runs_or_may_yet_be_started_is_live() {
        for (state, age, live) in [
            ("running", Some(u64::MAX), true),
            ("paused", Some(0), true),
            ("created", Some(120), true),
            ("created", None, true),
            ("created", Some(121), false),
            ("exited", Some(0), false),
            ("dead", Some(0), false),
            ("removing", Some(0), false),
        ] {
            assert_eq!(is_live(&aged(state, age, &[])), live, "{state} {age:?}");
        }
    }

    /// What a reap removed, of a list with these containers.
    #[track_caller]
    fn reaped(
        list: &[serde_json::Value],
        scope: Scope,
        rest: Vec<(&'static str, Reply)>,
    ) -> Vec<String> {
        let list = serde_json::Value::from(list.to_vec()).to_string();
        let mut steps = vec![("list all", Is(200, list))];
        steps.extend(rest);
        let report = run(steps, async |targets| {
            reap(&targets.engine, targets.config, scope).await
        });
        report.expect("a list").notes("reaped")
    }

    const OLD: i64 = 1_795_300_000;
    const LONG_AGO: i64 = 1_700_000_000;
    const TODAY: i64 = 1_795_395_650;

    fn ended(ago: &str) -> Reply {
        let body = format!(r#"{{"State":{{"FinishedAt":"2026-11-23T{ago}Z","ExitCode":3}}}}"#);
        Is(200, body)
    }

    #[test]
    fn only_what_has_outlived_its_lifetime_is_removed_by_force() {
        let list = [
            entry(ID, "created", TODAY, &[]),
            entry(ID, "running", TODAY, &[]),
            entry(ID, "exited", TODAY, &[]),
            entry(ID, "created", OLD, &[]),
            entry(ID, "exited", OLD, &[]),
            entry(ID, "running", LONG_AGO, &[]),
        ];
        let rest = vec![
            ("remove by force", done()),
            ("inspect", ended("00:01:01")),
            ("remove", done()),
            ("remove", done()),
        ];
        let expected = [
            "reaped 0123456789ab: past its lifetime",
            "reaped 0123456789ab: ended with exit code 3",
            "reaped 0123456789ab: never started",
        ];
        assert_eq!(reaped(&list, Scope::whole(false), rest), expected);
    }

    #[test]
    fn a_dry_run_removes_nothing() {
        let list = [entry(ID, "running", LONG_AGO, &[])];
        assert_eq!(reaped(&list, Scope::whole(true), Vec::new()).len(), 1);
    }

    #[test]
    fn what_has_just_ended_or_cannot_be_inspected_stays() {
        let list = [entry(ID, "exited", OLD, &[])];
        for reply in [
            ended("00:55:01"),
            said(404, "No such container"),
            said(500, "m"),
            Lost,
        ] {
            let rest = vec![("inspect", reply)];
            let notes = reaped(&list, Scope::whole(false), rest);
            assert_eq!(notes, Vec::<String>::new());
        }
    }

    #[test]
    fn a_tail_removes_and_inspects_four_at_most() {
        let old = [const { "created" }; 6].map(|state| entry(ID, state, OLD, &[]));
        let four = || (0..4).map(|_| ("remove", done())).collect();
        assert_eq!(reaped(&old, Scope::TAIL, four()).len(), 4);
        let ended_now = [const { "exited" }; 6].map(|state| entry(ID, state, OLD, &[]));
        let four = (0..4).map(|_| ("inspect", ended("00:55:01"))).collect();
        assert_eq!(reaped(&ended_now, Scope::TAIL, four).len(), 0);
    }

    #[test]
    fn what_another_replica_takes_is_no_failure_and_a_failure_is_told() {
        let list = [entry(ID, "created", OLD, &[])];
        let taken = said(409, "removal is already in progress");
        let notes = reaped(&list, Scope::TAIL, vec![("remove", taken)]);
        assert_eq!(notes, Vec::<String>::new());
        let notes = reaped(&list, Scope::TAIL, vec![("remove", said(500, "busy"))]);
        let failed = "could not reap 0123456789ab, never started: 500 Internal Server Error: busy";
        assert_eq!(notes, [failed]);
    }

    #[test]
    fn a_container_that_only_carries_our_label_is_not_seen() {
        let mut stranger = entry(ID, "running", LONG_AGO, &[]);
        stranger["Names"] = serde_json::json!(["/another"]);
        let notes = reaped(&[stranger], Scope::whole(false), Vec::new());
        assert_eq!(notes, Vec::<String>::new());
    }
}
