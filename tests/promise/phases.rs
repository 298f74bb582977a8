//! The phases after the work: callers that retry, and reapers.

use std::time::Duration;

use crate::model::Happening;
use crate::promise;
use crate::scenario::Webhook;
use crate::world::{Phase, World};

/// The most retries of a caller, after which it must have succeeded.
const TRIES: usize = 12;

/// How long a caller waits without a `Retry-After`.
const BETWEEN_TRIES: Duration = Duration::from_secs(1);

/// The times from one reaper to the next.
const REAPS: [Duration; 3] = [
    Duration::from_secs(3 * 60),
    Duration::from_secs(11 * 60),
    Duration::from_secs(9 * 24 * 60 * 60),
];

impl World {
    /// Begins the next phase, once all actors have ended.
    pub fn go_on(&mut self) {
        let last = self.actors.last().and_then(|actor| actor.answer);
        let webhooks = self.scenario.webhooks.clone();
        match self.phase {
            Phase::Work => self.again(&webhooks, 0, 0, BETWEEN_TRIES),
            Phase::Again { webhook, tries } => {
                let (status, seconds) = last.unwrap_or_default();
                let is_settled = promise::is_settled(self, webhooks[webhook], status);
                if is_settled {
                    self.again(&webhooks, webhook + 1, 0, BETWEEN_TRIES);
                } else if tries + 1 == TRIES {
                    let problem = format!("a caller that tries again and again gets {status}");
                    self.check(Err(problem));
                } else {
                    let pause = seconds.map_or(BETWEEN_TRIES, Duration::from_secs);
                    self.again(&webhooks, webhook, tries + 1, pause);
                }
            }
            Phase::Reap(number) if number + 1 == REAPS.len() => self.phase = Phase::Over,
            Phase::Reap(number) => self.reap(number + 1),
            Phase::Over => {}
        }
    }

    fn again(&mut self, webhooks: &[Webhook], webhook: usize, tries: usize, pause: Duration) {
        let Some(called) = webhooks.get(webhook) else {
            return self.reap(0);
        };
        self.phase = Phase::Again { webhook, tries };
        let later = self.now + pause;
        self.pass(later);
        let name = format!("{} again", self.actors[webhook].name);
        self.expect(name, *called);
    }

    fn reap(&mut self, number: usize) {
        self.phase = Phase::Reap(number);
        // A node that does not come back keeps its tasks.
        if self.is_node_lost() {
            self.happen(Happening::Return);
        }
        let later = self.now + REAPS[number];
        self.pass(later);
        self.expect("reap".to_owned(), Webhook::Reap { dry_run: false });
    }

    pub fn ended(&mut self, actor: usize) {
        self.note(|world| format!("{} ends", world.actors[actor].name));
        if matches!(self.phase, Phase::Reap(_)) {
            let outcome = promise::on_reaped(self, self.actors[actor].arrived);
            self.check(outcome);
        }
    }
}
