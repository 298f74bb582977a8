//! Pulls of missing images: which images are pulled, and how a pull ends.

use crate::docker::ImageReference;
use crate::docker::pull::{self, Pulled, is_moving};
use crate::engine::Engine;
use crate::error::{EngineError, Error};
use crate::fault::Fault;
use crate::platform::Platform;

/// Pulls a missing image, for as long as `engine` is used.
///
/// `EngineError::ImageBeingPulled` says that the time is too short,
/// `EngineError::PullStalled` that more time would not help.
pub async fn pull<P: Platform>(
    engine: &Engine<'_, P>,
    image: &ImageReference,
) -> Result<(), Error> {
    let config = engine.config();
    // Without a registry in the reference, the Engine would ask a public one, where anybody
    // can publish under any name.
    if !config.pulls_images || !image.has_registry() {
        return Err(EngineError::NoSuchImage(image.clone()).into());
    }
    let auth = config.registry_auth_for(image);
    let image = image.clone();
    match engine.send(pull::pull(&image, auth)).await {
        Ok(Pulled::Done) => Ok(()),
        Ok(Pulled::Refused(reason)) => Err(EngineError::PullRefused(image, reason).into()),
        Ok(Pulled::Failed(reason)) => Err(EngineError::PullFailed(image, reason).into()),
        Err(Fault::CutShort { end, quiet }) if is_moving(&end, quiet) => {
            Err(EngineError::ImageBeingPulled(image).into())
        }
        Err(Fault::TimedOut | Fault::CutShort { .. } | Fault::BudgetSpent) => {
            Err(EngineError::PullStalled(image).into())
        }
        Err(fault) => Err(fault.into()),
    }
}
