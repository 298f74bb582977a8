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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::tests::{check_refused, parse};

    fn with(member: &str, value: Value) -> Value {
        let mut body = json!({"environment": "e"});
        body[member] = value;
        body
    }

    #[test]
    fn an_order_may_have_variables_and_a_command() {
        let mut body = with("env", json!({"b": "", "_A1": "x=y\nz", "TZ": "UTC"}));
        body["command"] = json!(["sh", "-c", ""]);
        let order = parse(&body).expect("an order");
        assert_eq!(order.env, ["TZ=UTC", "_A1=x=y\nz", "b="]);
        assert_eq!(order.choices.command, ["sh", "-c", ""]);
        let none = parse(&json!({"environment": "e", "command": null, "env": {}}));
        let none = none.expect("an order");
        assert_eq!((none.env.len(), none.choices.command.len()), (0, 0));
    }

    #[test]
    fn variables_keep_their_bounds() {
        let many = |count: usize| {
            let members = (0..count).map(|number| (format!("V{number}"), json!("")));
            with("env", members.collect::<serde_json::Map<_, _>>().into())
        };
        parse(&many(32)).expect("an order");
        check_refused(&many(33), "env may have");
        let long = |bytes| with("env", json!({"V": "x".repeat(bytes)}));
        parse(&long(16 * 1024 - 1)).expect("an order");
        check_refused(&long(16 * 1024), "env may have");
    }

    #[test]
    fn a_variable_that_a_shell_or_an_engine_could_misread_is_refused() {
        for name in [
            "", "1", "A-B", "A.B", " A", "A ", "A=B", "A\n", "é", "A\u{0}",
        ] {
            let env = json!({name: "planted"});
            check_refused(&with("env", env), "env must have names");
        }
        let env = json!({"A": "planted\u{0}"});
        check_refused(&with("env", env), "env must have names");
        let other_types = [json!(["A=planted"]), json!({"A": 1}), json!({"A": null})];
        for env in other_types.into_iter().chain([Value::Null]) {
            check_refused(&with("env", env), "The request body");
        }
    }

    #[test]
    fn a_command_keeps_its_bounds() {
        parse(&with("command", json!(["x".repeat(2047)]))).expect("an order");
        parse(&with("command", json!(vec![""; 2048]))).expect("an order");
        for command in [
            json!([]),
            json!(["x".repeat(2048)]),
            json!(vec![""; 2049]),
            json!(["planted\u{0}"]),
            json!(["\u{1}".repeat(342)]),
        ] {
            check_refused(&with("command", command), "command must be");
        }
        for command in [json!("planted"), json!([1]), json!([null]), json!({})] {
            check_refused(&with("command", command), "The request body");
        }
    }
}
