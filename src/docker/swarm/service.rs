//! `/services` (Engine API, ServiceCreate, ServiceList, ServiceInspect, ServiceUpdate
//! and ServiceDelete).
//!
//! A Swarm gives a name to one service at a time, whichever manager is asked. A name is
//! free again as soon as its service is deleted. An update names the version that it was
//! made from: a Swarm refuses the second of two updates from one version.

use std::collections::BTreeMap;
use std::time::Duration;

use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::{Part, TOO_LONG, label, moment, own_labels, template};
use crate::docker::call::{CHANGE, Call};
use crate::docker::create::{Outcome, name_taken};
use crate::docker::target::seconds;
use crate::docker::{
    ContainerName, DeploymentId, Reply, TargetId, bodiless, json as with_json, query_encoded,
    with_registry_auth,
};
use crate::fault::Fault;
use crate::secret::Secret;

/// A service as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Its id.
    pub id: TargetId,
    /// Its name.
    pub name: String,
    /// The server's own labels.
    pub labels: BTreeMap<String, String>,
    /// The image of its tasks.
    pub image: String,
    /// How many tasks it should have.
    pub replicas: u64,
    /// When it was created, in seconds of Unix time, by the clock of the leader at that
    /// time.
    pub created: i64,
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

/// A service with everything that an update needs.
#[derive(Debug, Clone)]
pub struct Versioned {
    /// The service.
    pub service: Service,
    version: u64,
    spec: Value,
}

/// A file with a secret in a service's containers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretReference {
    /// The id of the secret.
    pub id: String,
    /// The name of the secret.
    pub name: String,
    /// The path of the file.
    pub path: String,
    /// The id of the user who may read it.
    pub owner: u32,
}

impl Versioned {
    /// The template of its task.
    pub fn template(&self) -> &Value {
        &self.spec["TaskTemplate"]
    }

    /// Checks that a manager shows the service as it was started. If the manager left
    /// something out, an update would change it, and the Swarm would replace the task. A
    /// service of an earlier version of this server passes.
    ///
    /// # Errors
    ///
    /// [`Fault::Altered`].
    pub fn check_whole(&self) -> Result<(), Fault> {
        let started = self.service.labels.get(label::TEMPLATE);
        match started.is_none_or(|digest| *digest == template::digest(&self.spec)) {
            true => Ok(()),
            false => Err(Fault::Altered(
                "a manager shows the service otherwise than it was started".to_owned(),
            )),
        }
    }

    /// Checks that a manager shows the whole template in a body of ServiceCreate.
    ///
    /// # Errors
    ///
    /// [`Fault::Altered`], which names the missing option.
    pub fn check_has_all_of(&self, body: &Value) -> Result<(), Fault> {
        match template::missing(&body["TaskTemplate"], self.template()) {
            None => Ok(()),
            Some(path) => Err(Fault::Altered(format!(
                "a manager has left {path} out of the service"
            ))),
        }
    }

    /// The update with which a Swarm runs a task with these secrets, on none of the nodes
    /// in `avoid`.
    pub fn start(
        mut self,
        secrets: &[SecretReference],
        avoid: &[String],
        auth: Option<&Secret>,
    ) -> Call<Updated> {
        let files = secrets.iter().map(|secret| {
            json!({
                "File": {
                    "Name": secret.path,
                    "UID": secret.owner.to_string(),
                    "GID": "0",
                    "Mode": 0o400,
                },
                "SecretID": secret.id,
                "SecretName": secret.name,
            })
        });
        if !secrets.is_empty() {
            self.spec["TaskTemplate"]["ContainerSpec"]["Secrets"] = files.collect();
        }
        if !avoid.is_empty() {
            let placement = &mut self.spec["TaskTemplate"]["Placement"]["Constraints"];
            let own = placement.as_array().cloned().unwrap_or_default();
            let others = avoid.iter().map(|node| format!("node.id!={node}").into());
            *placement = own.into_iter().chain(others).collect();
        }
        let digest = template::digest(&self.spec);
        self.spec["Labels"][label::TEMPLATE] = digest.into();
        self.scaled_to(1).update(auth)
    }

    /// The update that vouches for the target: a caller may hear that it runs.
    pub fn vouch(self) -> Call<Updated> {
        self.labelled(label::VOUCHED, "true").update(None)
    }

    /// The update that records up to which age the target may run.
    pub fn renew(self, lifetime: Duration) -> Call<Updated> {
        let seconds = lifetime.as_secs().to_string();
        self.labelled(label::RENEWED, &seconds).update(None)
    }

    /// The update that takes the task back and prevents every later start.
    pub fn fence(self) -> Call<Updated> {
        let fenced = self.labelled(label::FENCED, "true");
        fenced.scaled_to(0).update(None)
    }

