//! The profile of targets: the default one, and that of each entry in `environments`.

use std::time::Duration;

use super::Publication;
use super::choosable::Choosable;
use super::overrides::Overrides;
use super::secret_owner::is_read_by;
use super::values::{SchedulerKind, TokenDelivery};
use crate::container::{Allowed, Body, Isolation, Patch};
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
    ///
    /// # Errors
    ///
    /// What is wrong with the containers' patches.
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
        if problems.is_empty() {
            Ok(Self {
                default,
                by_environment,
            })
        } else {
            Err(problems)
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

    /// Whether every target has a limit of processor time.
    pub fn limit_processors(&self) -> bool {
        self.all().all(|profile| profile.body.limits_processors())
    }

    /// Whether any target publishes ports.
    pub fn publish(&self) -> bool {
        self.all().any(|profile| !profile.ports.is_empty())
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
    /// The profile of an environment with these overrides. Each problem begins with its
    /// place: `place`, and a name there.
    fn profile(&self, place: &str, overrides: &Overrides) -> Result<Profile, Vec<String>> {
        let origin = format!("{place}container_patch");
        let patches: Vec<&Patch> = [Some(&self.patch), overrides.patch.as_ref()]
            .into_iter()
            .flatten()
            .collect();
        let build = match self.scheduler {
            SchedulerKind::Engine => Body::of_container,
            SchedulerKind::Swarm => Body::of_service,
        };
        let body = build(&patches, self.isolation, &self.allowed).map_err(|problems| {
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

#[cfg(test)]
pub(super) mod tests {
    use serde_json::{Value, json};

    use super::super::Config;
    use super::super::tests::variables;
    use super::*;

    fn profiles(environments: &Value, defaults: &[(&'static str, &'static str)]) -> Profiles {
        config(environments, defaults).expect("a config").profiles
    }

    pub(in super::super) fn config(
        environments: &Value,
        defaults: &[(&'static str, &'static str)],
    ) -> Result<Config, super::super::Problems> {
        let environments = environments.to_string();
        Config::parse(&|name: &'static str| match name {
            "environments" => Ok(environments.clone()),
            _ => variables(defaults)(name),
        })
    }

    #[test]
    fn an_environment_overrides_what_it_names() {
        let profiles = profiles(
            &json!({"e1": {"image": "other:1", "max_targets": 3, "max_lifetime": "1h",
                           "service_urls": "https://a.example.com"}}),
            &[],
        );
        let (overridden, default) = (profiles.of("e1"), profiles.of("e2"));
        assert_eq!(overridden.image.as_str(), "other:1");
        assert_eq!(overridden.max_targets, Some(3));
        assert_eq!(overridden.max_lifetime, Duration::from_secs(3600));
        assert_ne!(overridden.service_urls, default.service_urls);
        assert_eq!(overridden.body, default.body);
        assert_eq!(default.image.as_str(), "dynamic-access-agent");
        assert_eq!(default.max_targets, None);
        let images: Vec<_> = profiles
            .images()
            .iter()
            .map(|image| image.as_str())
            .collect();
        assert_eq!(images, ["dynamic-access-agent", "other:1"]);
        assert_eq!(profiles.networks(), ["dynamic-access"]);
    }

    #[test]
    fn an_environment_is_found_in_another_spelling_of_its_id() {
        let id = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0";
        let profiles = profiles(
            &json!({id: {"max_targets": 3}, "Team": {"max_targets": 4}}),
            &[],
        );
        let same = "0F1E2D3C4B5A69788796A5B4C3D2E1F0";
        assert_eq!(profiles.of(same).max_targets, Some(3));
        assert_eq!(profiles.of("tEAM").max_targets, Some(4));
        assert_eq!(profiles.of("team-2").max_targets, None);
    }

    #[test]
    fn an_environments_patch_is_applied_after_container_patch() {
        let patch =
            r#"{"HostConfig":{"Memory":1073741824,"MemorySwap":1073741824,"NanoCpus":500000000}}"#;
        let profiles = profiles(
            &json!({"e": {"container_patch": {"HostConfig": {"NanoCpus": 2_000_000_000_u32}}}}),
            &[("container_patch", patch)],
        );
        let cpus = |profile: &Profile| profile.body.value()["HostConfig"]["NanoCpus"].clone();
        assert_eq!(cpus(profiles.of("e")), 2_000_000_000_u32);
        assert_eq!(cpus(profiles.of("other")), 500_000_000);
    }

    #[test]
    fn on_a_swarm_the_image_without_a_digest_is_named() {
        const PINNED: &str =
            "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
        for (image, environments, place) in [
            ("agent", json!({}), "agent_image: has no digest"),
            (
                PINNED,
                json!({"e": {"image": "agent"}}),
                "environments: e.image: has no digest",
            ),
        ] {
            let variables = [("scheduler", "swarm"), ("agent_image", image)];
            let problem = config(&environments, &variables)
                .expect_err(place)
                .to_string();
            assert!(problem.contains(place), "{problem}");
        }
    }

    #[test]
    fn an_order_may_choose_nothing_unless_its_environment_says_so() {
        let profiles = profiles(
            &json!({"e": {"allow": ["env", "command"], "images": ["a*"], "secret_owner": 0,
                          "max": {"memory": "4GiB", "cpus": 2}}}),
            &[],
        );
        let (chosen, default) = (profiles.of("e"), profiles.of("other"));
        assert_eq!(default.choosable, Choosable::default());
        assert_eq!(default.secret_owner, None);
        assert!(chosen.choosable.env && chosen.choosable.command);
        assert_eq!(chosen.choosable.max.memory, Some(4 << 30));
        assert_eq!(chosen.secret_owner, Some(0));
    }

    #[test]
    fn the_owner_of_secrets_may_be_the_user_of_a_patch() {
        for (user, is_right) in [
            ("1000", true),
            ("1000:0", true),
            ("runner", true),
            ("1001", false),
        ] {
            let environment =
                json!({"e": {"secret_owner": 1000, "container_patch": {"User": user}}});
            assert_eq!(config(&environment, &[]).is_ok(), is_right, "{user}");
        }
    }

    #[test]
    fn a_token_in_a_file_requires_root() {
        let patch = ("container_patch", r#"{"User":"1000"}"#);
        let problem = config(&json!({}), &[patch])
            .expect_err("a problem")
            .to_string();
        assert!(problem.contains("token_delivery"), "{problem}");
        config(&json!({}), &[patch, ("token_delivery", "env")]).expect("allowed");
    }
}
