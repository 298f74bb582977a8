//! `/secrets` (Engine API, SecretCreate, SecretList and SecretDelete).
//!
//! A Swarm gives a secret only to nodes whose tasks refer to it. Neither a list nor an
//! inspect shows its content.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{TOO_LONG, label};
use crate::docker::call::{CHANGE, Call};
use crate::docker::part::Part;
use crate::docker::target::age;
use crate::docker::{DeploymentId, Reply, bodiless, json as with_json, query_encoded, unix_time};
use crate::secret::Secret;

/// A secret as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredSecret {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) attempt: Option<String>,
    /// The time since its creation, as exact as the clocks of the managers agree; `None`
    /// if the reply had no date.
    pub(crate) age: Option<Duration>,
}

/// The outcome of a create that a Swarm understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Created {
    /// The secret exists; its id.
    Id(String),
    /// Its name is taken.
    NameTaken,
}

/// Makes a secret. Its content is 1 to 511,999 bytes (swarmkit, `MaxSecretSize`).
pub fn create(name: &str, labels: &[(&str, &str)], content: &Secret) -> Call<Created> {
    let body = json!({
        "Name": name,
        "Labels": BTreeMap::from_iter(labels.iter().copied()),
        "Data": BASE64_STANDARD.encode(content.expose()),
    });
    let request = with_json(Method::POST, "/secrets/create", &body);
    Call::change("secret", request, CHANGE, |reply| match reply.status() {
        201 => reply.text("ID").map(Created::Id),
        409 if reply.is_engines() => Ok(Created::NameTaken),
        _ => Err(reply.fault()),
    })
}

/// Lists the secrets of one attempt.
pub fn of_attempt(attempt: &str) -> Call<Vec<StoredSecret>> {
    list(&label::filter(&[(label::ATTEMPT, attempt)]))
}

/// Lists the secrets of a part of a deployment.
pub fn of_deployment(deployment: &DeploymentId, part: &Part) -> Call<Vec<StoredSecret>> {
    list(&part.filter(deployment, &[], ""))
}

fn list(filter: &Value) -> Call<Vec<StoredSecret>> {
    Call::list("secrets", "/secrets?", filter, |reply| {
        let now = reply.date();
        let secrets: Vec<SecretBody> = reply.listed()?;
        let secrets = secrets.into_iter().map(|body| StoredSecret {
            id: body.id,
            name: body.spec.name,
            attempt: body.spec.labels.unwrap_or_default().remove(label::ATTEMPT),
            age: now.map(|now| age(body.created_at, now)),
        });
        Ok(secrets.collect())
    })
    .if_too_long(TOO_LONG)
}

/// Deletes the secret with this id, unless a service refers to it.
pub fn delete(id: &str) -> Call<()> {
    let path = format!("/secrets/{}", query_encoded(id));
    let request = bodiless(Method::DELETE, &path);
    Call::change("unsecret", request, CHANGE, Reply::done_or_absent)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SecretBody {
    #[serde(rename = "ID")]
    id: String,
    #[serde(deserialize_with = "unix_time")]
    created_at: i64,
    spec: Spec,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Spec {
    name: String,
    labels: Option<BTreeMap<String, String>>,
}
