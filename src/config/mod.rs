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

use std::fmt;
use std::time::Duration;

pub use choosable::Choosable;
pub use docker_authorization::DockerAuthorization;
pub use ports::Publication;
use profile::Defaults;
pub use profile::{Profile, Profiles};
pub use registry_auth::RegistryAuth;
pub use secret_owner::{is_read_by, secret_owner};
use values::Plaintext;
pub use values::{ImagePull, SchedulerKind, TokenDelivery, parse_duration, parse_lifetime};

use crate::container::{Allowed, Isolation, Patch};
use crate::docker::{DeploymentId, EngineUrl, ImageReference};
use crate::secret::Secret;
use crate::service_url::ServiceUrls;

/// The source of variables.
pub trait Variables {
    /// The value of `name`.
    ///
    /// # Errors
    ///
    /// Why the variable cannot be read, as text that follows the variable's name and
    /// contains no value.
    fn get(&self, name: &'static str) -> Result<String, String>;

    /// The value of `name` without the white space around it, for all variables: a secret
    /// that is mounted as a file mostly ends with a line break.
    ///
    /// # Errors
    ///
    /// Those of [`Self::get`].
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
    /// `image_pull`: whether missing images are pulled.
    pub image_pull: ImagePull,
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

/// The problems with the variables. Each names its variable and contains no value.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Problems(Vec<String>);

impl Problems {
    /// One problem with one variable.
    pub fn one(name: &str, problem: &str) -> Self {
        Self(vec![format!("{name} {problem}")])
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("; "))
    }
}

impl Config {
    /// Reads every variable.
    ///
    /// # Errors
    ///
    /// All problems at once, to be fixed together.
    pub fn parse(variables: &impl Variables) -> Result<Self, Problems> {
        let mut reader = Reader {
            variables,
            problems: Problems::default(),
        };
        let scheduler = reader.read("scheduler", values::parse_scheduler);
        let plaintext = reader.read("docker_plaintext", values::parse_plaintext);
        let docker_url = reader.read("docker_url", EngineUrl::parse);
        let docker_authorization = reader.read("docker_authorization", DockerAuthorization::parse);
        let image_pull = reader.read("image_pull", values::parse_image_pull);
        let registry_auth = reader.read("registry_auth", RegistryAuth::parse);
        let token_delivery = reader.read("token_delivery", values::parse_token_delivery);
        let deployment_id = reader.read("deployment_id", DeploymentId::parse);
        let max_targets = reader.read("max_targets", |text| values::parse_count(text, scheduler));
        let max_targets_per_owner = reader.read("max_targets_per_owner", |text| match text {
            "" => Ok(None),
            _ => values::parse_count(text, scheduler).map(Some),
        });
        let max_lifetime = reader.read("max_lifetime", parse_lifetime);
        let stop_grace = reader.read("stop_grace", values::parse_grace);
        let isolation = reader.read("container_patch_unsafe", values::parse_isolation);
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
        if let (Some(Plaintext::Loopback), Some(url)) = (plaintext, &docker_url)
            && url.is_plaintext_beyond_loopback()
        {
            reader.problems.0.push(
                "docker_url is plain http beyond loopback, so anyone between this server and the Engine could become root on the Engine's host; use https, or set docker_plaintext to allow".to_owned(),
            );
        }
        let problems = reader.problems;
        let whole = || {
            Some(Self {
                scheduler: scheduler?,
                docker_url: docker_url?,
                docker_authorization: docker_authorization?,
                image_pull: image_pull?,
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
            Some(config) if problems.0.is_empty() => Ok(config),
            _ => Err(problems),
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
    problems: Problems,
}

impl<V: Variables> Reader<'_, V> {
    fn read<T>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let read = self.variables.value(name).and_then(|text| parse(&text));
        read.map_err(|problem| self.problems.0.push(format!("{name} {problem}")))
            .ok()
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
            .map_err(|problems| self.problems.0.extend(problems))
            .ok()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    #[test]
    fn each_variable_of_the_manifest_has_its_default_on_the_page_of_variables() {
        let page = include_str!("../../docs/variables.md");
        let manifest = include_str!("../../spin.toml");
        let (_, variables) = manifest.split_once("[variables]\n").expect("variables");
        for line in variables.lines().take_while(|line| !line.is_empty()) {
            let (name, _) = line.split_once(" = { ").expect("a variable");
            let row = format!("| `{name}` |");
            let row = page.lines().find(|line| line.starts_with(&row));
            let row = row.unwrap_or_else(|| panic!("{name} is not on the page"));
            let shown = default(name).unwrap_or_default();
            assert!(row.contains(shown), "{name}: {row}");
        }
    }

    /// The defaults of `spin.toml`, with `changes` over them.
    pub(crate) fn variables(
        changes: &[(&'static str, &'static str)],
    ) -> impl Fn(&'static str) -> Result<String, String> {
        move |name| {
            let changed = changes.iter().find(|(known, _)| *known == name);
            let value = changed.map(|(_, value)| *value);
            let value = value.or_else(|| default(name));
            value
                .map(str::to_owned)
                .ok_or_else(|| "is not defined".to_owned())
        }
    }

    /// The configuration of the defaults, with `changes` over them.
    pub(crate) fn config(changes: &[(&'static str, &'static str)]) -> Config {
        Config::parse(&variables(changes)).expect("a config")
    }

    fn default(name: &str) -> Option<&'static str> {
        let mut lines = include_str!("../../spin.toml").lines();
        let rest =
            lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(" = { default = \""));
        rest?.split('"').next()
    }

    #[track_caller]
    fn problem(changes: &[(&'static str, &'static str)]) -> String {
        Config::parse(&variables_of(changes))
            .expect_err("a problem")
            .to_string()
    }

    fn variables_of(changes: &[(&'static str, &'static str)]) -> impl Variables + use<> {
        let changes = changes.to_vec();
        move |name| variables(&changes)(name)
    }

    #[test]
    fn all_problems_are_named_together() {
        let wrong = [
            ("scheduler", "kubernetes"),
            ("docker_url", "tcp://127.0.0.1:2375"),
            ("docker_plaintext", "yes"),
            ("docker_authorization", "Bearer short"),
            ("agent_image", "no image"),
            ("deployment_id", ""),
            ("max_targets", "1001"),
            ("max_targets_per_owner", "1001"),
            ("max_lifetime", "8 days"),
            ("image_pull", "always"),
            ("registry_auth", "user:password"),
            ("container_patch", "[]"),
            ("container_patch_unsafe", "yes"),
            ("allow_capabilities", "SYS_ADMIN"),
            ("allow_volumes", "/host"),
            ("environments", "{"),
            ("service_urls", "*"),
            ("token_delivery", "mail"),
            ("stop_grace", "1h"),
            ("ports", "22"),
            ("publish_address", "localhost"),
            ("public_host", "0.0.0.0"),
        ];
        let problems = problem(&wrong);
        for (name, _) in wrong {
            assert!(problems.contains(name), "{problems}");
        }
    }

    #[test]
    fn owners_have_a_limit_only_if_one_is_set() {
        for (text, max) in [("", None), ("0", Some(0)), ("1000", Some(1000))] {
            let config = config(&[("max_targets_per_owner", text)]);
            assert_eq!(config.max_targets_per_owner, max);
        }
        for text in ["1001", "-1", "+1", "one", "1.0"] {
            problem(&[("max_targets_per_owner", text)]);
        }
    }

    #[test]
    fn white_space_around_a_value_does_not_count() {
        let clean = config(&[]);
        let padded = |name| Ok(format!(" \t{}\r\n", variables(&[])(name)?));
        assert_eq!(Config::parse(&padded), Ok(clean));
        // White space does not count towards the longest value.
        let long = format!("{{}}{}", "\n".repeat(70_000));
        let padded = |name| match name {
            "container_patch" => Ok(long.clone()),
            _ => variables(&[])(name),
        };
        Config::parse(&padded).expect("a config");
    }

    #[test]
    fn plain_http_beyond_loopback_is_refused_unless_allowed() {
        let far = ("docker_url", "http://192.0.2.1:2375");
        assert!(problem(&[far]).contains("docker_plaintext"));
        config(&[far, ("docker_plaintext", "allow")]);
    }
}
