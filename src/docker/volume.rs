//! `/volumes` (Engine API, VolumeCreate, VolumeList and VolumeDelete).
//!
//! The labels of a container cannot change, so a renewal is a volume that nothing mounts.
//! Its *name* holds all of its data, because a create with a taken name succeeds too, and
//! leaves the volume as it was. Its label names the deployment.
//!
//! A list of volumes is no snapshot: volumes may come and go while an Engine makes it. It
//! can lack both a volume that was just created and one that was removed after that.

use http::{Method, StatusCode};
use serde_json::{Value, json};
use std::time::Duration;
use time::OffsetDateTime;

use super::call::{CHANGE, Call};
use super::target::age;
use super::{
    DeploymentId, Reply, TargetId, bodiless, json as with_json, label, moment, query_encoded,
};
use crate::fault::Fault;

/// The age at which every list has a renewal, and those that it replaces may be removed.
/// A list takes five seconds at most ([`LOOK`](super::call::LOOK)); the rest is for
/// suspended machines and clocks that are set.
pub const SETTLED_AFTER: Duration = Duration::from_secs(120);

/// A renewal of a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renewal {
    /// The id of the container.
    pub target: TargetId,
    /// The age up to which the container may run, in whole seconds.
    pub lifetime: Duration,
    /// How long ago the renewal was written, by the Engine's own clock, exact to a
    /// second; zero if the reply does not show it.
    pub age: Duration,
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
        let written = volume["CreatedAt"].as_str().and_then(moment);
        // An Engine that cannot tell the time of a volume shows the year 1.
        let written = written
            .filter(|written| written.unix_timestamp() > 0)
            .zip(now);
        let renewal = Self {
            target: TargetId::of_container(id)?,
            lifetime: Duration::from_secs(seconds.parse().ok()?),
            age: written
                .map(|(written, now)| age(written.unix_timestamp(), now))
                .unwrap_or_default(),
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
        if reply.status() != StatusCode::CREATED {
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
    let filters = label::filter_of(deployment).to_string();
    let path = format!("/volumes?filters={}", query_encoded(&filters));
    let deployment = deployment.clone();
    Call::look("list-volumes", bodiless(Method::GET, &path), move |reply| {
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
    Call::change("remove-volume", request, CHANGE, |reply| {
        match reply.status() {
            204 => Ok(()),
            404 if reply.is_engines(StatusCode::NOT_FOUND) => Ok(()),
            _ => Err(reply.fault()),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::docker::reply::tests::{dated, reply};
    use crate::docker::target::tests::{ID, id};

    const DATE: &str = "Mon, 23 Nov 2026 01:01:01 GMT";

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
        let request = create(&deployment(), &renewal()).request;
        let body: Value = serde_json::from_slice(request.body()).expect("JSON");
        let name = format!("da-{ID}-3600");
        let labels = json!({"dynamic-access.deployment": "da"});
        assert_eq!(body, json!({"Name": name, "Labels": labels}));
        let path = remove(&deployment(), &renewal()).request.uri().to_string();
        assert_eq!(path, format!("/volumes/{name}"));
    }

    #[test]
    fn a_written_renewal_is_read_back_with_the_engines_time() {
        let written = |volume: Value, date| {
            let reply = dated(201, &volume.to_string(), date);
            create(&deployment(), &renewal()).read(&reply)
        };
        let name = format!("da-{ID}-3600");
        let at = written(volume(&name, "da"), Some(DATE)).expect("it is written");
        assert_eq!(at.unix_timestamp(), 1_795_395_661);
        // Somebody else's volume with this name does not count, nor does a reply without
        // a time.
        written(volume(&name, "db"), Some(DATE)).expect_err("another deployment's");
        written(json!({"Name": name, "Labels": null}), Some(DATE)).expect_err("unlabelled");
        written(volume(&format!("da-{ID}-60"), "da"), Some(DATE)).expect_err("another");
        written(volume(&name, "da"), None).expect_err("without a date");
        let failed = reply(500, r#"{"message":"m"}"#);
        create(&deployment(), &renewal())
            .read(&failed)
            .expect_err("a failure");
    }

    #[test]
    fn only_volumes_with_the_label_and_a_right_name_are_renewals() {
        let list = |volumes: Value| {
            let body = json!({"Volumes": volumes, "Warnings": null}).to_string();
            let listed = list(&deployment()).read(&reply(200, &body));
            listed.expect("a list")
        };
        assert_eq!(list(Value::Null), []);
        assert_eq!(list(json!([])), []);
        let right = format!("da-{ID}-3600");
        assert_eq!(list(json!([volume(&right, "da")])), [renewal()]);
        for name in [
            format!("da-{ID}-+3600"),
            format!("da-{ID}-03600"),
            format!("da-{ID}-"),
            format!("da-{ID}"),
            format!("da-{ID}-3600-"),
            format!("da-{}-3600", &ID[1..]),
            format!("db-{ID}-3600"),
            format!("{ID}-3600"),
            ID.to_owned(),
        ] {
            assert_eq!(list(json!([volume(&name, "da")])), [], "{name}");
        }
        let others = volume(&right, "db");
        assert_eq!(list(json!([others, {"Name": right}])), []);
    }

    #[test]
    fn a_list_tells_how_old_a_renewal_is() {
        let seconds = |written: Value, date| {
            let mut volume = volume(&format!("da-{ID}-3600"), "da");
            volume["CreatedAt"] = written;
            let body = json!({"Volumes": [volume]}).to_string();
            let listed = list(&deployment()).read(&dated(200, &body, date));
            listed.expect("a list")[0].age.as_secs()
        };
        // Docker gives the time in its own zone, Podman with a fraction.
        for (written, age) in [
            ("2026-11-23T01:00:01Z", 60),
            ("2026-11-23T02:00:01.123456789+01:00", 60),
            ("2026-11-23T01:01:02Z", 0),
            ("yesterday", 0),
            ("0001-01-01T00:00:00Z", 0),
        ] {
            assert_eq!(seconds(written.into(), Some(DATE)), age, "{written}");
        }
        assert_eq!(seconds(Value::Null, Some(DATE)), 0);
        assert_eq!(seconds("2026-11-23T01:00:01Z".into(), None), 0);
    }

    #[test]
    fn what_is_no_list_of_volumes_is_a_fault() {
        for (status, body) in [
            (200, ""),
            (200, "{}"),
            (200, "[]"),
            (200, r#"{"Volumes":{}}"#),
            (404, r#"{"message":"m"}"#),
            (500, r#"{"message":"m"}"#),
        ] {
            list(&deployment())
                .read(&reply(status, body))
                .expect_err(body);
        }
    }

    #[test]
    fn a_renewal_that_is_gone_counts_as_removed() {
        let call = remove(&deployment(), &renewal());
        call.read(&reply(204, "")).expect("it is removed");
        let gone = reply(404, r#"{"message":"no such volume"}"#);
        call.read(&gone).expect("it was removed");
        for (status, body) in [(404, "<html>"), (409, r#"{"message":"in use"}"#), (200, "")] {
            call.read(&reply(status, body)).expect_err(body);
        }
    }
}
