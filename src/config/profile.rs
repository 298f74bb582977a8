//! What a target is, for all environments and for each of `environments`.

use std::time::Duration;

use serde_json::{Map, Value};

use super::values::{self, TokenDelivery};
use crate::container::{Body, Isolation, Patch};
use crate::docker::ImageReference;
use crate::service_url::ServiceUrls;

/// The longest `environments`: every request reads all of it.
const ENVIRONMENTS_BYTES_MAX: usize = 256 * 1024;

/// What a target of one environment is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// The image of its container.
    pub image: ImageReference,
    /// The rest of its container, but for what is particular to one target.
    pub body: Body,
    /// How many targets of this environment may live at a time, where that is
    /// limited beside all environments together.
    pub max_targets: Option<usize>,
    /// After this it is removed, even if it runs.
    pub max_lifetime: Duration,
    /// Where its agent may register.
    pub service_urls: ServiceUrls,
}

/// The profile of every environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profiles {
    general: Profile,
    by_environment: Vec<(String, Profile)>,
}

/// The variables that hold for all environments.
pub struct Defaults {
    pub image: ImageReference,
    pub patch: Patch,
    pub isolation: Isolation,
    pub max_lifetime: Duration,
    pub service_urls: ServiceUrls,
    pub token_delivery: TokenDelivery,
}

/// What one environment has of its own.
#[derive(Debug, Default)]
pub struct Overrides {
    image: Option<ImageReference>,
    patch: Option<Patch>,
    max_targets: Option<usize>,
    max_lifetime: Option<Duration>,
    service_urls: Option<ServiceUrls>,
}

impl Profiles {
    /// The profiles of the environments with overrides, and of all others.
    ///
    /// # Errors
    ///
    /// What is wrong with the containers' patches.
    pub fn new(
        general: &Defaults,
        environments: Vec<(String, Overrides)>,
    ) -> Result<Self, Vec<String>> {
        let mut problems = Vec::new();
        let plain = general.profile("container_patch", &Overrides::default());
        let mut by_environment = Vec::new();
        for (id, overrides) in environments {
            match general.profile(&format!("environments: {id}.container_patch"), &overrides) {
                Ok(profile) => by_environment.push((id, profile)),
                // What is wrong with all of them has been said once.
                Err(_) if plain.is_err() => {}
                Err(found) => problems.extend(found),
            }
        }
        match plain {
            Ok(general) if problems.is_empty() => Ok(Self {
                general,
                by_environment,
            }),
            Ok(_) => Err(problems),
            Err(found) => Err(found),
        }
    }

    /// The profile of an environment.
    pub fn of(&self, environment_id: &str) -> &Profile {
        let mut own = self.by_environment.iter();
        own.find(|(id, _)| id == environment_id)
            .map_or(&self.general, |(_, profile)| profile)
    }

    /// Every image of a target, once.
    pub fn images(&self) -> Vec<&ImageReference> {
        distinct(self.all().map(|profile| &profile.image))
    }

    /// Every network of a target that somebody must have made, once.
    pub fn networks(&self) -> Vec<&str> {
        distinct(self.all().filter_map(|profile| profile.body.network()))
    }

    fn all(&self) -> impl Iterator<Item = &Profile> {
        let own = self.by_environment.iter().map(|(_, profile)| profile);
        std::iter::once(&self.general).chain(own)
    }
}

/// Each once, in the order in which they come; they are few.
fn distinct<T: PartialEq>(all: impl Iterator<Item = T>) -> Vec<T> {
    let mut distinct = Vec::new();
    for one in all {
        if !distinct.contains(&one) {
            distinct.push(one);
        }
    }
    distinct
}

impl Defaults {
    /// The profile that these make with an environment's own; `origin` is
    /// where the latter's patch stands.
    fn profile(&self, origin: &str, own: &Overrides) -> Result<Profile, Vec<String>> {
        let patches: Vec<&Patch> = [Some(&self.patch), own.patch.as_ref()]
            .into_iter()
            .flatten()
            .collect();
        let body = Body::build(&patches, self.isolation).map_err(|problems| {
            let named = problems
                .iter()
                .map(|problem| format!("{origin}: {problem}"));
            named.collect::<Vec<_>>()
        })?;
        if self.token_delivery == TokenDelivery::File && !body.runs_as_root() {
            return Err(vec![format!(
                "{origin}: User is not root, who alone can read the token's file; set token_delivery to env"
            )]);
        }
        let own_or = |own: Option<Duration>| own.unwrap_or(self.max_lifetime);
        Ok(Profile {
            image: own.image.clone().unwrap_or_else(|| self.image.clone()),
            body,
            max_targets: own.max_targets,
            max_lifetime: own_or(own.max_lifetime),
            service_urls: own
                .service_urls
                .clone()
                .unwrap_or_else(|| self.service_urls.clone()),
        })
    }
}

/// Parses `environments`: a JSON object from environmentId to what is
/// different there.
///
/// # Errors
///
/// The first problem, with its path.
pub fn parse_environments(text: &str) -> Result<Vec<(String, Overrides)>, String> {
    if text.len() > ENVIRONMENTS_BYTES_MAX {
        return Err(format!("is over {} KiB", ENVIRONMENTS_BYTES_MAX / 1024));
    }
    let object: Map<String, Value> =
        serde_json::from_str(text).map_err(|_| "is not a JSON object".to_owned())?;
    let overrides = object.into_iter().map(|(id, value)| {
        let overrides = Overrides::parse(value).map_err(|problem| format!("at {id}{problem}"))?;
        Ok((id, overrides))
    });
    overrides.collect()
}