    fn scaled_to(mut self, replicas: u64) -> Self {
        self.spec["Mode"] = json!({"Replicated": {"Replicas": replicas}});
        self
    }

    fn labelled(mut self, label: &str, value: &str) -> Self {
        self.spec["Labels"][label] = value.into();
        self
    }

    /// The credentials of the last update stay unless there are new ones.
    fn update(self, auth: Option<&Secret>) -> Call<Updated> {
        let id = self.service.id.as_str();
        let path = format!("/services/{id}/update?version={}", self.version);
        let request = with_registry_auth(with_json(Method::POST, &path, &self.spec), auth);
        Call::change("update", request, CHANGE, updated)
    }
}

/// The outcome of an update that a Swarm understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Updated {
    /// It took effect.
    Done,
    /// Another update came after the version that this one was made from.
    OutOfSequence,
    /// The service is gone.
    Gone,
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
            let body: Value = reply.json()?;
            let id = body["ID"].as_str().and_then(TargetId::of_service);
            Ok(Outcome::Created {
                id: id.ok_or_else(|| reply.lacks("ID"))?,
                warnings: Vec::new(),
            })
        }
        409 if reply.is_engines(StatusCode::CONFLICT) => Ok(name_taken(reply)),
        400.. => match reply.missing_network() {
            Some(network) => Ok(Outcome::NoSuchNetwork(network)),
            None => Err(reply.fault()),
        },
        _ => Err(reply.fault()),
    }
}

/// A list of services, and more from the same reply.
#[derive(Debug)]
pub struct Listing {
    /// The services.
    pub services: Vec<Service>,
    /// The time of the manager that answered, if the reply has it.
    pub now: Option<OffsetDateTime>,
    /// The Engine's name and version, if the reply has them.
    pub engine: Option<String>,
}

/// Lists the services of a part of a deployment.
pub fn of_deployment(deployment: &DeploymentId, part: &Part) -> Call<Listing> {
    list(&super::of_deployment(deployment, part, &[]), Some)
}

/// Lists the services without a vouch: see [`label::VOUCHED`]. These are the starts in
/// progress and, for some minutes, failed ones.
pub fn unvouched(deployment: &DeploymentId, part: &Part) -> Call<Listing> {
    let unvouched = [(label::VOUCHED, "false")];
    list(&super::of_deployment(deployment, part, &unvouched), Some)
}

/// Finds the service with this name. The filter also matches prefixes.
pub fn find_by_name(name: &ContainerName) -> Call<Listing> {
    let filter = json!({"name": [name.as_str()]});
    let name = name.as_str().to_owned();
    list(&filter, move |service| {
        (service.name == name).then_some(service)
    })
}

/// Finds the service with this id. The filter also matches prefixes.
pub fn find_by_id(id: &TargetId) -> Call<Listing> {
    let filter = json!({"id": [id.as_str()]});
    let id = id.clone();
    list(&filter, move |service| {
        (service.id == id).then_some(service)
    })
}

fn list(filter: &Value, select: impl Fn(Service) -> Option<Service> + 'static) -> Call<Listing> {
    let path = format!("/services?filters={}", query_encoded(&filter.to_string()));
    Call::look("services", bodiless(Method::GET, &path), move |reply| {
        let listed: Vec<ServiceBody> = reply.listed()?;
        let services = listed.into_iter().map(Service::from_body);
        let services = services.filter_map(|service| service.map(&select).transpose());
        Ok(Listing {
            services: services.collect::<Result<_, _>>()?,
            now: reply.date(),
            engine: reply.engine(),
        })
    })
    .if_too_long(TOO_LONG)
}

/// Reads a service to update it; `None` if it is gone.
pub fn inspect(id: &TargetId) -> Call<Option<Versioned>> {
    let path = format!("/services/{}", id.as_str());
    let id = id.clone();
    Call::look("service", bodiless(Method::GET, &path), move |reply| {
        match reply.status() {
            200 => {
                let service = Service::from_body(reply.json()?)?;
                let body: Value = reply.json()?;
                let version = body["Version"]["Index"].as_u64();
                // The path also accepts a name or a prefix of an id.
                if service.id != id {
                    return Err(Fault::Nonsense("another service than asked for".to_owned()));
                }
                Ok(Some(Versioned {
                    service,
                    version: version.ok_or_else(|| reply.lacks("Version"))?,
                    spec: without_nulls(&body["Spec"]),
                }))
            }
            404 if reply.is_engines(StatusCode::NOT_FOUND) => Ok(None),
            _ => Err(reply.fault()),
        }
    })
}

