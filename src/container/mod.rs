//! What a target's container is made of: safe defaults, and the operator's
//! JSON merge patches (RFC 7396, which was RFC 7386) over them.
//!
//! Everything that is not particular to one target, as the body of
//! ContainerCreate (Engine API 1.41 to 1.52). What the result may not hold is
//! in [`guards`](self); the Engine reads keys without regard to case, so what
//! the guards look at must be spelt as Docker spells it.

mod additions;
mod defaults;
mod guards;
mod spelling;

use serde_json::{Map, Value};

use additions::Additions;
pub use additions::PerTarget;

/// Whether targets must stay apart from the host and from each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Isolation {
    /// They must: a patch that gives it up is an error.
    Kept,
    /// The operator has taken that upon themselves.
    GivenUp,
}

/// A JSON merge patch over the create body.
#[derive(Debug, Clone)]
pub struct Patch(Map<String, Value>);

/// The longest patch: no body of Docker's comes near it.
const PATCH_BYTES_MAX: usize = 64 * 1024;

impl Patch {
    /// Parses a patch.
    ///
    /// # Errors
    ///
    /// Says what it must be.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() > PATCH_BYTES_MAX {
            return Err(format!("is over {} KiB", PATCH_BYTES_MAX / 1024));
        }
        let value = serde_json::from_str(text).map_err(|_| "is not JSON".to_owned())?;
        Self::from_value(value)
    }

    /// A patch that is parsed already.
    ///
    /// # Errors
    ///
    /// Says what it must be.
    pub fn from_value(value: Value) -> Result<Self, String> {
        match value {
            Value::Object(members) => Ok(Self(members)),
            _ => Err("is not a JSON object".to_owned()),
        }
    }
}

/// The create body, but for what is particular to one target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body {
    merged: Value,
    additions: Additions,
}

impl Body {
    /// The defaults with patches over them, one after the other.
    ///
    /// # Errors
    ///
    /// All that is wrong with the patches, each with its path; never a value.
    pub fn build(patches: &[&Patch], isolation: Isolation) -> Result<Self, Vec<String>> {
        let mut problems = Vec::new();
        let mut additions = Additions::default();
        let mut merged = defaults::body();
        for Patch(patch) in patches {
            let mut patch = patch.clone();
            additions.take_from(&mut patch, &mut problems);
            json_patch::merge(&mut merged, &Value::Object(patch));
        }
        defaults::complete(&mut merged);
        spelling::check(&merged, isolation, &mut problems);
        guards::check_own(&merged, &mut problems);
        if isolation == Isolation::Kept {
            guards::check_isolation(&merged, &mut problems);
        }
        if problems.is_empty() {
            Ok(Self { merged, additions })
        } else {
            Err(problems)
        }
    }

    /// The body with what is particular to one target.
    pub fn with(&self, own: &PerTarget<'_>) -> Value {
        let mut body = self.merged.clone();
        body["Image"] = own.image.into();
        self.additions.add_to(&mut body, own);
        body
    }

    /// The body without what is particular to one target.
    pub fn value(&self) -> &Value {
        &self.merged
    }

    /// The network that somebody must have made, if there is one: not one of
    /// those that every Engine has.
    pub fn network(&self) -> Option<&str> {
        let mode = self.merged["HostConfig"]["NetworkMode"].as_str()?;
        let is_builtin = matches!(mode, "" | "default" | "bridge" | "none" | "host" | "nat");
        (!is_builtin && !mode.starts_with("container:")).then_some(mode)
    }

    /// Whether the first process runs as root, as far as the body says.
    pub fn runs_as_root(&self) -> bool {
        let user = self.merged["User"].as_str().unwrap_or_default();
        let user = user.split(':').next().unwrap_or_default();
        matches!(user, "" | "root" | "0")
    }
}

#[cfg(test)]
mod tests;
