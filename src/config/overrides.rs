//! `environments`: the overrides of each environment.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::choosable::Choosable;
use super::ports::ports_of;
use super::secret_owner::secret_owner;
use super::values::{self, SchedulerKind};
use crate::container::{Patch, Resources};
use crate::docker::ImageReference;
use crate::docker::ports::Port;
use crate::environment_id::{canonical, is_id};
use crate::members::{self, Distinct, Members};
use crate::service_url::ServiceUrls;

/// The longest `environments`. Every request parses all of it.
const ENVIRONMENTS_BYTES_MAX: usize = 256 * 1024;

/// The most environments, as many as an Engine runs targets. Every request makes the body
/// of each, which takes 9 MB together with short patches and 200 MB with the longest.
const ENVIRONMENTS_MAX: usize = 1000;

/// The overrides of one environment.
#[derive(Debug, Default)]
pub struct Overrides {
    pub image: Option<ImageReference>,
    pub patch: Option<Patch>,
    pub max_targets: Option<usize>,
    pub max_lifetime: Option<Duration>,
    pub service_urls: Option<ServiceUrls>,
    pub ports: Option<Vec<Port>>,
    pub secret_owner: Option<u32>,
    pub choosable: Choosable,
}

/// Parses `environments`: a JSON object that maps an environmentId to its overrides.
///
/// # Errors
///
/// The first problem, with its path.
pub fn parse_environments(
    text: &str,
    scheduler: Option<SchedulerKind>,
) -> Result<Vec<(String, Overrides)>, String> {
    if text.len() > ENVIRONMENTS_BYTES_MAX {
        return Err(format!(
            "is larger than {} KiB",
            ENVIRONMENTS_BYTES_MAX / 1024
        ));
    }
    if !text.starts_with('{') {
        return Err("is not a JSON object".to_owned());
    }
    let Members(members): Members<Distinct> =
        serde_json::from_str(text).map_err(|error| members::problem(&error))?;
    if members.len() > ENVIRONMENTS_MAX {
        return Err(format!("has more than {ENVIRONMENTS_MAX} environments"));
    }
    let mut known: BTreeMap<String, &str> = BTreeMap::new();
    for (id, _) in &members {
        if !is_id(id) {
            return Err(format!(
                "at {}: not a valid environmentId",
                id.escape_debug()
            ));
        }
        if let Some(first) = known.insert(canonical(id), id) {
            return Err(format!("at {id} and at {first}: these are the same id"));
        }
    }
    let mut environments = Vec::new();
    for (id, Distinct(value)) in members {
        let overrides =
            Overrides::parse(value, scheduler).map_err(|problem| format!("at {id}{problem}"))?;
        environments.push((id, overrides));
    }
    Ok(environments)
}

impl Overrides {
    // Not derived: serde's messages have no path, and they quote values.
    fn parse(value: Value, scheduler: Option<SchedulerKind>) -> Result<Self, String> {
        let Value::Object(object) = value else {
            return Err(" is not an object".to_owned());
        };
        let mut overrides = Self::default();
        for (key, value) in object {
            overrides
                .set(&key, value, scheduler)
                .map_err(|problem| format!(".{key} {problem}"))?;
        }
        Ok(overrides)
    }

    fn set(
        &mut self,
        key: &str,
        value: Value,
        scheduler: Option<SchedulerKind>,
    ) -> Result<(), String> {
        match key {
            "image" => self.image = Some(ImageReference::parse(text(&value)?)?),
            "container_patch" => self.patch = Some(Patch::from_value(value)?),
            "max_targets" => self.max_targets = Some(values::count(value.as_u64(), scheduler)?),
            "max_lifetime" => self.max_lifetime = Some(values::parse_lifetime(text(&value)?)?),
            "service_urls" => self.service_urls = Some(ServiceUrls::parse(text(&value)?)?),
            "ports" => self.ports = Some(ports_of(&value)?),
            "secret_owner" => self.secret_owner = Some(secret_owner(&value)?),
            "allow" => self.choosable.set_members(&value)?,
            "images" => self.choosable.set_images(&value)?,
            "max" => self.choosable.max = Resources::parse(value)?,
            _ => {
                return Err(
                    "is not one of image, container_patch, max_targets, max_lifetime, service_urls, ports, secret_owner, allow, images, max"
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

    use super::super::profile::tests::config;
    use super::*;

    #[test]
    fn a_key_that_is_no_id_and_keys_that_mean_the_same_are_a_problem() {
        let same_uuid =
            r#"{"0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0":{},"0F1E2D3C4B5A69788796A5B4C3D2E1F0":{}}"#;
        let twice = "has a key twice in one object";
        let twice_deep = r#"{"e":{"container_patch":{"HostConfig":{"Memory":1,"Memory":2}}}}"#;
        for (environments, problem) in [
            (r#"{"e":{},"E":{}}"#, "at E and at e: these are the same id"),
            (r#"{"e":{"ports":{}},"e":{}}"#, "at e and at e: these are"),
            (same_uuid, "these are the same id"),
            (r#"{"e":{"max_targets":5,"max_targets":1}}"#, twice),
            (twice_deep, twice),
            (r#"{"":{}}"#, "at : not a valid environmentId"),
            (r#"{" e":{}}"#, "at  e: not a valid environmentId"),
            (r#"{"e\n":{}}"#, "not a valid environmentId"),
        ] {
            let found = parse_environments(environments, None).expect_err(environments);
            assert!(found.contains(problem), "{environments}: {found}");
        }
    }

    #[test]
    fn there_is_a_limit_of_environments() {
        let environments = |count| {
            let ids = (0..count).map(|number| (format!("e{number}"), json!({})));
            Value::Object(ids.collect()).to_string()
        };
        let most = parse_environments(&environments(ENVIRONMENTS_MAX), None);
        assert_eq!(most.expect("environments").len(), ENVIRONMENTS_MAX);
        let more = parse_environments(&environments(ENVIRONMENTS_MAX + 1), None);
        assert_eq!(
            more.expect_err("too many"),
            "has more than 1000 environments"
        );
    }

    #[test]
    fn a_problem_begins_with_its_path() {
        for (of_environment, path) in [
            (json!([]), " is not an object"),
            (json!({"Image": "a"}), ".Image is not one of"),
            (json!({"image": 1}), ".image is not text"),
            (json!({"image": "a b"}), ".image is not an image"),
            (json!({"max_targets": 1001}), ".max_targets"),
            (json!({"max_targets": "1"}), ".max_targets"),
            (json!({"max_lifetime": 60}), ".max_lifetime"),
            (json!({"service_urls": []}), ".service_urls"),
            (json!({"ports": {"ssh": 0}}), ".ports at ssh is not a port"),
            (
                json!({"secret_owner": "a"}),
                ".secret_owner must be a whole number",
            ),
            (json!({"allow": ["image"]}), ".allow must be a list of env"),
            (json!({"images": ["a b"]}), ".images must be a list"),
            (json!({"max": {"memory": 1}}), ".max must be an object"),
            (json!({"container_patch": null}), ".container_patch"),
        ] {
            let environments = json!({"e": of_environment});
            let problem = config(&environments, &[]).expect_err(path).to_string();
            let beginning = format!("environments at e{path}");
            assert!(problem.contains(&beginning), "{problem}");
        }
        let unsafe_patch = json!({"e": {"container_patch": {"HostConfig": {"Privileged": true}}}});
        let problem = config(&unsafe_patch, &[]).expect_err("it is unsafe");
        let beginning = "environments: e.container_patch: HostConfig.Privileged";
        assert!(problem.to_string().contains(beginning), "{problem}");
    }
}
