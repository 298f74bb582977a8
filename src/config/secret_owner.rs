//! `secret_owner`: the user who owns the files of secrets.

use serde_json::Value;

/// The highest id of a user that an Engine takes (moby, `user.GetExecUser`).
const UID_MAX: u64 = i32::MAX as u64;

/// Parses the id of a user.
pub fn secret_owner(value: &Value) -> Result<u32, String> {
    let id = value.as_u64().filter(|id| *id <= UID_MAX);
    id.and_then(|id| id.try_into().ok())
        .ok_or_else(|| format!("must be a whole number from 0 to {UID_MAX}"))
}

/// Whether a user, in the form of an image or a patch, can read the files of `owner`, or
/// of root if none is set. `None` if there is an owner and the user has a name: only the
/// image knows its number.
pub fn is_read_by(owner: Option<u32>, user: &str) -> Option<bool> {
    let user = user.split(':').next().unwrap_or_default();
    let id = match user {
        "" | "root" => Some(0),
        name => name.parse().ok(),
    };
    match (id, owner) {
        // Root may read every file.
        (Some(0), _) => Some(true),
        (Some(id), Some(owner)) => Some(id == owner),
        (None, Some(_)) => None,
        (_, None) => Some(false),
    }
}
