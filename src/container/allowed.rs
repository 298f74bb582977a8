//! Capabilities and volumes that the operator allows by name, although the guards refuse
//! them.

use serde_json::Value;

use super::Of;
use super::forms::is_plain;
use super::mounts::is_above_token;

/// The capabilities that can be allowed: with the agent's own, they are those that Docker
/// gives to every container (moby, `oci/caps/defaults.go`). Docker withholds all others,
/// because they reach the kernel or the host (capabilities(7)): `SYS_ADMIN` mounts file
/// systems, `SYS_MODULE` loads modules, `SYS_RAWIO` reads devices, `DAC_READ_SEARCH`
/// opens files of the host by handle. Only `container_patch_unsafe` permits those.
const ALLOWABLE: [&str; 8] = [
    "AUDIT_WRITE",
    "FSETID",
    "MKNOD",
    "NET_BIND_SERVICE",
    "NET_RAW",
    "SETFCAP",
    "SETPCAP",
    "SYS_CHROOT",
];

/// The most volumes. Every request compares all of them.
const VOLUMES_MAX: usize = 16;

/// The longest name of a volume. A volume that belongs to one container, such as that of
/// a token, has an id of 64 digits as its name.
const VOLUME_CHARS_MAX: usize = 63;

/// Capabilities and volumes that patches may use besides those that the guards accept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Allowed {
    /// `allow_capabilities`: without `CAP_`.
    pub capabilities: Vec<&'static str>,
    /// `allow_volumes`: the names of volumes, which several targets may mount.
    pub volumes: Vec<String>,
}

impl Allowed {
    /// Parses `allow_capabilities`: names separated by spaces, with or without `CAP_`.
    pub fn parse_capabilities(text: &str) -> Result<Vec<&'static str>, String> {
        let mut capabilities = Vec::new();
        for name in text.split_ascii_whitespace() {
            let name = name.strip_prefix("CAP_").unwrap_or(name);
            let known = ALLOWABLE.into_iter().find(|known| *known == name);
            let known = known.ok_or_else(|| {
                format!(
                    "must be some of {}, separated by spaces; others need container_patch_unsafe",
                    ALLOWABLE.join(" ")
                )
            })?;
            if !capabilities.contains(&known) {
                capabilities.push(known);
            }
        }
        Ok(capabilities)
    }

    /// Parses `allow_volumes`: names separated by spaces.
    pub fn parse_volumes(text: &str) -> Result<Vec<String>, String> {
        let names: Vec<String> = text.split_ascii_whitespace().map(str::to_owned).collect();
        if names.len() <= VOLUMES_MAX && names.iter().all(|name| is_volume_name(name)) {
            Ok(names)
        } else {
            Err(format!(
                "must be at most {VOLUMES_MAX} names of volumes, separated by spaces, each of 2 to {VOLUME_CHARS_MAX} letters, digits and _.-"
            ))
        }
    }

    /// A merged body without the allowed capabilities and volumes: the guards judge the
    /// rest.
    pub(super) fn taken_out_of(&self, of: Of, mut body: Value) -> Value {
        let (capabilities, mounts) = match of {
            Of::Container => ("/HostConfig/CapAdd", "/HostConfig/Mounts"),
            Of::Service => ("/ContainerSpec/CapabilityAdd", "/ContainerSpec/Mounts"),
        };
        if let Some(Value::Array(names)) = body.pointer_mut(capabilities) {
            names.retain(|name| !name.as_str().is_some_and(|name| self.has(of, name)));
        }
        if let Some(Value::Array(mounts)) = body.pointer_mut(mounts) {
            for mount in mounts.iter_mut().filter(|mount| self.has_volume_of(mount)) {
                if let Some(members) = mount.as_object_mut() {
                    members.remove("Source");
                }
            }
        }
        body
    }

    fn has(&self, of: Of, name: &str) -> bool {
        match of {
            Of::Container => is_capability(name, &self.capabilities),
            // A Swarm accepts one spelling only.
            Of::Service => name
                .strip_prefix("CAP_")
                .is_some_and(|name| self.capabilities.contains(&name)),
        }
    }

    /// Whether this mounts one of the volumes, and not above the token's volume.
    fn has_volume_of(&self, mount: &Value) -> bool {
        let source = mount["Source"].as_str().unwrap_or_default();
        let target = mount["Target"].as_str().unwrap_or_default();
        mount["Type"] == "volume"
            && self.volumes.iter().any(|name| name == source)
            && !is_above_token(target)
    }
}

/// Whether a name is one of these capabilities, in any spelling that an Engine accepts.
pub fn is_capability(name: &str, names: &[&str]) -> bool {
    let name = name.to_ascii_uppercase();
    names.contains(&name.strip_prefix("CAP_").unwrap_or(&name))
}

/// Whether this is a volume's name that somebody chose, and not an id.
fn is_volume_name(name: &str) -> bool {
    (2..=VOLUME_CHARS_MAX).contains(&name.len())
        && name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && is_plain(name, "_.-")
}
