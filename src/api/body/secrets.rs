//! `secrets`: the files that a target gets.

use serde_json::Value;

use crate::config::secret_owner;
use crate::docker::archive::SecretFile;
use crate::error::RequestError;
use crate::members::{Distinct, Members};
use crate::secret::Secret;

/// The most secrets of a target. Each is a file.
const SECRETS_MAX: usize = 8;

/// The most bytes of all secrets. Keys and certificates take a few KiB each.
const SECRETS_BYTES_MAX: usize = 64 * 1024;

/// The longest name of a secret.
const NAME_CHARS_MAX: usize = 64;

/// The files, sorted by name.
pub fn parse(Members(members): Members<Distinct>) -> Result<Vec<SecretFile>, RequestError> {
    let mut files: Vec<SecretFile> = Vec::new();
    for (name, Distinct(value)) in members {
        let is_name = (1..=NAME_CHARS_MAX).contains(&name.len())
            && name
                .bytes()
                .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
        if !is_name {
            return Err(RequestError::BadField(
                "The name of a secret must have 1 to 64 lower-case letters, digits and dashes.",
            ));
        }
        if files.iter().any(|file| file.name == name) {
            return Err(RequestError::BadField(
                "Each secret must have a name of its own.",
            ));
        }
        files.push(file(name, value)?);
    }
    let bytes: usize = files.iter().map(|file| file.content.expose().len()).sum();
    if files.len() > SECRETS_MAX || bytes > SECRETS_BYTES_MAX {
        return Err(RequestError::BadField(
            "secrets may have at most 8 members and 64 KiB of text.",
        ));
    }
    files.sort_unstable_by(|one, other| one.name.cmp(&other.name));
    Ok(files)
}

/// A text, or an object with a `value` and an optional `owner`.
fn file(name: String, value: Value) -> Result<SecretFile, RequestError> {
    const FORM: RequestError = RequestError::BadField(
        "A secret must be a text, or an object with the text value and optionally the owner, a whole number from 0 to 2147483647.",
    );
    let (value, owner) = match value {
        Value::Object(mut members) => {
            let value = members.remove("value").ok_or(FORM)?;
            let owner = members.remove("owner");
            if !members.is_empty() {
                return Err(FORM);
            }
            let owner = owner.map(|owner| secret_owner(&owner)).transpose();
            (value, owner.map_err(|_| FORM)?)
        }
        text => (text, None),
    };
    match value {
        Value::String(content) => Ok(SecretFile {
            name,
            content: Secret::new(content),
            owner,
        }),
        _ => Err(FORM),
    }
}
