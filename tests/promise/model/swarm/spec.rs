//! The specification of a service.

use std::rc::Rc;

use serde_json::Value;

use super::service::WORKERS;
use crate::digest::digest;
use crate::model::Labels;
use crate::model::op::labels;

/// The option that an older manager does not know.
const OPTION: &str = "/TaskTemplate/ContainerSpec/Privileges/NoNewPrivileges";

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spec {
    pub name: String,
    pub labels: Labels,
    pub replicas: u64,
    /// The ids of the secrets that its task gets.
    pub secrets: Vec<String>,
    /// Whether its node publishes its ports.
    pub has_ports: bool,
    /// The template of its task.
    pub template: Value,
    /// All of it, as it was sent.
    pub text: String,
    /// A digest of all of it.
    pub digest: u64,
}

impl Spec {
    /// Reads a whole specification.
    ///
    /// # Panics
    ///
    /// If the model does not know such services.
    pub fn read(spec: &Value) -> Rc<Self> {
        let template = &spec["TaskTemplate"];
        assert_eq!(template["RestartPolicy"]["Condition"], "none");
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let secrets = template["ContainerSpec"]["Secrets"].as_array();
        let secrets = secrets.into_iter().flatten();
        let replicas = &spec["Mode"]["Replicated"]["Replicas"];
        let whole = spec.to_string();
        Rc::new(Self {
            name: text(&spec["Name"]),
            labels: labels(spec),
            replicas: replicas.as_u64().expect("a number of replicas"),
            secrets: secrets.map(|secret| text(&secret["SecretID"])).collect(),
            has_ports: spec["EndpointSpec"]["Ports"].is_array(),
            template: template.clone(),
            digest: digest(&whole),
            text: whole,
        })
    }

    /// The same without the option that an older manager does not know.
    pub fn as_older(&self) -> Rc<Self> {
        let mut spec: Value = serde_json::from_str(&self.text).expect("it was read");
        if let Some(privileges) = spec.pointer_mut(OPTION) {
            *privileges = Value::Null;
        }
        Self::read(&spec)
    }

    /// The first worker that no constraint excludes; a start that tries another node
    /// excludes the one before.
    pub fn node(&self) -> Option<&'static str> {
        let constraints = self.template["Placement"]["Constraints"].as_array();
        let is_excluded = |node: &str| {
            let excludes = format!("node.id!={node}");
            constraints.is_some_and(|all| all.iter().any(|one| *one == excludes))
        };
        WORKERS.into_iter().find(|node| !is_excluded(node))
    }
}
