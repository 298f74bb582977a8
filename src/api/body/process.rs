//! `env` and `command`: the variables and arguments of a target's process.

use crate::docker::list::listed_bytes;
use crate::error::RequestError;
use crate::members::Members;

/// The most variables of an order.
const VARIABLES_MAX: usize = 32;

/// The most bytes of all names and values. An Engine keeps them in the container's
/// configuration.
const VARIABLES_BYTES_MAX: usize = 16 * 1024;

/// The most bytes of a command in a list, with one byte after each argument.
const COMMAND_BYTES_MAX: usize = 2 * 1024;

/// The variables as `NAME=value`, sorted.
pub fn env(Members(members): Members<String>) -> Result<Vec<String>, RequestError> {
    let bytes: usize = members
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum();
    if members.len() > VARIABLES_MAX || bytes > VARIABLES_BYTES_MAX {
        return Err(RequestError::BadField(
            "env may have at most 32 members and 16 KiB of text.",
        ));
    }
    let mut env = Vec::new();
    let mut names: Vec<&str> = Vec::new();
    for (name, value) in &members {
        if !is_name(name) || value.contains('\0') {
            return Err(RequestError::BadField(
                "env must have names of ASCII letters, digits and underscores that do not begin with a digit, and values without a NUL.",
            ));
        }
        if names.contains(&name.as_str()) {
            return Err(RequestError::BadField(
                "Each variable in env must have a name of its own.",
            ));
        }
        names.push(name);
        env.push(format!("{name}={value}"));
    }
    env.sort_unstable();
    Ok(env)
}

/// Whether a shell accepts a name (POSIX, Base Definitions, 8.1).
fn is_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// The command; empty if the order has none.
pub fn command(command: Option<Vec<String>>) -> Result<Vec<String>, RequestError> {
    let Some(command) = command else {
        return Ok(Vec::new());
    };
    let bytes = command.iter().map(|argument| listed_bytes(argument) + 1);
    let is_whole = command.iter().all(|argument| !argument.contains('\0'));
    // An Engine would use the image's command in place of an empty one.
    if command.is_empty() || bytes.sum::<usize>() > COMMAND_BYTES_MAX || !is_whole {
        return Err(RequestError::BadField(
            "command must be a list of at least one text without a NUL, with at most 2 KiB of JSON, counting a byte after each text.",
        ));
    }
    Ok(command)
}
