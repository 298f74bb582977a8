//! Parses the operator's variables into a [`Config`], and names every problem.
//!
//! A configuration is never used in part: either every variable is right, or every
//! request gets a 500. This module does not know where the variables come from.

mod choosable;
mod docker_authorization;
mod overrides;
mod ports;
mod profile;
mod registry_auth;
mod secret_owner;
mod values;
mod warnings;

use std::time::Duration;

pub use choosable::Choosable;
pub use docker_authorization::DockerAuthorization;
pub use ports::Publication;
use profile::Defaults;
pub use profile::{Profile, Profiles};
pub use registry_auth::RegistryAuth;
pub use secret_owner::{is_read_by, secret_owner};
pub use values::{SchedulerKind, TokenDelivery, parse_duration, parse_lifetime};

use crate::container::{Allowed, Isolation, Patch};
use crate::docker::{DeploymentId, EngineUrl, ImageReference};
use crate::secret::Secret;
use crate::service_url::ServiceUrls;

/// The source of variables.
pub trait Variables {
    /// The value of `name`. An error is text that follows the variable's name and contains
    /// no value.
    fn get(&self, name: &'static str) -> Result<String, String>;

    /// The value of `name` without the white space around it, for all variables: a secret
    /// that is mounted as a file mostly ends with a line break.
    fn value(&self, name: &'static str) -> Result<String, String> {
        Ok(self.get(name)?.trim_ascii().to_owned())
    }
}

impl<F: Fn(&'static str) -> Result<String, String>> Variables for F {
    fn get(&self, name: &'static str) -> Result<String, String> {
        self(name)
    }
}

/// Every variable except the callers' secrets, which [`crate::auth`] reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// `scheduler`: whether targets are containers of one Engine or services of a Swarm.
    pub scheduler: SchedulerKind,
    /// `docker_url`: where the Engine listens, or a manager of the Swarm.
    pub docker_url: EngineUrl,
    /// `docker_authorization`: the credentials for a proxy in front of the Engine.
    pub docker_authorization: Option<DockerAuthorization>,
    /// `image_pull`: whether an image that names its registry is pulled if it is missing.
    /// If not, the operator provides all images.
    pub pulls_images: bool,
    /// `registry_auth`: the Engine's credentials for a registry.
    pub registry_auth: Option<RegistryAuth>,
    /// `token_delivery`: how an agent receives its token.
    pub token_delivery: TokenDelivery,
    /// `deployment_id`: which containers on the Engine belong to this deployment.
    pub deployment_id: DeploymentId,
    /// `max_targets`: how many targets may live at a time; 0 refuses new ones.
    pub max_targets: usize,
    /// `max_targets_per_owner`: how many targets of one owner may live at a time, if
    /// owners have a limit.
    pub max_targets_per_owner: Option<usize>,
    /// `max_lifetime`: the age at which a target is removed, even if it runs.
    pub max_lifetime: Duration,
    /// `container_patch_unsafe`: whether a patch may weaken the isolation of targets.
    pub isolation: Isolation,
    /// `allow_capabilities` and `allow_volumes`: capabilities and volumes that a patch
    /// may use although the guards refuse them.
    pub allowed: Allowed,
    /// `stop_grace`: how long a target may take to end by itself after a stop.
    pub stop_grace: Duration,
    /// `publish_address` and `public_host`: where the ports of targets are published.
    pub publication: Publication,
    /// The options of a target, by environment.
    pub profiles: Profiles,
}

