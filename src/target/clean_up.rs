//! What a start that has failed leaves behind, and how it goes.

use super::{FAULTS_MAX, Targets};
use crate::docker::ContainerId;
use crate::docker::create::Container;
use crate::docker::list::{Listed, State};
use crate::docker::remove::Removed;
use crate::pauses::Pauses;
use crate::platform::Platform;

impl<P: Platform> Targets<'_, P> {
    /// Removes the container that a create has made after all, of which
    /// neither the reply nor a look has told.
    pub(super) async fn clean_up_unseen(&self, container: &Container<'_>) {
        let engine = self.engine.until(self.budget.answer_until);
        if let Ok(Some(found)) = engine.find_by_name(container.name).await
            && found.is_of(&self.config.deployment_id)
            && container.is_attempt_of(&found)
        {
            self.clean_up(&found.id).await;
        }
    }

    /// Removes a container whose start has failed, unless it runs after all,
    /// and returns the state in which it remains, if that is known and it
    /// does.
    ///
    /// A removal without force is refused while the container runs, so the
    /// clean-up of one request cannot hurt what another vouches for.
    pub(super) async fn clean_up(&self, id: &ContainerId) -> Option<State> {
        let engine = self.engine.until(self.budget.answer_until);
        let mut pauses = Pauses::new(self.platform, self.budget.answer_until);
        for _ in 0..FAULTS_MAX {
            match engine.find_by_id(id).await {
                Ok(None) => return None,
                Ok(Some(Listed {
                    state: state @ (State::Running | State::Ended | State::Dead),
                    ..
                })) => return Some(state),
                Ok(Some(_)) => {
                    if let Ok(Removed::Gone) = engine.remove(id).await {
                        return None;
                    }
                }
                Err(_) => {}
            }
            if !pauses.next().await {
                return None;
            }
        }
        None
    }
}
