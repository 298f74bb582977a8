//! The clean-up of the container after a failed start.

use super::{FAULTS_MAX, Provisioner};
use crate::attempt::Attempt;
use crate::docker::TargetId;
use crate::docker::remove::Removed;
use crate::docker::target::State;
use crate::pauses::Pauses;
use crate::platform::Platform;

/// What a clean-up found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Remains {
    /// The container was already gone.
    Nothing,
    /// It runs, and stays.
    Running,
    /// It has ended, and stays.
    Ended,
    /// It was not seen running or ended, and was removed if that was possible.
    Unclear,
}

impl<P: Platform> Provisioner<'_, P> {
    /// Removes a container that a create may have made, although neither its reply nor a
    /// look has shown it.
    pub(super) async fn clean_up_unseen(&self, attempt: &Attempt<'_>) {
        let backend = self.backend.until(self.budget.answer_until);
        if let Ok(Some(found)) = backend.find_by_name(&attempt.name).await
            && found.is_of(&self.config.deployment_id)
            && attempt.has_created(&found)
        {
            self.clean_up(&found.id).await;
        }
    }

    /// Removes the container of a failed start, unless it runs after all, and returns
    /// what it found.
    ///
    /// The Engine refuses a removal without force while the container runs, so the
    /// clean-up of one request cannot remove a target that another has returned.
    pub(super) async fn clean_up(&self, id: &TargetId) -> Remains {
        let backend = self.backend.until(self.budget.answer_until);
        let mut pauses = Pauses::new(self.platform, self.budget.answer_until);
        for tries in 0..FAULTS_MAX {
            let found = match backend.find_by_id(id).await {
                Ok(None) if tries == 0 => return Remains::Nothing,
                Ok(None) | Err(_) => return Remains::Unclear,
                Ok(Some(found)) => match found.state {
                    State::Running => return Remains::Running,
                    State::Ended => return Remains::Ended,
                    State::Created
                    | State::Starting
                    | State::Stopping
                    | State::Removing
                    | State::Dead
                    | State::Unknown => found,
                },
            };
            let removed = backend.remove(&found).await;
            let is_over =
                removed.is_ok_and(|removed| removed.is_gone() || removed == Removed::Ending);
            if is_over || !pauses.next().await {
                return Remains::Unclear;
            }
        }
        Remains::Unclear
    }
}
