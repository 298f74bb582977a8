//! `/volumes` (Engine API, VolumeCreate, VolumeList and VolumeDelete).
//!
//! The *name* of a renewal's volume holds all of its data, because a create with a taken
//! name succeeds too, and leaves the volume as it was. Its label names the deployment.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::call::{CHANGE, Call};
use super::part::Part;
use super::target::age;
use super::{DeploymentId, Reply, TargetId, bodiless, json as with_json, label, unix_seconds};
use crate::fault::Fault;

/// The age at which every list has a renewal, and those that it replaces may be removed.
/// A list takes five seconds at most ([`LOOK`](super::call::LOOK)); the rest is for
/// suspended machines and clocks that are set.
const SETTLED_AFTER: Duration = Duration::from_secs(120);

/// A renewal of a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renewal {
    pub(crate) target: TargetId,
    /// The age up to which the container may run, in whole seconds.
    pub(crate) lifetime: Duration,
    /// How long ago the renewal was written, by the Engine's own clock, exact to a
    /// second; zero if the reply does not show it.
    pub(crate) age: Duration,
}

impl Renewal {
    /// A renewal to write.
    pub fn new(target: TargetId, lifetime: Duration) -> Self {
        Self {
            target,
            lifetime,
            age: Duration::ZERO,
        }
    }

    /// Whether nothing needs it any more, because every list has a longer one.
    pub fn is_replaced(&self, all: &[Self]) -> bool {
        all.iter().any(|other| {
            other.lifetime > self.lifetime
                && other.age >= SETTLED_AFTER
                && other.target == self.target
        })
    }

    /// The name of its volume, 97 characters at most.
    fn name(&self, deployment: &DeploymentId) -> String {
        let (deployment, id) = (deployment.as_str(), self.target.as_str());
        format!("{deployment}-{id}-{}", self.lifetime.as_secs())
    }

    /// Reads a renewal of a deployment; `None` for any other volume.
    fn of_volume(
        volume: &Value,
        deployment: &DeploymentId,
        now: Option<OffsetDateTime>,
    ) -> Option<Self> {
        let name = volume["Name"].as_str()?;
        let rest = name.strip_prefix(deployment.as_str())?.strip_prefix('-')?;
        let (id, seconds) = rest.split_once('-')?;
        let written = volume["CreatedAt"].as_str().and_then(unix_seconds);
        // An Engine that cannot tell the time of a volume shows the year 1.
        let written = written.filter(|written| *written > 0).zip(now);
        let renewal = Self {
            target: TargetId::of_container(id)?,
            lifetime: Duration::from_secs(seconds.parse().ok()?),
            age: written.map_or(Duration::ZERO, |(written, now)| age(written, now)),
        };
        let is_ours = volume["Labels"][label::DEPLOYMENT] == deployment.as_str();
        // Numbers have other spellings, such as +60.
        (is_ours && renewal.name(deployment) == name).then_some(renewal)
    }
}

/// Writes a renewal, or finds it written, and returns the time by the Engine's clock.
pub fn create(deployment: &DeploymentId, renewal: &Renewal) -> Call<OffsetDateTime> {
    let body = json!({
        "Name": renewal.name(deployment),
        "Labels": {label::DEPLOYMENT: deployment.as_str()},
    });
    let (deployment, renewal) = (deployment.clone(), renewal.clone());
    let request = with_json(Method::POST, "/volumes/create", &body);
    Call::change("create-volume", request, CHANGE, move |reply| {
        if reply.status() != 201 {
            return Err(reply.fault());
        }
        let found = Renewal::of_volume(&reply.json()?, &deployment, None);
        // Somebody else's volume has the name.
        if found.as_ref() != Some(&renewal) {
            return Err(Fault::Nonsense("another volume than asked for".to_owned()));
        }
        reply.date().ok_or_else(|| reply.lacks("Date"))
    })
}

