//! The work after an answer: a small reap, or the rest of a pull that the answer
//! could not wait for.

use std::cell::RefCell;

use crate::audit::Subject;
use crate::backend::Backend;
use crate::budget::Budget;
use crate::config::Config;
use crate::docker::ImageReference;
use crate::engine::Engine;
use crate::error::{EngineError, Error, OrderError, TargetError};
use crate::log_line::{self, LogLine};
use crate::platform::Platform;
use crate::pull::pull;
use crate::reaper::{self, Scope};
use crate::route::Route;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Work {
    Reap,
    /// Continue a pull, because the Engine stops it when nobody waits for it.
    Pull(ImageReference),
}

/// One health check in this many is followed by a reap. Callers repeat the check every
/// few seconds, and each reap lists the whole deployment. With a check every ten seconds,
/// a container that is due goes after 80 s on average, and within ten minutes in 999 of
/// 1,000 cases.
const HEALTHS_PER_REAP: u128 = 8;

impl Work {
    /// The work after a request that ended this way; `random` selects the health checks
    /// that are followed by a reap.
    pub fn after(route: &Route, error: Option<&Error>, random: u128) -> Option<Self> {
        let is_start = matches!(route, Route::Start | Route::StartTarget { .. });
        let is_chosen = || *route == Route::Health && random.is_multiple_of(HEALTHS_PER_REAP);
        match error {
            None if is_start || is_chosen() => Some(Self::Reap),
            // The targets that take all the room may be due; and starts whose targets all end
            // at once would leave more and more of these.
            Some(
                Error::Order(OrderError::TooManyTargets(..) | OrderError::TooManyOfOwner(_))
                | Error::Target(TargetError::Ended { .. }),
            ) if is_start => Some(Self::Reap),
            Some(Error::Engine(EngineError::ImageBeingPulled(image))) => {
                Some(Self::Pull(image.clone()))
            }
            Some(Error::Unhealthy(cause)) => Self::after(route, Some(cause), random),
            _ => None,
        }
    }
}

/// The work after an answer, and what it needs.
#[derive(Debug)]
pub struct AfterAnswer {
    pub work: Work,
    pub config: Config,
    /// The request's budget, which also limits a reap.
    pub budget: Budget,
    /// The request's id, which connects both log lines.
    pub request_id: String,
}

impl AfterAnswer {
    /// Does the work. Returns lines for the log if there is anything to report.
    pub async fn run<P: Platform>(self, platform: &P) -> Vec<String> {
        let begun = platform.now();
        let calls = RefCell::default();
        let until = match self.work {
            Work::Reap => self.budget.reap_until(begun),
            Work::Pull(_) => self.budget.late_pull_until(begun),
        };
        let engine = Engine::new(platform, &self.config, &calls, until);
        let backend = Backend::new(engine);
        let mut lines = Vec::new();
        let (notes, error) = match self.outcome(&backend, &mut lines).await {
            Ok(notes) if notes.is_empty() && lines.is_empty() => return Vec::new(),
            Ok(notes) => (notes, None),
            Err(error) => (Vec::new(), Some(error)),
        };
        let line = LogLine {
            request_id: &self.request_id,
            route: "tail",
            status: None,
            took: platform.now().saturating_sub(begun),
            caller: None,
            event: None,
            subject: &Subject::default(),
            trace: None,
            calls: &calls.borrow(),
            notes: &notes,
            error: error.as_ref(),
            secrets: &self.config.secrets(),
        };
        lines.insert(0, line.to_json());
        lines
    }

    async fn outcome<P: Platform>(
        &self,
        backend: &Backend<'_, P>,
        lines: &mut Vec<String>,
    ) -> Result<Vec<String>, Error> {
        match &self.work {
            Work::Reap => {
                let report = reaper::reap(backend, Scope::AFTER_ANSWER).await?;
                let secrets = self.config.secrets();
                lines.extend(log_line::reap_lines(
                    &self.request_id,
                    None,
                    &report,
                    &secrets,
                ));
                Ok(report.notes(false))
            }
            Work::Pull(image) => {
                pull(&backend.engine, image).await?;
                Ok(vec![format!("pulled {image}")])
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::docker::TargetId;
    use crate::key::KeyKind;

    #[test]
    fn a_reap_follows_a_start_and_a_pull_one_that_could_not_wait_for_it() {
        let image = ImageReference::parse("r.example.com/a").expect("an image");
        let pulling = Error::from(EngineError::ImageBeingPulled(image.clone()));
        let stalled = Error::from(EngineError::PullStalled(image.clone()));
        let refused = Error::from(EngineError::PullRefused(image.clone(), String::new()));
        let full = Error::from(OrderError::TooManyTargets(1, ""));
        let ended = Error::from(TargetError::Ended {
            id: TargetId::parse(&"0".repeat(64)).expect("an id"),
            of: KeyKind::ActivationToken,
            exit_code: Some(1),
            is_unhealthy: false,
        });
        let unhealthy = |cause: &Error| Error::Unhealthy(Box::new(cause.clone()));
        let (start, again) = (Route::Start, Route::StartTarget { wait: None });
        let reap = Route::Reap { dry_run: false };
        let pull = Some(Work::Pull(image));
        for (route, error, work) in [
            (&start, None, Some(Work::Reap)),
            (&again, None, Some(Work::Reap)),
            (&Route::Health, None, Some(Work::Reap)),
            (&Route::Stop, None, None),
            (&reap, None, None),
            (&Route::Metrics, None, None),
            (&start, Some(full.clone()), Some(Work::Reap)),
            (&again, Some(full), Some(Work::Reap)),
            (&start, Some(ended.clone()), Some(Work::Reap)),
            (&again, Some(ended), Some(Work::Reap)),
            (&start, Some(TargetError::InProgress.into()), None),
            (&start, Some(pulling.clone()), pull.clone()),
            (&Route::Health, Some(unhealthy(&pulling)), pull),
            (&start, Some(stalled.clone()), None),
            (&Route::Health, Some(unhealthy(&stalled)), None),
            (&start, Some(refused.clone()), None),
            (&Route::Health, Some(unhealthy(&refused)), None),
        ] {
            assert_eq!(Work::after(route, error.as_ref(), 0), work, "{error:?}");
        }
        let reaps = (0..1000).filter(|&random| Work::after(&Route::Health, None, random).is_some());
        assert_eq!(reaps.count(), 125);
    }
}
