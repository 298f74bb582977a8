//! One attempt to start a target: the body of its container, and how to recognise the
//! container afterwards.

use std::time::Duration;

use serde_json::Value;

use crate::ages::START_WITHIN;
use crate::config::{Config, Profile, TokenDelivery};
use crate::container::{Body, Choices, PerTarget, SecretsVolume};
use crate::docker::archive::{self, SecretFile};
use crate::docker::target::{Ended, Target};
use crate::docker::{ContainerName, ImageReference, TargetId, is_full, label, ports};
use crate::environment_id::is_same;
use crate::error::{EngineError, Error, SwarmError, TargetError};
use crate::fault::Fault;
use crate::order::StartOrder;

/// One attempt to carry out an order.
#[derive(Debug)]
pub struct Attempt<'a> {
    /// The container's name, which the Engine gives to one container at a time.
    pub name: ContainerName,
    pub order: &'a StartOrder,
    pub profile: &'a Profile,
    pub image: &'a ImageReference,
    /// The options of its container, with the order's choices, or the problems with
    /// those.
    pub body: Result<Body, Vec<String>>,
    /// The ids of the nodes that rejected it; none on an Engine.
    pub avoid: &'a [String],
    /// A random id, 32 hex digits, which is a label of its container.
    pub id: String,
    config: &'a Config,
}

impl<'a> Attempt<'a> {
    /// An attempt on none of the nodes in `avoid`; `random` distinguishes it from every
    /// other.
    pub fn new(
        config: &'a Config,
        order: &'a StartOrder,
        avoid: &'a [String],
        random: u128,
    ) -> Self {
        let profile = config.profiles.of(&order.environment_id);
        Self {
            name: order.key.container_name(&config.deployment_id),
            order,
            profile,
            image: order.image.as_ref().unwrap_or(&profile.image),
            body: profile.body.chosen(&order.choices),
            avoid,
            id: format!("{random:032x}"),
            config,
        }
    }

