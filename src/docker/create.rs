//! `POST /containers/create` (Engine API, ContainerCreate).

use http::{Method, StatusCode};
use serde_json::Value;

use super::list::Listed;
use super::{ContainerId, ContainerName, Reply, archive, json, label, query_encoded};
use crate::config::{Config, Profile, TokenDelivery};
use crate::container::Own;
use crate::fault::Fault;
use crate::platform::HttpRequest;
use crate::reaper::START_WITHIN;
use crate::target::StartOrder;

/// What a target's container is made of.
#[derive(Debug)]
pub struct Container<'a> {
    /// Its name, which the Engine gives to one container at a time.
    pub name: &'a ContainerName,
    /// What it is to do.
    pub order: &'a StartOrder,
    /// What a target of its environment is.
    pub profile: &'a Profile,
    config: &'a Config,
    attempt: String,
}

impl<'a> Container<'a> {
    /// The container of one attempt to carry out an order; `attempt` tells it
    /// from every other.
    pub fn new(
        config: &'a Config,
        name: &'a ContainerName,
        order: &'a StartOrder,
        attempt: u128,
    ) -> Self {
        Self {
            name,
            order,
            profile: config.profiles.of(&order.environment_id),
            config,
            attempt: format!("{attempt:032x}"),
        }
    }

    /// Whether a container was created by this attempt.
    pub fn is_attempt_of(&self, found: &Listed) -> bool {
        found.label(label::ATTEMPT) == Some(&self.attempt)
    }

    /// Whether a container was created for the same payload, by any attempt.
    pub fn has_payload_of(&self, found: &Listed) -> bool {
        found.label(label::SERVICE_URL) == Some(&self.order.service_url)
            && found.label(label::ENVIRONMENT_ID) == Some(&self.order.environment_id)
    }
}

/// What came of a create that the Engine understood.
#[derive(Debug, PartialEq, Eq)]
pub enum Created {
    /// The container exists.
    Created {
        /// Its id.
        id: ContainerId,
        /// What the Engine left out of the container's configuration.
        warnings: Vec<String>,
    },
    /// The name is taken, for now at least.
    NameTaken,
    /// The Engine does not have the image.
    NoSuchImage,
}

/// The request that makes a container.
pub fn create(container: &Container<'_>) -> HttpRequest {
    let path = format!(
        "/containers/create?name={}",
        query_encoded(container.name.as_str())
    );
    let Container { order, profile, .. } = container;
    // Labels cannot be changed later, so all that a replica must know of a
    // container that it has not made stands here.
    let labels = [
        (label::DEPLOYMENT, container.config.deployment_id.as_str()),
        (label::NAME, container.name.as_str()),
        (label::SHARE, container.name.share()),
        (label::ATTEMPT, &container.attempt),
        (label::SERVICE_URL, &order.service_url),
        (label::ENVIRONMENT_ID, &order.environment_id),
        (label::START_WITHIN, &START_WITHIN.as_secs().to_string()),
        (
            label::MAX_LIFETIME,
            &profile.max_lifetime.as_secs().to_string(),
        ),
    ];
    let mut env = vec![
        format!("SERVICE_URL={}", order.service_url),
        format!("ENVIRONMENT_ID={}", order.environment_id),
    ];
    let volume = match container.config.token_delivery {
        TokenDelivery::File => {
            env.push(format!("ACTIVATION_TOKEN_FILE={}", archive::token_path()));
            Some(archive::TOKEN_DIR)
        }
        TokenDelivery::Env => {
            env.push(format!(
                "ACTIVATION_TOKEN={}",
                order.activation_token.expose()
            ));
            None
        }
    };
    let body = profile.body.with(&Own {
        image: profile.image.as_str(),
        env: &env,
        labels: &labels,
        volume,
    });
    json(Method::POST, &path, &body)
}

/// Reads the reply to [`create`].
///
/// # Errors
///
/// [`Fault::Said`] for a container that the Engine refuses, and for a failure
/// of its own; after the latter, and after [`Fault::Nonsense`], the container
/// may exist all the same.
pub fn created(reply: &Reply) -> Result<Created, Fault> {
    match reply.status() {
        201 => {
            let body: Value = reply.json()?;
            let id = body["Id"].as_str().and_then(ContainerId::parse);
            let warnings = body["Warnings"].as_array();
            let warnings = warnings.into_iter().flatten().filter_map(Value::as_str);
            Ok(Created::Created {
                id: id.ok_or_else(|| reply.lacks("Id"))?,
                warnings: warnings.map(str::to_owned).collect(),
            })
        }
        409 if reply.is_engines(StatusCode::CONFLICT) => Ok(Created::NameTaken),
        404 | 500 if is_name_conflict(reply) => Ok(Created::NameTaken),
        404 if is_no_such_image(reply) => Ok(Created::NoSuchImage),
        _ => Err(reply.fault()),
    }
}

/// Whether a warning says that the Engine leaves out the limit of memory or
/// of processes, which it does where the kernel lacks them: Docker 20.10 to 29
/// in `verifyPlatformContainerResources`, Podman in `verifyContainerResources`,
/// without root on control groups of the first version. That swap alone cannot
/// be limited is no such warning.
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

