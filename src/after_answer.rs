//! The work after an answer: a small reap, or the rest of a pull that the answer
//! could not wait for.

use std::cell::RefCell;

use crate::audit::Subject;
use crate::backend::Backend;
use crate::budget::Budget;
use crate::config::Config;
use crate::docker::ImageReference;
use crate::engine::Engine;
use crate::error::{Error, ImageError, OrderError, TargetError};
use crate::log_line::{self, LogLine};
use crate::platform::Platform;
use crate::pull::pull;
use crate::reaper::{self, Scope};
use crate::route::Route;

/// The kind of work after an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Work {
    /// Remove a few containers that are due.
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
        match (route, error) {
            (Route::Start | Route::StartTarget { .. }, None) => Some(Self::Reap),
            (Route::Health, None) => random
                .is_multiple_of(HEALTHS_PER_REAP)
                .then_some(Self::Reap),
            // The targets that take all the room may be due; and starts whose targets all end
            // at once would leave more and more of these.
            (
                Route::Start | Route::StartTarget { .. },
                Some(
                    Error::Order(OrderError::TooManyTargets { .. } | OrderError::TooManyOfOwner(_))
                    | Error::Target(TargetError::Ended { .. }),
                ),
            ) => Some(Self::Reap),
            (_, Some(Error::Image(ImageError::BeingPulled(image)))) => {
                Some(Self::Pull(image.clone()))
            }
            (_, Some(Error::Unhealthy(cause))) => Self::after(route, Some(cause), random),
            _ => None,
        }
    }
}

/// The work after an answer, and what it needs.
#[derive(Debug)]
pub struct AfterAnswer {
    /// The kind of work.
    pub work: Work,
    /// The operator's settings.
    pub config: Config,
    /// The request's budget, which this work ends.
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
        let backend = Backend::new(engine, &self.config);
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
                let report = reaper::reap(backend, &self.config, Scope::AFTER_ANSWER).await?;
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
                pull(backend.engine(), &self.config, image).await?;
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
    fn a_pull_goes_on_after_a_webhook_that_could_not_wait_for_it() {
        let image = ImageReference::parse("r.example.com/a").expect("an image");
        let pulling = Error::Image(ImageError::BeingPulled(image.clone()));
        let unhealthy = Error::Unhealthy(Box::new(pulling.clone()));
        let pull = Some(Work::Pull(image));
        assert_eq!(Work::after(&Route::Start, Some(&pulling), 0), pull);
        assert_eq!(Work::after(&Route::Health, Some(&unhealthy), 0), pull);
        let in_progress = TargetError::InProgress.into();
        assert_eq!(Work::after(&Route::Start, Some(&in_progress), 0), None);
    }

    #[test]
    fn a_pull_that_makes_no_progress_or_is_refused_does_not_go_on() {
        let image = ImageReference::parse("r.example.com/a").expect("an image");
        let reason = String::new();
        for error in [
            Error::Image(ImageError::PullStalled(image.clone())),
            Error::Image(ImageError::PullRefused { image, reason }),
        ] {
            assert_eq!(Work::after(&Route::Start, Some(&error), 0), None);
            let unhealthy = Error::Unhealthy(Box::new(error));
            assert_eq!(Work::after(&Route::Health, Some(&unhealthy), 0), None);
        }
    }

    #[test]
    fn a_reap_follows_a_start_that_has_found_no_place_or_whose_target_has_ended() {
        let full = Error::Order(OrderError::TooManyTargets {
            max: 1,
            of: "of all environments",
        });
        let ended = Error::Target(TargetError::Ended {
            id: TargetId::parse(&"0".repeat(64)).expect("an id"),
            of: KeyKind::ActivationToken,
            exit_code: Some(1),
            is_unhealthy: false,
        });
        for route in [Route::Start, Route::StartTarget { wait: None }] {
            for error in [&full, &ended] {
                assert_eq!(Work::after(&route, Some(error), 0), Some(Work::Reap));
            }
        }
    }

    #[test]
    fn a_reap_follows_each_start_and_one_health_check_in_eight() {
        for route in [
            Route::Start,
            Route::StartTarget { wait: None },
            Route::Health,
        ] {
            assert_eq!(Work::after(&route, None, 0), Some(Work::Reap));
        }
        assert_eq!(Work::after(&Route::Health, None, 1), None);
        let reaps = (0..1000).filter(|&random| Work::after(&Route::Health, None, random).is_some());
        assert_eq!(reaps.count(), 125);
        for route in [Route::Stop, Route::Reap { dry_run: false }, Route::Metrics] {
            assert_eq!(Work::after(&route, None, 0), None);
        }
    }
}
