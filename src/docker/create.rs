//! `POST /containers/create` (Engine API, ContainerCreate).

use http::{Method, StatusCode};
use serde_json::Value;

use super::call::{CHANGE, Call};
use super::{ContainerName, Reply, TargetId, json, query_encoded};
use crate::fault::Fault;

/// The outcome of a create that the Engine understood.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The container exists.
    Created {
        /// Its id.
        id: TargetId,
        /// What the Engine left out of the container's configuration.
        warnings: Vec<String>,
    },
    /// The name is taken, at least for now. Holds the Engine's words, which may name the
    /// holder.
    NameTaken(String),
    /// The Engine does not have the image.
    NoSuchImage,
    /// The Engine does not have the network. Only Podman notices this here.
    NoSuchNetwork(String),
}

/// Makes a container with this name from a body of ContainerCreate.
///
/// [`Fault::EngineError`] means that the Engine refused the container or failed
/// itself. After a failure of its own, or [`Fault::Nonsense`], the container
/// may exist all the same.
pub fn create(name: &ContainerName, body: &Value) -> Call<Outcome> {
    let path = format!("/containers/create?name={}", query_encoded(name.as_str()));
    Call::change("create", json(Method::POST, &path, body), CHANGE, created)
}

fn created(reply: &Reply) -> Result<Outcome, Fault> {
    match reply.status() {
        201 => {
            let body: Value = reply.json()?;
            let id = body["Id"].as_str().and_then(TargetId::of_container);
            let warnings = body["Warnings"].as_array();
            let warnings = warnings.into_iter().flatten().filter_map(Value::as_str);
            Ok(Outcome::Created {
                id: id.ok_or_else(|| reply.lacks("Id"))?,
                warnings: warnings.map(str::to_owned).collect(),
            })
        }
        409 if reply.is_engines(StatusCode::CONFLICT) => Ok(name_taken(reply)),
        404 | 500 if is_name_conflict(reply) => Ok(name_taken(reply)),
        404 if is_no_such_image(reply) => Ok(Outcome::NoSuchImage),
        400.. => match reply.missing_network() {
            Some(network) => Ok(Outcome::NoSuchNetwork(network)),
            None => Err(reply.fault()),
        },
        _ => Err(reply.fault()),
    }
}

/// Whether a warning says that the Engine drops the limit of memory or of processes. It
/// does so where the kernel lacks them: Docker 20.10 to 29 in
/// `verifyPlatformContainerResources`, Podman in `verifyContainerResources`, without root
/// on control groups of the first version. A warning about swap alone does not count.
pub fn is_limit_dropped(warning: &str) -> bool {
    let warning = warning.to_ascii_lowercase();
    [
        "does not support memory limit",
        "does not support pids limit",
        "resource limits are not supported",
    ]
    .iter()
    .any(|words| warning.contains(words))
}

/// The outcome of a create whose name is taken.
pub fn name_taken(reply: &Reply) -> Outcome {
    Outcome::NameTaken(reply.message().unwrap_or_default())
}

/// Podman up to 5.8 answers 500 if a name is in use. Docker answers 500, from 28 on 404,
/// "name is not reserved", if the name is released while it looks up the holder.
fn is_name_conflict(reply: &Reply) -> bool {
    let message = reply.message().unwrap_or_default();
    message.contains("is already in use") || message.contains("name is not reserved")
}

/// "No such image: …" from Docker, "no such image: …" or "… image not known"
/// from Podman.
fn is_no_such_image(reply: &Reply) -> bool {
    let message = reply.message().unwrap_or_default().to_ascii_lowercase();
    message.contains("no such image") || message.contains("image not known")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::docker::DeploymentId;
    use crate::docker::reply::tests::reply;
    use crate::docker::target::tests::ID;
    use crate::secret::Secret;

    #[test]
    fn the_request_names_the_container_and_says_its_length() {
        let deployment = DeploymentId::parse("da").expect("an id");
        let name = ContainerName::from_token(&deployment, &Secret::new("t"));
        let request = create(&name, &json!({"Image": "agent"})).request;
        assert_eq!(request.method(), Method::POST);
        let uri = format!("/containers/create?name={}", name.as_str());
        assert_eq!(request.uri().to_string(), uri);
        assert_eq!(request.headers()["content-type"], "application/json");
        let length = request.body().len().to_string();
        assert_eq!(request.headers()["content-length"], length.as_str());
        assert_eq!(request.body(), br#"{"Image":"agent"}"#);
    }

    #[test]
    fn a_201_gives_the_id_and_the_warnings() {
        for (warnings, count) in [("null", 0), ("[]", 0), (r#"["a","b"]"#, 2)] {
            let body = format!(r#"{{"Id":"{ID}","Warnings":{warnings}}}"#);
            match created(&reply(201, &body)).expect("created") {
                Outcome::Created { id, warnings } => {
                    assert_eq!(id.as_str(), ID);
                    assert_eq!(warnings.len(), count);
                }
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn a_failure_that_can_be_mended_is_told_from_others() {
        let no_network = || Outcome::NoSuchNetwork("n".to_owned());
        let taken = |words: &str| Outcome::NameTaken(words.to_owned());
        let (dockers, podmans) = (
            r#"Conflict. The container name "/x" is already in use by container "1"."#,
            r#"container create: creating container storage: the container name "x" is already in use by 1"#,
        );
        let without_network = "unable to find network with name or ID n: network not found";
        for (status, message, expected) in [
            (409, dockers, taken(dockers)),
            (500, podmans, taken(podmans)),
            (404, "name is not reserved", taken("name is not reserved")),
            (500, "name is not reserved", taken("name is not reserved")),
            (404, "No such image: agent:1", Outcome::NoSuchImage),
            (
                404,
                "no such image: agent: image not known",
                Outcome::NoSuchImage,
            ),
            (404, "agent: image not known", Outcome::NoSuchImage),
            (404, without_network, no_network()),
            (500, without_network, no_network()),
        ] {
            let body = json!({"message": message}).to_string();
            assert_eq!(created(&reply(status, &body)), Ok(expected), "{message}");
        }
        for (status, message) in [(400, "invalid reference format"), (500, "no space left")] {
            let body = json!({"message": message}).to_string();
            created(&reply(status, &body)).expect_err(message);
        }
    }
}