/// Lists the renewals of a deployment.
pub fn list(deployment: &DeploymentId) -> Call<Vec<Renewal>> {
    let filter = Part::whole().filter(deployment, &[], "");
    let deployment = deployment.clone();
    Call::list("list-volumes", "/volumes?", &filter, move |reply| {
        listed(reply, &deployment)
    })
    .if_too_long("remove the volumes that have the deployment's label and are not the server's")
}

fn listed(reply: &Reply, deployment: &DeploymentId) -> Result<Vec<Renewal>, Fault> {
    let list: Value = reply.listed()?;
    let volumes = match list.get("Volumes") {
        Some(Value::Array(volumes)) => &volumes[..],
        // Some Engines send this instead of an empty list.
        Some(Value::Null) => &[],
        _ => return Err(reply.lacks("Volumes")),
    };
    let renewals = volumes.iter();
    let now = reply.date();
    let renewals = renewals.filter_map(|volume| Renewal::of_volume(volume, deployment, now));
    Ok(renewals.collect())
}

/// Removes a renewal, or finds it removed.
pub fn remove(deployment: &DeploymentId, renewal: &Renewal) -> Call<()> {
    let path = format!("/volumes/{}", renewal.name(deployment));
    let request = bodiless(Method::DELETE, &path);
    Call::change("remove-volume", request, CHANGE, Reply::done_or_absent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::docker::reply::tests::dated;
    use crate::docker::target::tests::{ID, id};

    fn deployment() -> DeploymentId {
        DeploymentId::parse("da").expect("an id")
    }

    fn renewal() -> Renewal {
        Renewal::new(id(), Duration::from_secs(3600))
    }

    fn volume(name: &str, deployment: &str) -> Value {
        json!({"Name": name, "Driver": "local", "Labels": {label::DEPLOYMENT: deployment}})
    }

    #[test]
    fn a_renewal_is_a_name_and_a_label() {
        let name = format!("da-{ID}-3600");
        let call = create(&deployment(), &renewal());
        let body: Value = serde_json::from_slice(call.request.body()).expect("JSON");
        let labels = json!({"dynamic-access.deployment": "da"});
        assert_eq!(body, json!({"Name": name, "Labels": labels}));
        let read = |volume: Value, date| call.read(&dated(201, &volume.to_string(), date));
        let date = Some("Mon, 23 Nov 2026 01:01:01 GMT");
        let written = read(volume(&name, "da"), date).expect("it is written");
        assert_eq!(written.unix_timestamp(), 1_795_395_661);
        read(volume(&name, "da"), None).expect_err("without a date");
        // Somebody else's volume does not count.
        read(volume(&name, "db"), date).expect_err("another deployment's");
        read(json!({"Name": name, "Labels": null}), date).expect_err("unlabelled");
        read(volume(&format!("da-{ID}-60"), "da"), date).expect_err("another");
    }

    #[test]
    fn only_volumes_with_the_label_and_a_right_name_are_renewals() {
        let list = |volumes: Value| {
            let body = json!({"Volumes": volumes}).to_string();
            let listed = list(&deployment()).read(&dated(200, &body, None));
            listed.expect("a list")
        };
        assert_eq!(list(Value::Null), []);
        let right = format!("da-{ID}-3600");
        // Without the Engine's time, a renewal is as old as a new one.
        let mut written = volume(&right, "da");
        written["CreatedAt"] = "2026-11-23T01:00:01Z".into();
        assert_eq!(list(json!([written])), [renewal()]);
        let others = volume(&right, "db");
        assert_eq!(list(json!([others, {"Name": right}])), []);
        for name in [
            "da-ID-+3600",
            "da-ID-03600",
            "da-ID-",
            "da-ID",
            "da-ID-3600-",
        ]
        .into_iter()
        .chain(["da-0ID-3600", "db-ID-3600", "ID-3600", "ID"])
        {
            let name = name.replace("ID", ID);
            assert_eq!(list(json!([volume(&name, "da")])), [], "{name}");
        }
    }
}
