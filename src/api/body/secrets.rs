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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::{check_refused, parse};
    use super::*;

    #[test]
    fn the_largest_secrets_are_taken_and_no_more() {
        let content = "x".repeat(SECRETS_BYTES_MAX / SECRETS_MAX);
        let members = (0..SECRETS_MAX).map(|number| (number.to_string(), json!(content)));
        let mut body = json!({"environment": "e"});
        body["secrets"] = members.collect::<serde_json::Map<_, _>>().into();
        parse(&body).expect("an order");
        body["secrets"]["one-more"] = "".into();
        check_refused(&body, "secrets");
        let one = "x".repeat(SECRETS_BYTES_MAX + 1);
        check_refused(
            &json!({"environment": "e", "secrets": {"a": {"value": one}}}),
            "secrets",
        );
    }

    #[test]
    fn a_name_that_leaves_its_folder_or_could_be_misread_is_refused() {
        let long = "a".repeat(65);
        for name in [
            "", "..", ".", "../a", "a/b", "/a", "a.b", "A", "a_b", "a b", "a\u{0}", "é", &long,
        ] {
            let body = json!({"environment": "e", "secrets": {name: "planted"}});
            check_refused(&body, "secret");
        }
    }

    #[test]
    fn a_secret_may_have_an_owner() {
        let secrets = json!({"a": "1", "b": {"value": "2"}, "c": {"owner": 0, "value": "3"},
                             "d": {"value": "", "owner": 2_147_483_647_u32}});
        let order = parse(&json!({"environment": "e", "secrets": secrets})).expect("an order");
        let found: Vec<_> = order
            .secrets
            .iter()
            .map(|file| (file.content.expose(), file.owner))
            .collect();
        let expected = [
            ("1", None),
            ("2", None),
            ("3", Some(0)),
            ("", Some(2_147_483_647)),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_secret_of_another_form_is_refused() {
        for secret in [
            json!(null),
            json!(1),
            json!(["planted"]),
            json!({}),
            json!({"owner": 1}),
            json!({"value": 1}),
            json!({"value": null}),
            json!({"value": "planted", "owner": null}),
            json!({"value": "planted", "owner": -1}),
            json!({"value": "planted", "owner": 1.5}),
            json!({"value": "planted", "owner": "root"}),
            json!({"value": "planted", "owner": 2_147_483_648_u32}),
            json!({"value": "planted", "Owner": 1}),
            json!({"value": "planted", "mode": 420}),
        ] {
            check_refused(
                &json!({"environment": "e", "secrets": {"a": secret}}),
                "A secret",
            );
        }
    }
}
