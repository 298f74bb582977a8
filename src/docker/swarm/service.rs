//! `/services` (Engine API, ServiceCreate, ServiceList and ServiceDelete).

use std::collections::BTreeMap;
use std::time::Duration;

use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::{TOO_LONG, label, own_labels, service_id};
use crate::docker::call::{CHANGE, Call};
use crate::docker::create::Outcome;
use crate::docker::part::Part;
use crate::docker::target::seconds;
use crate::docker::{
    ContainerName, DeploymentId, Reply, TargetId, bodiless, json as with_json, unix_time,
    with_registry_auth,
};
use crate::fault::Fault;
use crate::secret::Secret;

/// A service as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "ServiceBody")]
pub struct Service {
    pub(crate) id: TargetId,
    pub(crate) name: String,
    /// The server's own labels.
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) image: String,
    /// How many tasks it should have.
    pub(crate) replicas: u64,
    /// When it was created, in seconds of Unix time, by the clock of the leader at that
    /// time.
    pub(crate) created: i64,
}

impl Service {
    /// Whether some caller may have heard that its target runs.
    pub fn is_vouched(&self) -> bool {
        self.labels
            .get(label::VOUCHED)
            .is_some_and(|it| it == "true")
    }

    /// Whether its start was withdrawn.
    pub fn is_fenced(&self) -> bool {
        self.labels.contains_key(label::FENCED)
    }

    /// The age up to which a renewal lets it run; zero if it has none.
    pub fn renewed(&self) -> Duration {
        seconds(&self.labels, label::RENEWED).unwrap_or_default()
    }
}

/// Makes a service from a body of ServiceCreate, with the credentials for the image's
/// registry, which a Swarm keeps in its log and gives to the nodes.
///
/// After a failure the service may exist, unless the fault is without effect.
pub fn create(body: &Value, auth: Option<&Secret>) -> Call<Outcome> {
    let request = with_registry_auth(with_json(Method::POST, "/services/create", body), auth);
    Call::change("create", request, CHANGE, created)
}

fn created(reply: &Reply) -> Result<Outcome, Fault> {
    match reply.status() {
        201 => {
            let id = TargetId::of_service(&reply.text("ID")?);
            Ok(Outcome::Created {
                id: id.ok_or_else(|| reply.lacks("ID"))?,
                warnings: Vec::new(),
            })
        }
        _ => Outcome::refused(reply),
    }
}

/// A list of services, and more from the same reply.
#[derive(Debug)]
pub struct Listing {
    pub(crate) services: Vec<Service>,
    /// The time of the manager that answered, if the reply has it.
    pub(crate) now: Option<OffsetDateTime>,
    /// The Engine's name and version, if the reply has them.
    pub(crate) engine: Option<String>,
}

/// Lists the services of a part of a deployment.
pub fn of_deployment(deployment: &DeploymentId, part: &Part) -> Call<Listing> {
    list(&part.filter(deployment, &[], ""), |_| true)
}

/// Lists the services without a vouch: see [`label::VOUCHED`]. These are the starts in
/// progress and, for some minutes, failed ones.
pub fn unvouched(deployment: &DeploymentId, part: &Part) -> Call<Listing> {
    let filter = part.filter(deployment, &[(label::VOUCHED, "false")], "");
    list(&filter, |_| true)
}

/// Finds the service with this name. The filter also matches prefixes.
pub fn find_by_name(name: &ContainerName) -> Call<Listing> {
    let filter = json!({"name": [name.as_str()]});
    let name = name.as_str().to_owned();
    list(&filter, move |service| service.name == name)
}

/// Finds the service with this id. The filter also matches prefixes.
pub fn find_by_id(id: &TargetId) -> Call<Listing> {
    let filter = json!({"id": [id.as_str()]});
    let id = id.clone();
    list(&filter, move |service| service.id == id)
}

fn list(filter: &Value, is_meant: impl Fn(&Service) -> bool + 'static) -> Call<Listing> {
    Call::list("services", "/services?", filter, move |reply| {
        let mut services: Vec<Service> = reply.listed()?;
        services.retain(&is_meant);
        Ok(Listing {
            services,
            now: reply.date(),
            engine: reply.engine(),
        })
    })
    .if_too_long(TOO_LONG)
}

/// Deletes a service; `false` if it was already gone. The reply says nothing about its
/// tasks, which end later.
pub fn delete(id: &TargetId) -> Call<bool> {
    let path = format!("/services/{}", id.as_str());
    let request = bodiless(Method::DELETE, &path);
    Call::change("delete", request, CHANGE, |reply| match reply.status() {
        200 if reply.body().is_empty() => Ok(true),
        404 if reply.is_engines() => Ok(false),
        _ => Err(reply.fault()),
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ServiceBody {
    #[serde(rename = "ID", deserialize_with = "service_id")]
    id: TargetId,
    #[serde(deserialize_with = "unix_time")]
    created_at: i64,
    spec: Spec,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Spec {
    name: String,
    labels: Option<BTreeMap<String, String>>,
    task_template: TaskTemplate,
    // Only a foreign service is not replicated.
    mode: Value,
}

// A foreign service may have no container, and another mode.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TaskTemplate {
    container_spec: Option<ContainerSpec>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ContainerSpec {
    #[serde(default)]
    image: String,
}

impl From<ServiceBody> for Service {
    fn from(body: ServiceBody) -> Self {
        let container = body.spec.task_template.container_spec;
        let replicas = body.spec.mode["Replicated"]["Replicas"].as_u64();
        Self {
            id: body.id,
            name: body.spec.name,
            labels: own_labels(body.spec.labels),
            image: container.map(|it| it.image).unwrap_or_default(),
            replicas: replicas.unwrap_or(0),
            created: body.created_at,
        }
    }
}

#[cfg(test)]
pub(in crate::docker) mod tests {
    use super::*;
    use crate::docker::reply::tests::reply;

    pub(in crate::docker) const ID: &str = "0123456789abcdefghijklmno";

    pub(in crate::docker) fn id() -> TargetId {
        TargetId::of_service(ID).expect("an id")
    }

    pub(in crate::docker) fn shown() -> Value {
        json!({
            "ID": ID,
            "Version": {"Index": 42},
            "CreatedAt": "2026-11-23T01:00:00.123456789Z",
            "Spec": {
                "Name": "da-1",
                "Labels": {"dynamic-access.name": "da-1"},
                "TaskTemplate": {
                    "ContainerSpec": {"Image": "agent", "Isolation": null},
                    "RestartPolicy": {"Condition": "none"},
                },
                "Mode": {"Replicated": {"Replicas": 1}},
            },
        })
    }

    #[test]
    fn a_list_keeps_what_was_asked_for_alone() {
        let mut longer = shown();
        longer["ID"] = "1123456789abcdefghijklmno".into();
        longer["Spec"]["Name"] = "da-11".into();
        // A foreign service may have no replicas, labels or container.
        longer["Spec"]["Labels"] = Value::Null;
        longer["Spec"]["Mode"] = json!({"Global": {}});
        longer["Spec"]["TaskTemplate"] = json!({});
        let both = reply(200, &json!([shown(), longer]).to_string());
        let found = find_by_id(&id()).read(&both).expect("a list").services;
        assert_eq!((found.len(), &found[0].id), (1, &id()));
        let deployment = DeploymentId::parse("da").expect("an id");
        let all = of_deployment(&deployment, &Part::whole());
        assert_eq!(all.read(&both).expect("a list").services.len(), 2);
    }
}
