//! The changes of one order to a body: the command and the limits.

use serde_json::{Value, json};

use super::{Body, Of, Resources};

/// The choices of an order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choices {
    /// The arguments of the image's entry point; empty for the image's own.
    pub command: Vec<String>,
    /// The limits that differ from those of the body.
    pub resources: Resources,
}

impl Body {
    /// The same body with an order's choices.
    ///
    /// The rules for patches apply to it too.
    pub fn chosen(&self, choices: &Choices) -> Result<Self, Vec<String>> {
        let mut body = self.clone();
        if *choices == Choices::default() {
            return Ok(body);
        }
        match body.of {
            Of::Container => choices.change_container(&mut body.merged),
            Of::Service => choices.change_template(&mut body.merged),
        }
        let mut problems = Vec::new();
        body.check(&mut problems);
        match problems.is_empty() {
            true => Ok(body),
            false => Err(problems),
        }
    }
}

impl Choices {
    fn change_container(&self, body: &mut Value) {
        if !self.command.is_empty() {
            body["Cmd"] = json!(self.command);
        }
        let host_config = &mut body["HostConfig"];
        if let Some(memory) = self.resources.memory {
            host_config["Memory"] = memory.into();
            host_config["MemorySwap"] = memory.into();
            lower(host_config.get_mut("MemoryReservation"), memory);
        }
        if let Some(nano_cpus) = self.resources.nano_cpus {
            host_config["NanoCpus"] = nano_cpus.into();
            // An Engine accepts only one way to limit processors.
            if let Some(options) = host_config.as_object_mut() {
                options.retain(|name, _| !matches!(&**name, "CpuQuota" | "CpuPeriod"));
            }
        }
    }

    fn change_template(&self, template: &mut Value) {
        if !self.command.is_empty() {
            template["ContainerSpec"]["Args"] = json!(self.command);
        }
        let limits = [
            ("MemoryBytes", self.resources.memory),
            ("NanoCPUs", self.resources.nano_cpus),
        ];
        for (name, limit) in limits {
            if let Some(limit) = limit {
                let resources = &mut template["Resources"];
                resources["Limits"][name] = limit.into();
                let reservations = resources.get_mut("Reservations");
                lower(reservations.and_then(|all| all.get_mut(name)), limit);
            }
        }
    }
}

/// Lowers a reservation to a limit, because an Engine accepts none above it.
fn lower(reservation: Option<&mut Value>, limit: u64) {
    if let Some(reservation) = reservation
        && reservation
            .as_u64()
            .is_some_and(|reserved| reserved > limit)
    {
        *reservation = limit.into();
    }
}