impl Overrides {
    fn parse(value: Value) -> Result<Self, String> {
        let Value::Object(object) = value else {
            return Err(" is not an object".to_owned());
        };
        let mut overrides = Self::default();
        for (key, value) in object {
            overrides
                .set(&key, value)
                .map_err(|problem| format!(".{key} {problem}"))?;
        }
        Ok(overrides)
    }

    fn set(&mut self, key: &str, value: Value) -> Result<(), String> {
        match key {
            "image" => self.image = Some(ImageReference::parse(text(&value)?)?),
            "container_patch" => self.patch = Some(Patch::from_value(value)?),
            "max_targets" => self.max_targets = Some(values::count(value.as_u64())?),
            "max_lifetime" => self.max_lifetime = Some(values::parse_lifetime(text(&value)?)?),
            "service_urls" => self.service_urls = Some(ServiceUrls::parse(text(&value)?)?),
            _ => {
                return Err(
                    "is not one of image, container_patch, max_targets, max_lifetime, service_urls"
                        .to_owned(),
                );
            }
        }
        Ok(())
    }
}

fn text(value: &Value) -> Result<&str, String> {
    value.as_str().ok_or_else(|| "is not text".to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::Config;
    use super::super::tests::variables;
    use super::*;

    fn profiles(environments: &Value, general: &[(&'static str, &'static str)]) -> Profiles {
        config(environments, general).expect("a config").profiles
    }

    fn config(
        environments: &Value,
        general: &[(&'static str, &'static str)],
    ) -> Result<Config, super::super::Problems> {
        let environments = environments.to_string();
        Config::parse(&|name: &'static str| match name {
            "environments" => Ok(environments.clone()),
            _ => variables(general)(name),
        })
    }

    #[test]
    fn an_environment_has_what_it_names_and_the_rest_of_all() {
        let profiles = profiles(
            &json!({"e1": {"image": "other:1", "max_targets": 3, "max_lifetime": "1h",
                           "service_urls": "https://a.example.com"}}),
            &[],
        );
        let (own, general) = (profiles.of("e1"), profiles.of("e2"));
        assert_eq!(own.image.as_str(), "other:1");
        assert_eq!(own.max_targets, Some(3));
        assert_eq!(own.max_lifetime, Duration::from_secs(3600));
        assert_ne!(own.service_urls, general.service_urls);
        assert_eq!(own.body, general.body);
        assert_eq!(general.image.as_str(), "dynamic-access-agent");
        assert_eq!(general.max_targets, None);
        let images: Vec<_> = profiles
            .images()
            .iter()
            .map(|image| image.as_str())
            .collect();
        assert_eq!(images, ["dynamic-access-agent", "other:1"]);
        assert_eq!(profiles.networks(), ["dynamic-access"]);
    }

    #[test]
    fn an_environment_can_be_drained() {
        let profiles = profiles(&json!({"e": {"max_targets": 0}}), &[]);
        assert_eq!(profiles.of("e").max_targets, Some(0));
    }

    #[test]
    fn an_environments_patch_comes_after_the_general_one() {
        let general =
            r#"{"HostConfig":{"Memory":1073741824,"MemorySwap":1073741824,"NanoCpus":1}}"#;
        let profiles = profiles(
            &json!({"e": {"container_patch": {"HostConfig": {"NanoCpus": 2}}}}),
            &[("container_patch", general)],
        );
        let cpus = |profile: &Profile| profile.body.value()["HostConfig"]["NanoCpus"].clone();
        assert_eq!(cpus(profiles.of("e")), 2);
        assert_eq!(cpus(profiles.of("other")), 1);
    }

    #[test]
    fn a_problem_is_named_with_its_path() {
        for (environments, path) in [
            (json!({"e": []}), "environments at e is not an object"),
            (
                json!({"e": {"Image": "a"}}),
                "environments at e.Image is not one of",
            ),
            (
                json!({"e": {"image": 1}}),
                "environments at e.image is not text",
            ),
            (
                json!({"e": {"image": "a b"}}),
                "environments at e.image is not an image",
            ),
            (
                json!({"e": {"max_targets": 1001}}),
                "environments at e.max_targets",
            ),
            (
                json!({"e": {"max_targets": "1"}}),
                "environments at e.max_targets",
            ),
            (
                json!({"e": {"max_lifetime": 60}}),
                "environments at e.max_lifetime",
            ),
            (
                json!({"e": {"service_urls": []}}),
                "environments at e.service_urls",
            ),
            (
                json!({"e": {"container_patch": null}}),
                "environments at e.container_patch",
            ),
            (
                json!({"e": {"container_patch": {"HostConfig": {"Privileged": true}}}}),
                "environments: e.container_patch: HostConfig.Privileged",
            ),
        ] {
            let problem = config(&environments, &[]).expect_err(path).to_string();
            assert!(problem.contains(path), "{problem}");
        }
    }

    #[test]
    fn a_token_in_a_file_is_for_root() {
        let patch = ("container_patch", r#"{"User":"1000"}"#);
        let problem = config(&json!({}), &[patch])
            .expect_err("a problem")
            .to_string();
        assert!(problem.contains("token_delivery"), "{problem}");
        config(&json!({}), &[patch, ("token_delivery", "env")]).expect("allowed");
    }
}