    /// The secrets that its container gets as files before its start.
    pub fn files(&self) -> &'a [SecretFile] {
        match self.config.token_delivery {
            TokenDelivery::File => &self.order.secrets,
            TokenDelivery::Env => &[],
        }
    }

    /// The user who owns a secret; root if nobody has set one.
    pub fn owner_of(&self, secret: &SecretFile) -> Option<u32> {
        secret.owner.or(self.profile.secret_owner)
    }

    /// The body of the create.
    pub fn create_body(&self) -> Value {
        let Self { order, profile, .. } = self;
        // Labels cannot change later, so they hold everything that another replica must
        // know about the container.
        let start_within = START_WITHIN.as_secs().to_string();
        let seconds = |lifetime: Duration| lifetime.as_secs().to_string();
        let lifetime = order.lifetime.map(seconds).unwrap_or_default();
        let ports = ports::to_label(&profile.ports);
        let max_lifetime = seconds(order.lifetime.unwrap_or(profile.max_lifetime));
        let max_renewed = seconds(profile.max_lifetime);
        let labels = [
            (label::DEPLOYMENT, self.config.deployment_id.as_str()),
            (label::NAME, self.name.as_str()),
            (label::ATTEMPT, &self.id),
            (label::ENVIRONMENT_ID, &order.environment_id),
            (label::START_WITHIN, &start_within),
            (label::MAX_LIFETIME, &max_lifetime),
            (label::MAX_RENEWED, &max_renewed),
            (label::ORDER, &order.digest()),
            (label::LIFETIME, &lifetime),
            (label::OWNER, order.owner.as_deref().unwrap_or_default()),
            (label::LABELS, &order.labels_text()),
            (label::PORTS, &ports),
            (
                label::SERVICE_URL,
                order.service_url.as_deref().unwrap_or_default(),
            ),
        ];
        let mut env = Vec::new();
        if let Some(service_url) = &order.service_url {
            env.push(format!("SERVICE_URL={service_url}"));
        }
        env.push(format!("ENVIRONMENT_ID={}", order.environment_id));
        let files = self.files();
        if let Some(token) = order.activation_token() {
            env.push(match self.config.token_delivery {
                TokenDelivery::File => format!("ACTIVATION_TOKEN_FILE={}", archive::token_path()),
                TokenDelivery::Env => format!("ACTIVATION_TOKEN={}", token.expose()),
            });
        }
        env.extend_from_slice(&order.env);
        let is_roots = |secret: &SecretFile| self.owner_of(secret).unwrap_or_default() == 0;
        let volume = if files.is_empty() {
            SecretsVolume::Absent
        } else if files.iter().all(is_roots) {
            SecretsVolume::LikeImage
        } else {
            SecretsVolume::Enterable
        };
        // An order with wrong choices is refused before its create.
        let body = self.body.as_ref().unwrap_or(&profile.body);
        body.with(&PerTarget {
            name: self.name.as_str(),
            stop_grace: self.config.stop_grace,
            image: self.image.as_str(),
            env: &env,
            labels: &labels,
            volume,
        })
    }

    /// The error for a network that the Engine does not have. `named` is the Engine's
    /// word for it, perhaps an id.
    pub fn no_such_network(&self, named: String) -> Error {
        let networks = self.profile.body.networks();
        let network = match networks.first() {
            Some(first) if !networks.contains(&&*named) => (*first).to_owned(),
            _ => named,
        };
        EngineError::NoSuchNetwork(network).into()
    }

    /// The error for an ended target, with how it ended, if that is known.
    pub fn ended(&self, id: TargetId, ended: Option<Ended>) -> Error {
        Error::Target(TargetError::Ended {
            id,
            of: self.order.key.kind(),
            exit_code: ended.as_ref().and_then(|ended| ended.exit_code),
            is_unhealthy: ended.is_some_and(|ended| ended.is_unhealthy),
        })
    }

    /// Whether this attempt created a container.
    pub fn has_created(&self, found: &Target) -> bool {
        found.label(label::ATTEMPT) == Some(&self.id)
    }

    /// Whether an attempt created the container for the same payload. The contents of
    /// secrets are not compared, because they are not kept.
    pub fn has_payload_of(&self, found: &Target) -> bool {
        if let Some(digest) = found.label(label::ORDER) {
            return digest == self.order.digest();
        }
        // Earlier versions knew none of these, and left out members that were not given.
        let StartOrder {
            owner,
            labels,
            env,
            choices,
            image,
            secrets,
            ..
        } = self.order;
        let has_owner = |secret: &SecretFile| secret.owner.is_some();
        if owner.is_some()
            || !labels.is_empty()
            || !env.is_empty()
            || *choices != Choices::default()
            || image.is_some()
            || secrets.iter().any(has_owner)
        {
            return false;
        }
        let service_url = found.label(label::SERVICE_URL).unwrap_or_default();
        service_url == self.order.service_url.as_deref().unwrap_or_default()
            && found.label_seconds(label::LIFETIME) == self.order.lifetime
            && found
                .label(label::ENVIRONMENT_ID)
                .is_some_and(|id| is_same(id, &self.order.environment_id))
    }
}

/// The error for a target that a node of a Swarm rejected.
pub fn rejection(image: &ImageReference, node: String, reason: String) -> Error {
    let image = image.clone();
    if is_full(&reason) {
        EngineError::NoRoom(Fault::Rejected { node, reason }).into()
    } else if ports::is_taken(&reason) {
        EngineError::PortTaken(Fault::Rejected { node, reason }).into()
    } else if is_of_image(&reason, &image) {
        match image.has_registry() {
            true => SwarmError::NodePullFailed(image, reason).into(),
            false => EngineError::NoSuchImage(image).into(),
        }
    } else {
        EngineError::Refused(Fault::Rejected { node, reason }).into()
    }
}

/// Whether a node lacks the image and could not pull it: "No such image: …" until Docker
/// 29.6, and since then the words of the registry or of the connection to it.
fn is_of_image(reason: &str, image: &ImageReference) -> bool {
    let reason = reason.to_ascii_lowercase();
    let words = ["no such image", "toomanyrequests", "unauthorized"];
    words.iter().any(|words| reason.contains(words))
        || image.registry().is_some_and(|host| reason.contains(host))
}

#[cfg(test)]
mod tests;
