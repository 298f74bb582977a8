//! What becomes of the container of a start that has failed.

use super::attempt::Attempt;
use super::{FAULTS_MAX, Provisioner};
use crate::docker::ContainerId;
use crate::docker::list::{self, State};
use crate::docker::remove::{self, Removed};
use crate::pauses::Pauses;
use crate::platform::Platform;

impl<P: Platform> Provisioner<'_, P> {
    /// Removes the container that a create has made after all, although neither
    /// its reply nor a look has shown it.
    pub(super) async fn clean_up_unseen(&self, attempt: &Attempt<'_>) {
        let engine = self.engine.until(self.budget.answer_until);
        if let Ok(Some(found)) = engine.send(list::find_by_name(&attempt.name)).await
            && found.is_of(&self.config.deployment_id)
            && attempt.has_created(&found)
        {
            self.clean_up(&found.id).await;
        }
    }

    /// Removes a container whose start has failed, unless it runs after all.
    /// Returns its state if it remains and the state is known.
    ///
    /// The Engine refuses a removal without force while the container runs, so
    /// the clean-up of one request cannot hurt what another vouches for.
    pub(super) async fn clean_up(&self, id: &ContainerId) -> Option<State> {
        let engine = self.engine.until(self.budget.answer_until);
        let mut pauses = Pauses::new(self.platform, self.budget.answer_until);
        for _ in 0..FAULTS_MAX {
            let found = engine.send(list::find_by_id(id)).await.ok().flatten()?;
            if let State::Running | State::Ended | State::Dead = found.state {
                return Some(found.state);
            }
            if let Ok(Removed::Gone) = engine.send(remove::remove(id)).await {
                return None;
            }
            if !pauses.next().await {
                return None;
            }
        }
        None
    }
}