impl Config {
    /// Reads every variable. Names all problems at once, to be fixed together. Each has its
    /// variable and contains no value.
    pub fn parse(variables: &impl Variables) -> Result<Self, String> {
        let mut reader = Reader {
            variables,
            problems: Vec::new(),
        };
        use SchedulerKind::{Engine, Swarm};
        use TokenDelivery::{Env, File};

        let scheduler = reader.choose("scheduler", [("engine", Engine), ("swarm", Swarm)]);
        let allows_plaintext =
            reader.choose("docker_plaintext", [("loopback", false), ("allow", true)]);
        let docker_url = reader.read("docker_url", EngineUrl::parse);
        let docker_authorization = reader.read("docker_authorization", DockerAuthorization::parse);
        let pulls_images = reader.choose("image_pull", [("missing", true), ("never", false)]);
        let registry_auth = reader.read("registry_auth", RegistryAuth::parse);
        let token_delivery = reader.choose("token_delivery", [("file", File), ("env", Env)]);
        let deployment_id = reader.read("deployment_id", DeploymentId::parse);
        let max_targets = reader.read("max_targets", |text| values::parse_count(text, scheduler));
        let max_targets_per_owner = reader.read("max_targets_per_owner", |text| match text {
            "" => Ok(None),
            _ => values::parse_count(text, scheduler).map(Some),
        });
        let max_lifetime = reader.read("max_lifetime", parse_lifetime);
        let stop_grace = reader.read("stop_grace", values::parse_grace);
        let isolation = [("refuse", Isolation::Kept), ("allow", Isolation::GivenUp)];
        let isolation = reader.choose("container_patch_unsafe", isolation);
        let allowed = reader.allowed();
        let publication = reader.publication();
        let profiles = reader.profiles(
            scheduler,
            max_lifetime,
            token_delivery,
            isolation,
            allowed.clone(),
            publication.as_ref(),
        );
        if allows_plaintext == Some(false)
            && let Some(url) = &docker_url
            && url.is_plaintext_beyond_loopback()
        {
            reader.problems.push(
                "docker_url is plain http beyond loopback, so anyone between this server and the Engine could become root on the Engine's host; use https, or set docker_plaintext to allow".to_owned(),
            );
        }
        let problems = reader.problems;
        let whole = || {
            Some(Self {
                scheduler: scheduler?,
                docker_url: docker_url?,
                docker_authorization: docker_authorization?,
                pulls_images: pulls_images?,
                registry_auth: registry_auth?,
                token_delivery: token_delivery?,
                deployment_id: deployment_id?,
                max_targets: max_targets?,
                max_targets_per_owner: max_targets_per_owner?,
                max_lifetime: max_lifetime?,
                isolation: isolation?,
                allowed: allowed?,
                stop_grace: stop_grace?,
                publication: publication?,
                profiles: profiles?,
            })
        };
        match whole() {
            Some(config) if problems.is_empty() => Ok(config),
            _ => Err(problems.join("; ")),
        }
    }

    /// The credentials for the registry of an image, if `registry_auth` has them.
    pub fn registry_auth_for(&self, image: &ImageReference) -> Option<&Secret> {
        let auth = self.registry_auth.as_ref();
        auth.and_then(|auth| auth.header_for(image))
    }

    /// The texts to redact from log lines, because a peer may echo them.
    pub fn secrets(&self) -> Vec<Secret> {
        let authorization = self.docker_authorization.as_ref();
        let credentials = authorization.map(|authorization| &authorization.credentials);
        let registry = self.registry_auth.iter();
        let registry = registry.flat_map(|auth| auth.secrets.iter().chain([&auth.header]));
        credentials.into_iter().chain(registry).cloned().collect()
    }
}

/// Reads variables one by one and collects the problems.
struct Reader<'a, V> {
    variables: &'a V,
    problems: Vec<String>,
}

impl<V: Variables> Reader<'_, V> {
    fn read<T>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let read = self.variables.value(name).and_then(|text| parse(&text));
        read.map_err(|problem| self.problems.push(format!("{name} {problem}")))
            .ok()
    }

    /// Reads a variable that is one of two words.
    fn choose<T>(&mut self, name: &'static str, choices: [(&str, T); 2]) -> Option<T> {
        let [(first, one), (second, other)] = choices;
        self.read(name, |text| match text {
            _ if text == first => Ok(one),
            _ if text == second => Ok(other),
            _ => Err(format!("must be {first} or {second}")),
        })
    }

    fn allowed(&mut self) -> Option<Allowed> {
        let capabilities = self.read("allow_capabilities", Allowed::parse_capabilities);
        let volumes = self.read("allow_volumes", Allowed::parse_volumes);
        Some(Allowed {
            capabilities: capabilities?,
            volumes: volumes?,
        })
    }

    fn publication(&mut self) -> Option<Publication> {
        let address = self.read("publish_address", ports::parse_publish_address);
        let host = self.read("public_host", ports::parse_public_host);
        Some(Publication {
            address: address?,
            host: host?,
        })
    }

    /// The profiles: the variables for every target, and `environments`.
    fn profiles(
        &mut self,
        scheduler: Option<SchedulerKind>,
        max_lifetime: Option<Duration>,
        token_delivery: Option<TokenDelivery>,
        isolation: Option<Isolation>,
        allowed: Option<Allowed>,
        publication: Option<&Publication>,
    ) -> Option<Profiles> {
        let image = self.read("agent_image", ImageReference::parse);
        let patch = self.read("container_patch", Patch::parse);
        let service_urls = self.read("service_urls", ServiceUrls::parse);
        let ports = self.read("ports", ports::parse_ports);
        let environments = self.read("environments", |text| {
            overrides::parse_environments(text, scheduler)
        });
        let defaults = Defaults {
            scheduler: scheduler?,
            image: image?,
            patch: patch?,
            isolation: isolation?,
            allowed: allowed?,
            max_lifetime: max_lifetime?,
            service_urls: service_urls?,
            token_delivery: token_delivery?,
            ports: ports?,
            publication: publication?,
        };
        Profiles::new(&defaults, environments?)
            .map_err(|problems| self.problems.extend(problems))
            .ok()
    }
}

#[cfg(test)]
pub(crate) mod tests;
