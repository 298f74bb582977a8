//! `/secrets` (Engine API, SecretCreate, SecretList and SecretDelete).
//!
//! A Swarm gives a secret only to nodes whose tasks refer to it. Neither a list nor an
//! inspect shows its content.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::{TOO_LONG, label, labelled, moment};
use crate::docker::call::{CHANGE, Call};
use crate::docker::part::Part;
use crate::docker::target::age;
use crate::docker::{DeploymentId, bodiless, json as with_json, query_encoded};
use crate::fault::Fault;
use crate::secret::Secret;

/// A secret as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredSecret {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The attempt that made it.
    pub attempt: Option<String>,
    /// The time since its creation, as exact as the clocks of the managers agree; `None`
    /// if the reply had no date.
    pub age: Option<Duration>,
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
    let labels: serde_json::Map<_, _> = labels
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).into()))
        .collect();
    let body = json!({
        "Name": name,
        "Labels": labels,
        "Data": BASE64_STANDARD.encode(content.expose()),
    });
    let request = with_json(Method::POST, "/secrets/create", &body);
    Call::change("secret", request, CHANGE, |reply| match reply.status() {
        201 => reply.text("ID").map(Created::Id),
        409 if reply.is_engines(StatusCode::CONFLICT) => Ok(Created::NameTaken),
        _ => Err(reply.fault()),
    })
}

/// Lists the secrets of one attempt.
pub fn of_attempt(attempt: &str) -> Call<Vec<StoredSecret>> {
    list(&labelled(&[(label::ATTEMPT, attempt)]))
}

/// Lists the secrets of a part of a deployment.
pub fn of_deployment(deployment: &DeploymentId, part: &Part) -> Call<Vec<StoredSecret>> {
    list(&super::of_deployment(deployment, part, &[]))
}

fn list(filter: &Value) -> Call<Vec<StoredSecret>> {
    let path = format!("/secrets?filters={}", query_encoded(&filter.to_string()));
    Call::look("secrets", bodiless(Method::GET, &path), |reply| {
        let now = reply.date();
        let secrets: Vec<SecretBody> = reply.listed()?;
        let secrets = secrets.into_iter();
        secrets
            .map(|body| StoredSecret::from_body(body, now))
            .collect()
    })
    .if_too_long(TOO_LONG)
}

/// Deletes the secret with this id, unless a service refers to it.
pub fn delete(id: &str) -> Call<()> {
    let path = format!("/secrets/{}", query_encoded(id));
    let request = bodiless(Method::DELETE, &path);
    Call::change("unsecret", request, CHANGE, |reply| match reply.status() {
        204 => Ok(()),
        404 if reply.is_engines(StatusCode::NOT_FOUND) => Ok(()),
        _ => Err(reply.fault()),
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SecretBody {
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
}

impl StoredSecret {
    fn from_body(body: SecretBody, now: Option<OffsetDateTime>) -> Result<Self, Fault> {
        let created = moment(&body.created_at);
        let created = created
            .ok_or_else(|| Fault::Nonsense("a secret without a time of creation".to_owned()))?;
        Ok(Self {
            id: body.id,
            name: body.spec.name,
            attempt: body.spec.labels.unwrap_or_default().remove(label::ATTEMPT),
            age: now.map(|now| age(created.unix_timestamp(), now)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::docker::reply::tests::{dated, reply};

    #[test]
    fn a_secret_is_sent_in_base64_and_not_shown() {
        let labels = [(label::ATTEMPT, "a")];
        let call = create("da-a-0", &labels, &Secret::new("planted"));
        assert_eq!(call.request.uri().to_string(), "/secrets/create");
        let body: Value = serde_json::from_slice(call.request.body()).expect("JSON");
        let expected = json!({
            "Name": "da-a-0",
            "Labels": {"dynamic-access.attempt": "a"},
            "Data": "cGxhbnRlZA==",
        });
        assert_eq!(body, expected);
        assert!(!format!("{call:?}").contains("planted"));
        let made = call.read(&reply(201, r#"{"ID":"s"}"#));
        assert_eq!(made, Ok(Created::Id("s".to_owned())));
        let taken = call.read(&reply(409, r#"{"message":"already exists"}"#));
        assert_eq!(taken, Ok(Created::NameTaken));
        for (status, body) in [(201, "{}"), (409, "<html>"), (400, r#"{"message":"m"}"#)] {
            call.read(&reply(status, body)).expect_err(body);
        }
    }

    #[test]
    fn a_list_tells_whose_a_secret_is_and_its_age() {
        let body = json!([
            {
                "ID": "s",
                "CreatedAt": "2026-11-23T01:00:00.5Z",
                "Spec": {"Name": "n", "Labels": {"dynamic-access.attempt": "a"}},
            },
            {"ID": "t", "CreatedAt": "2026-11-23T01:00:00.5Z", "Spec": {"Name": "m"}},
        ]);
        let date = Some("Mon, 23 Nov 2026 01:01:01 GMT");
        let found = of_attempt("a").read(&dated(200, &body.to_string(), date));
        let found = found.expect("a list");
        assert_eq!(found[0].attempt.as_deref(), Some("a"));
        assert_eq!(found[0].age, Some(Duration::from_secs(61)));
        assert_eq!(found[1].attempt, None);
        let broken = r#"[{"ID":"s","CreatedAt":"","Spec":{"Name":"n"}}]"#;
        of_attempt("a").read(&reply(200, broken)).expect_err(broken);
    }

    #[test]
    fn a_secret_in_use_is_not_deleted() {
        let call = delete("s/../t");
        assert_eq!(call.request.uri().to_string(), "/secrets/s%2F..%2Ft");
        assert_eq!(call.read(&reply(204, "")), Ok(()));
        let gone = r#"{"message":"secret s not found"}"#;
        assert_eq!(call.read(&reply(404, gone)), Ok(()));
        let used = r#"{"message":"secret 's' is in use by the following service: x"}"#;
        call.read(&reply(400, used)).expect_err("in use");
    }
}