/// Podman up to 5.8 answers 500 to a name that is in use; an Engine whose
/// conflicting name is released during the look-up of its owner answers 500,
/// from 28 on 404, "name is not reserved".
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
    use crate::config::tests::variables;
    use crate::docker::reply::tests::reply;
    use crate::secret::Secret;

    const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    #[test]
    fn the_request_names_and_labels_the_container() {
        let config = Config::parse(&variables(&[("deployment_id", "da")])).expect("a config");
        let order = StartOrder {
            service_url: "https://host".to_owned(),
            activation_token: Secret::new("t"),
            environment_id: "e".to_owned(),
        };
        let name = ContainerName::from_token(&config.deployment_id, &order.activation_token);
        let request = create(&Container::new(&config, &name, &order, 0xa77));
        assert_eq!(request.method(), Method::POST);
        let uri = format!("/containers/create?name={}", name.as_str());
        assert_eq!(request.uri().to_string(), uri);
        assert_eq!(request.headers()["content-type"], "application/json");
        let length = request.body().len().to_string();
        assert_eq!(request.headers()["content-length"], length.as_str());
        let body: Value = serde_json::from_slice(request.body()).expect("json");
        assert_eq!(body["Image"], "dynamic-access-agent");
        assert_eq!(
            body["Labels"],
            json!({
                "dynamic-access.deployment": "da",
                "dynamic-access.name": name.as_str(),
                "dynamic-access.share": "b",
                "dynamic-access.attempt": "00000000000000000000000000000a77",
                "dynamic-access.service-url": "https://host",
                "dynamic-access.environment-id": "e",
                "dynamic-access.start-within": "120",
                "dynamic-access.max-lifetime": "691200",
            })
        );
    }

    #[track_caller]
    fn check_delivery(how: &'static str, env: &str, volumes: &Value) {
        let config = Config::parse(&variables(&[("token_delivery", how)])).expect("a config");
        let order = StartOrder {
            service_url: "https://host".to_owned(),
            activation_token: Secret::new("planted"),
            environment_id: "e".to_owned(),
        };
        let name = ContainerName::from_token(&config.deployment_id, &order.activation_token);
        let request = create(&Container::new(&config, &name, &order, 0));
        let body: Value = serde_json::from_slice(request.body()).expect("json");
        assert_eq!(
            body["Env"],
            json!(["SERVICE_URL=https://host", "ENVIRONMENT_ID=e", env])
        );
        assert_eq!(&body["Volumes"], volumes);
        let shows_token = body.to_string().contains("planted");
        assert_eq!(shows_token, how == "env");
    }

    #[test]
    fn the_token_is_in_the_configuration_only_if_it_is_to_be() {
        let file = "ACTIVATION_TOKEN_FILE=/run/dynamic-access/activation-token";
        check_delivery("file", file, &json!({"/run/dynamic-access": {}}));
        check_delivery("env", "ACTIVATION_TOKEN=planted", &json!({}));
    }

    #[test]
    fn a_201_gives_the_id_and_the_warnings() {
        for (warnings, count) in [("null", 0), ("[]", 0), (r#"["a","b"]"#, 2)] {
            let body = format!(r#"{{"Id":"{ID}","Warnings":{warnings}}}"#);
            match created(&reply(201, &body)).expect("created") {
                Created::Created { id, warnings } => {
                    assert_eq!(id.as_str(), ID);
                    assert_eq!(warnings.len(), count);
                }
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn a_201_without_a_full_id_is_nonsense() {
        for body in ["", "{}", r#"{"Id":"0123"}"#, r#"{"Id":7}"#] {
            let fault = created(&reply(201, body)).expect_err(body);
            assert!(matches!(fault, Fault::Nonsense(_)), "{body}");
        }
    }

    #[test]
    fn a_taken_name_is_told_from_other_failures() {
        for (status, message) in [
            (
                409,
                r#"Conflict. The container name \"/x\" is already in use by container \"1\"."#,
            ),
            (
                500,
                r#"container create: creating container storage: the container name \"x\" is already in use by 1"#,
            ),
            (404, "name is not reserved"),
            (500, "name is not reserved"),
        ] {
            let reply = reply(status, &format!(r#"{{"message":"{message}"}}"#));
            assert_eq!(created(&reply), Ok(Created::NameTaken), "{message}");
        }
    }

    #[test]
    fn a_missing_image_is_told_from_other_failures() {
        for message in [
            "No such image: agent:1",
            "no such image: agent: image not known",
            "agent: image not known",
        ] {
            let reply = reply(404, &format!(r#"{{"message":"{message}"}}"#));
            assert_eq!(created(&reply), Ok(Created::NoSuchImage), "{message}");
        }
    }

    #[test]
    fn any_other_reply_is_a_fault() {
        for (status, body) in [
            (200, ""),
            (400, r#"{"message":"invalid reference format"}"#),
            (404, "<html>"),
            (409, "<html>"),
            (500, r#"{"message":"no space left on device"}"#),
            (503, ""),
        ] {
            created(&reply(status, body)).expect_err(body);
        }
    }
}
