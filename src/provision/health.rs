//! `/health`: whether the next start can work.

use super::Provisioner;
use crate::docker::image::{self, Image};
use crate::docker::network;
use crate::error::Error;
use crate::platform::Platform;
use crate::pull::may_be_pulled;

impl<P: Platform> Provisioner<'_, P> {
    /// Checks that every image and every network that a target may need is
    /// there, which also proves that the Engine answers.
    ///
    /// # Errors
    ///
    /// [`Error::Unhealthy`], which holds the error of the next start.
    pub async fn health(&self) -> Result<(), Error> {
        self.check()
            .await
            .map_err(|cause| Error::Unhealthy(Box::new(cause)))
    }

    async fn check(&self) -> Result<(), Error> {
        for image in self.config.profiles.images() {
            if self.engine.send(image::inspect(image)).await? == Image::Absent {
                return Err(if may_be_pulled(self.config, image) {
                    Error::ImageBeingPulled(image.clone())
                } else {
                    Error::NoSuchImage(image.clone())
                });
            }
        }
        for network in self.config.profiles.networks() {
            if !self.engine.send(network::inspect(network)).await? {
                return Err(Error::NoSuchNetwork(network.to_owned()));
            }
        }
        Ok(())
    }
}