/// A spec without null members, which a Swarm treats as absent.
fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(members) => members
            .iter()
            .filter(|(_, member)| !member.is_null())
            .map(|(key, member)| (key.clone(), without_nulls(member)))
            .collect(),
        Value::Array(entries) => entries.iter().map(without_nulls).collect(),
        other => other.clone(),
    }
}

fn updated(reply: &Reply) -> Result<Updated, Fault> {
    match reply.status() {
        200 => reply.json::<Value>().map(|_| Updated::Done),
        404 if reply.is_engines(StatusCode::NOT_FOUND) => Ok(Updated::Gone),
        _ if is_out_of_sequence(reply) => Ok(Updated::OutOfSequence),
        _ => Err(reply.fault()),
    }
}

/// "rpc error: code = Unknown desc = update out of sequence", with status 500.
fn is_out_of_sequence(reply: &Reply) -> bool {
    let message = reply.message().unwrap_or_default();
    message.contains("update out of sequence")
}

/// Deletes a service; `false` if it was already gone. The reply says nothing about its
/// tasks, which end later.
pub fn delete(id: &TargetId) -> Call<bool> {
    let path = format!("/services/{}", id.as_str());
    let request = bodiless(Method::DELETE, &path);
    Call::change("delete", request, CHANGE, |reply| match reply.status() {
        200 if reply.body().is_empty() => Ok(true),
        404 if reply.is_engines(StatusCode::NOT_FOUND) => Ok(false),
        _ => Err(reply.fault()),
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ServiceBody {
    #[serde(rename = "ID")]
    id: String,
    created_at: String,
    spec: Spec,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Spec {
    name: String,
    labels: Option<BTreeMap<String, String>>,
    task_template: TaskTemplate,
    mode: Mode,
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

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Mode {
    replicated: Option<Replicated>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Replicated {
    replicas: Option<u64>,
}

impl Service {
    fn from_body(body: ServiceBody) -> Result<Self, Fault> {
        let id = TargetId::of_service(&body.id);
        let created = moment(&body.created_at);
        let nonsense = |what: &str| Fault::Nonsense(format!("a service without {what}"));
        let container = body.spec.task_template.container_spec;
        Ok(Self {
            id: id.ok_or_else(|| nonsense("an id"))?,
            name: body.spec.name,
            labels: own_labels(body.spec.labels),
            image: container
                .map(|container| container.image)
                .unwrap_or_default(),
            replicas: body
                .spec
                .mode
                .replicated
                .and_then(|mode| mode.replicas)
                .unwrap_or(0),
            created: created
                .ok_or_else(|| nonsense("a time of creation"))?
                .unix_timestamp(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::docker::reply::tests::{dated, reply};

    const ID: &str = "0123456789abcdefghijklmno";

    fn id() -> TargetId {
        TargetId::of_service(ID).expect("an id")
    }

    fn shown() -> Value {
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

    fn versioned() -> Versioned {
        let found = inspect(&id()).read(&reply(200, &shown().to_string()));
        found.expect("a service").expect("it is there")
    }

    fn body(call: &Call<Updated>) -> Value {
        serde_json::from_slice(call.request.body()).expect("JSON")
    }

    #[test]
    fn a_create_gives_the_id_of_a_service() {
        let auth = Secret::new("planted");
        let call = create(&json!({"Name": "da-1"}), Some(&auth));
        assert_eq!(call.request.method(), Method::POST);
        assert_eq!(call.request.uri().to_string(), "/services/create");
        let header = &call.request.headers()["x-registry-auth"];
        assert!(header.is_sensitive() && header == "planted");
        let made = call.read(&reply(
            201,
            &json!({"ID": ID, "Warnings": null}).to_string(),
        ));
        let warnings = Vec::new();
        assert_eq!(made, Ok(Outcome::Created { id: id(), warnings }));
        let taken = r#"{"message":"rpc error: code = AlreadyExists desc = name conflicts"}"#;
        let words = "rpc error: code = AlreadyExists desc = name conflicts".to_owned();
        assert_eq!(call.read(&reply(409, taken)), Ok(Outcome::NameTaken(words)));
        let lost = r#"{"message":"network targets not found"}"#;
        let outcome = Outcome::NoSuchNetwork("targets".to_owned());
        assert_eq!(call.read(&reply(404, lost)), Ok(outcome));
        for (status, body) in [
            (201, "{}"),
            (201, r#"{"ID":"short"}"#),
            (200, ""),
            (409, "<html>"),
            (400, r#"{"message":"invalid"}"#),
            (503, r#"{"message":"The swarm does not have a leader"}"#),
        ] {
            call.read(&reply(status, body)).expect_err(body);
        }
    }

    #[test]
    fn an_update_names_its_version_and_changes_what_it_is_for() {
        let reference = SecretReference {
            id: "s".to_owned(),
            name: "n".to_owned(),
            path: "/run/f".to_owned(),
            owner: 1000,
        };
        let start = versioned().start(&[reference], &[], None);
        let path = format!("/services/{ID}/update?version=42");
        assert_eq!(start.request.uri().to_string(), path);
        assert!(!start.request.headers().contains_key("x-registry-auth"));
        let mut expected = shown()["Spec"].clone();
        expected["TaskTemplate"]["ContainerSpec"] = json!({
            "Image": "agent",
            "Secrets": [{
                "File": {"Name": "/run/f", "UID": "1000", "GID": "0", "Mode": 256},
                "SecretID": "s",
                "SecretName": "n",
            }],
        });
        expected["Labels"]["dynamic-access.template"] = template::digest(&expected).into();
        assert_eq!(body(&start), expected);
        let elsewhere = versioned().start(&[], &["n".to_owned()], None);
        let placement = &body(&elsewhere)["TaskTemplate"]["Placement"];
        assert_eq!(*placement, json!({"Constraints": ["node.id!=n"]}));
        let fence = body(&versioned().fence());
        assert_eq!(fence["Mode"]["Replicated"]["Replicas"], 0);
        assert_eq!(fence["Labels"]["dynamic-access.fenced"], "true");
        let vouch = body(&versioned().vouch());
        assert_eq!(vouch["Mode"]["Replicated"]["Replicas"], 1);
        assert_eq!(vouch["Labels"]["dynamic-access.vouched"], "true");
        assert_eq!(vouch["Labels"]["dynamic-access.name"], "da-1");
    }

    #[test]
    fn a_later_version_is_told_from_other_failures() {
        let read = |status, body| versioned().fence().read(&reply(status, body));
        assert_eq!(read(200, r#"{"Warnings":null}"#), Ok(Updated::Done));
        let late = r#"{"message":"rpc error: code = Unknown desc = update out of sequence"}"#;
        assert_eq!(read(500, late), Ok(Updated::OutOfSequence));
        let gone = r#"{"message":"service x not found"}"#;
        assert_eq!(read(404, gone), Ok(Updated::Gone));
        for (status, body) in [
            (404, "<html>"),
            (200, "<html>"),
            (500, r#"{"message":"m"}"#),
        ] {
            read(status, body).expect_err(body);
        }
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
        let both = json!([shown(), longer]).to_string();
        let date = Some("Mon, 23 Nov 2026 01:01:01 GMT");
        let found = find_by_id(&id()).read(&dated(200, &both, date));
        let found = found.expect("a list");
        assert_eq!(found.services.len(), 1);
        assert_eq!(found.services[0].id, id());
        assert!(found.now.is_some());
        let deployment = DeploymentId::parse("da").expect("an id");
        let part = &Part::whole().parts()[7].parts()[15];
        let all = unvouched(&deployment, part);
        let query = all.request.uri().query().expect("filters").to_owned();
        let query = percent_encoding::percent_decode_str(&query).decode_utf8_lossy();
        assert_eq!(
            query,
            r#"filters={"label":["dynamic-access.deployment=da","dynamic-access.vouched=false"],"name":["da-7f"]}"#
        );
        assert_eq!(
            all.read(&reply(200, &both)).expect("a list").services.len(),
            2
        );
        for body in ["", "{}", r#"[{"ID":"x"}]"#] {
            all.read(&reply(200, body)).expect_err(body);
        }
    }

    #[test]
    fn another_service_than_asked_for_is_nonsense() {
        let mut other = shown();
        other["ID"] = "1123456789abcdefghijklmno".into();
        let call = inspect(&id());
        call.read(&reply(200, &other.to_string()))
            .expect_err("another one");
        let gone = reply(404, r#"{"message":"service x not found"}"#);
        assert!(call.read(&gone).expect("no fault").is_none());
        call.read(&reply(404, "<html>")).expect_err("a proxy's");
    }

    #[test]
    fn a_delete_tells_whether_it_was_there() {
        let call = delete(&id());
        assert_eq!(call.request.method(), Method::DELETE);
        assert_eq!(call.request.uri().to_string(), format!("/services/{ID}"));
        assert_eq!(call.read(&reply(200, "")), Ok(true));
        let gone = r#"{"message":"service x not found"}"#;
        assert_eq!(call.read(&reply(404, gone)), Ok(false));
        for (status, body) in [(200, "<html>"), (404, "<html>"), (500, "")] {
            call.read(&reply(status, body)).expect_err(body);
        }
    }
}
