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
pub fn parse_environments(
    text: &str,
    scheduler: Option<SchedulerKind>,
) -> Result<Vec<(String, Overrides)>, String> {
    // `members::parse` says what is wrong with a longer text.
    if text.len() <= ENVIRONMENTS_BYTES_MAX && !text.starts_with('{') {
        return Err("is not a JSON object".to_owned());
    }
    let Members(members): Members<Distinct> = members::parse(text, ENVIRONMENTS_BYTES_MAX)?;
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
