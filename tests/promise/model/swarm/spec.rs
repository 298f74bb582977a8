//! The specification of a service.

use std::rc::Rc;

use serde_json::Value;

use super::service::WORKERS;
use crate::digest::digest;
use crate::model::Labels;
use crate::model::op::{labels, text};

/// The option that an older manager does not know.
const OPTION: &str = "/TaskTemplate/ContainerSpec/Privileges/NoNewPrivileges";

/// The specification of a service.
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
    /// Reads a whole specification, or returns what the model does not know about it.
    pub fn read(body: &[u8]) -> Result<Rc<Self>, String> {
        let spec: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
        let template = &spec["TaskTemplate"];
        if template["RestartPolicy"]["Condition"] != "none" {
            return Err("the model does not know services that are restarted".to_owned());
        }
        let secrets = template["ContainerSpec"]["Secrets"].as_array();
        let secrets = secrets.into_iter().flatten();
        let secrets = secrets.map(|secret| text(secret, "SecretID"));
        let whole = spec.to_string();
        Ok(Rc::new(Self {
            name: text(&spec, "Name")?,
            labels: labels(&spec)?,
            replicas: spec["Mode"]["Replicated"]["Replicas"]
                .as_u64()
                .ok_or("a service without a number of replicas")?,
            secrets: secrets.collect::<Result<_, _>>()?,
            has_ports: spec["EndpointSpec"]["Ports"].is_array(),
            template: template.clone(),
            digest: digest(&whole),
            text: whole,
        }))
    }

    /// The same without the option that an older manager does not know.
    pub fn as_older(&self) -> Rc<Self> {
        let mut spec: Value = serde_json::from_str(&self.text).expect("it was read");
        if let Some(privileges) = spec.pointer_mut(OPTION) {
            *privileges = Value::Null;
        }
        Self::read(spec.to_string().as_bytes()).expect("it was read")
    }

    /// The first worker that no constraint excludes; a start that tries another node
    /// excludes the one before.
    pub fn node(&self) -> Option<&'static str> {
        let constraints = &self.template["Placement"]["Constraints"];
        let constraints = constraints.as_array().map_or(&[][..], Vec::as_slice);
        let is_excluded = |node: &str| {
            let excludes = format!("node.id!={node}");
            constraints.iter().any(|constraint| *constraint == excludes)
        };
        WORKERS.into_iter().find(|node| !is_excluded(node))
    }
}
