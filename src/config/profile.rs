//! The profile of targets: the default one, and that of each entry in `environments`.

use std::time::Duration;

use super::Publication;
use super::choosable::Choosable;
use super::overrides::Overrides;
use super::secret_owner::is_read_by;
use super::values::{SchedulerKind, TokenDelivery};
use crate::container::{Allowed, Body, Isolation, Of, Patch};
use crate::docker::ImageReference;
use crate::docker::ports::Port;
use crate::environment_id::is_same;
use crate::service_url::ServiceUrls;

/// The properties of the targets of one environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// The image of its container.
    pub image: ImageReference,
    /// The options of its container, without the values of a single target.
    pub body: Body,
    /// How many targets of this environment may live at a time, if it has a limit of its
    /// own in addition to the common one.
    pub max_targets: Option<usize>,
    /// The age at which a target is removed, even if it runs.
    pub max_lifetime: Duration,
    /// Where the agent may register.
    pub service_urls: ServiceUrls,
    /// The ports that are published.
    pub ports: Vec<Port>,
    /// The id of the user who owns the files of secrets, if it is set; otherwise root
    /// owns them.
    pub secret_owner: Option<u32>,
    /// What an order may choose.
    pub choosable: Choosable,
}

/// The profile of every environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profiles {
    default: Profile,
    by_environment: Vec<(String, Profile)>,
}

/// The variables that hold unless an environment overrides them.
pub struct Defaults<'a> {
    pub scheduler: SchedulerKind,
    pub image: ImageReference,
    pub patch: Patch,
    pub isolation: Isolation,
    pub allowed: Allowed,
    pub max_lifetime: Duration,
    pub service_urls: ServiceUrls,
    pub token_delivery: TokenDelivery,
    pub ports: Vec<Port>,
    pub publication: &'a Publication,
}

impl Profiles {
    /// The profile of each environment with overrides, and that of all others.
    pub fn new(
        defaults: &Defaults<'_>,
        environments: Vec<(String, Overrides)>,
    ) -> Result<Self, Vec<String>> {
        // Checks the defaults first: each environment would only repeat their problems.
        let default = defaults.profile("", &Overrides::default())?;
        let mut by_environment = Vec::new();
        let mut problems = Vec::new();
        for (id, overrides) in environments {
            match defaults.profile(&format!("environments: {id}."), &overrides) {
                Ok(profile) => by_environment.push((id, profile)),
                Err(found) => problems.extend(found),
            }
        }
        let profiles = Self {
            default,
            by_environment,
        };
        match problems.is_empty() {
            true => Ok(profiles),
            false => Err(problems),
        }
    }

    /// The profile of an environment.
    pub fn of(&self, environment_id: &str) -> &Profile {
        self.by_environment
            .iter()
            .find(|(id, _)| is_same(id, environment_id))
            .map_or(&self.default, |(_, profile)| profile)
    }

    /// The environments with overrides, by the id that the operator has written, and
    /// their profiles.
    pub fn by_environment(&self) -> impl Iterator<Item = (&str, &Profile)> {
        self.by_environment
            .iter()
            .map(|(id, profile)| (id.as_str(), profile))
    }

    /// Every image that a target may need, once each.
    pub fn images(&self) -> Vec<&ImageReference> {
        distinct(self.all().map(|profile| &profile.image))
    }

    /// Every network that a target may need, once each.
    pub fn networks(&self) -> Vec<&str> {
        distinct(self.all().flat_map(|profile| profile.body.networks()))
    }

    /// The default profile, and those of the environments with overrides.
    pub fn all(&self) -> impl Iterator<Item = &Profile> {
        let overridden = self.by_environment.iter().map(|(_, profile)| profile);
        std::iter::once(&self.default).chain(overridden)
    }
}

/// The items without repetitions, in order. There are only a few of them.
fn distinct<T: PartialEq>(all: impl Iterator<Item = T>) -> Vec<T> {
    let mut distinct = Vec::new();
    for one in all {
        if !distinct.contains(&one) {
            distinct.push(one);
        }
    }
    distinct
}

impl Defaults<'_> {
    /// The profile of an environment with these overrides. Each problem begins with the
    /// name of a variable, or with `place` and a key.
    fn profile(&self, place: &str, overrides: &Overrides) -> Result<Profile, Vec<String>> {
        let origin = format!("{place}container_patch");
        let patches: Vec<&Patch> = [Some(&self.patch), overrides.patch.as_ref()]
            .into_iter()
            .flatten()
            .collect();
        let of = match self.scheduler {
            SchedulerKind::Engine => Of::Container,
            SchedulerKind::Swarm => Of::Service,
        };
        let body = Body::new(of, &patches, self.isolation, &self.allowed).map_err(|problems| {
            let named = problems
                .iter()
                .map(|problem| format!("{origin}: {problem}"));
            named.collect::<Vec<_>>()
        })?;
        let ports = overrides.ports.as_ref().unwrap_or(&self.ports);
        if !ports.is_empty() {
            self.publication
                .check(self.scheduler)
                .map_err(|problem| vec![problem])?;
        }
        let body = body
            .publishing(ports, self.publication.address)
            .map_err(|problem| vec![format!("{origin}: {problem}")])?;
        let secret_owner = overrides.secret_owner;
        let is_file = self.token_delivery == TokenDelivery::File;
        if is_file && is_read_by(secret_owner, body.user()) == Some(false) {
            return Err(vec![format!(
                "{origin}: User is neither root nor the environment's secret_owner, and only they can read the token's file; set secret_owner, or token_delivery to env"
            )]);
        }
        let (image, origin) = match &overrides.image {
            Some(image) => (image, format!("{place}image")),
            None => (&self.image, "agent_image".to_owned()),
        };
        if self.scheduler == SchedulerKind::Swarm && !image.is_pinned() {
            return Err(vec![format!(
                "{origin}: has no digest, so the nodes of a Swarm could run different images; add @sha256:…, or name an image that is on every node by its id, sha256:…"
            )]);
        }
        Ok(Profile {
            image: image.clone(),
            body,
            max_targets: overrides.max_targets,
            max_lifetime: overrides.max_lifetime.unwrap_or(self.max_lifetime),
            service_urls: overrides
                .service_urls
                .as_ref()
                .unwrap_or(&self.service_urls)
                .clone(),
            ports: ports.clone(),
            secret_owner,
            choosable: overrides.choosable.clone(),
        })
    }
}
