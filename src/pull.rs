//! Pulls of missing images: which images are pulled, and how a pull ends.

use crate::config::Config;
use crate::docker::ImageReference;
use crate::docker::pull::{self, Pulled, is_moving};
use crate::engine::Engine;
use crate::error::{Error, ImageError};
use crate::fault::Fault;
use crate::platform::Platform;

/// Whether a missing image is pulled.
///
/// An image without a registry in its reference never is: the Engine would ask a public
/// registry, where anybody can publish under any name.
fn may_be_pulled(config: &Config, image: &ImageReference) -> bool {
    config.pulls_images && image.has_registry()
}

/// Pulls a missing image, for as long as `engine` is used.
///
/// `ImageError::BeingPulled` says that the time is too short,
/// `ImageError::PullStalled` that more time would not help.
pub async fn pull<P: Platform>(
    engine: &Engine<'_, P>,
    config: &Config,
    image: &ImageReference,
) -> Result<(), Error> {
    if !may_be_pulled(config, image) {
        return Err(ImageError::NoSuchImage(image.clone()).into());
    }
    let auth = config.registry_auth_for(image);
    let image = image.clone();
    match engine.send(pull::pull(&image, auth)).await {
        Ok(Pulled::Done) => Ok(()),
        Ok(Pulled::Refused(reason)) => Err(ImageError::PullRefused(image, reason).into()),
        Ok(Pulled::Failed(reason)) => Err(ImageError::PullFailed(image, reason).into()),
        Err(Fault::CutShort { end, quiet }) if is_moving(&end, quiet) => {
            Err(ImageError::BeingPulled(image).into())
        }
        Err(Fault::TimedOut | Fault::CutShort { .. } | Fault::BudgetSpent) => {
            Err(ImageError::PullStalled(image).into())
        }
        Err(fault) => Err(fault.into()),
    }
}
