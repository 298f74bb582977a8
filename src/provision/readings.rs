//! The values for `/metrics`: a list of targets, a list of renewals, and a look for each
//! image.

use std::time::Duration;

use super::Provisioner;
use crate::docker::swarm::node::Node;
use crate::docker::target::Survey;
use crate::docker::{ImageReference, image};
use crate::fault::Fault;
use crate::platform::Platform;

/// The longest time for all calls: Prometheus gives up a scrape after ten seconds.
const SCRAPE: Duration = Duration::from_secs(8);

/// The most images that a scrape looks for. Each takes a call, and scrapes are frequent.
const IMAGES_MAX: usize = 20;

/// What the Engine has answered. Nothing of it is remembered.
#[derive(Debug, Default)]
pub struct Readings {
    /// The list of all targets; `None` without an answer.
    pub survey: Option<Survey>,
    /// The nodes of the Swarm, empty if their list failed; `None` on an Engine, or without
    /// a survey.
    pub nodes: Option<Vec<Node>>,
    /// Whether the Engine has an image, for those images that it answered for.
    pub images: Vec<(ImageReference, bool)>,
    /// Why something is missing.
    pub faults: Vec<Fault>,
}

impl<P: Platform> Provisioner<'_, P> {
    /// Asks the Engine for everything that the metrics show. No answer is a reading too.
    pub async fn readings(&self) -> Readings {
        let backend = self.backend.within(SCRAPE);
        let mut readings = Readings::default();
        match backend.survey_with_renewals().await {
            Ok((survey, fault)) => {
                readings.faults.extend(fault);
                if !survey.tells_ages() {
                    let fault = Fault::Nonsense("a list without a date".to_owned());
                    readings.faults.push(fault);
                }
                readings.survey = Some(survey);
            }
            Err(fault) => {
                // An Engine that does not answer a list does not answer a look either.
                readings.faults.push(fault);
                return readings;
            }
        }
        if backend.has_nodes() {
            let nodes = backend.nodes().await.unwrap_or_else(|fault| {
                readings.faults.push(fault);
                Vec::new()
            });
            readings.nodes = Some(nodes);
            return readings;
        }
        for name in self.config.profiles.images().into_iter().take(IMAGES_MAX) {
            match backend.engine.send(image::inspect(name)).await {
                Ok(found) => readings.images.push((name.clone(), found.is_some())),
                Err(fault) => readings.faults.push(fault),
            }
        }
        readings
    }
}
