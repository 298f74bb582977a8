//! Collects the values of application variables, and reports missing ones.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};

use crate::manifest::Declaration;

/// The prefix of environment variables that set application variables.
pub const ENVIRONMENT_PREFIX: &str = "SPIN_VARIABLE_";

/// Reads one `--variable` flag, `name=value` or `name=@file`.
pub fn parse_flag(flag: &str) -> Result<(String, String)> {
    // A flag without `=` may be a secret whose name was forgotten, so it is not repeated.
    let (name, value) = flag
        .split_once('=')
        .context("--variable takes NAME=VALUE or NAME=@FILE")?;
    let value = match value.strip_prefix('@') {
        None => value.to_owned(),
        Some(file) => {
            let text = std::fs::read_to_string(file)
                .with_context(|| format!("--variable {name}: cannot read {file}"))?;
            without_newline(&text).to_owned()
        }
    };
    Ok((name.to_owned(), value))
}

// Editors and `echo` end a file with a newline that is not meant to be part of the value.
fn without_newline(text: &str) -> &str {
    let text = text.strip_suffix('\n').unwrap_or(text);
    text.strip_suffix('\r').unwrap_or(text)
}

/// The environment variable that sets the application variable `name`.
pub fn environment_name(name: &str) -> String {
    format!("{ENVIRONMENT_PREFIX}{}", name.to_uppercase())
}

/// The `SPIN_VARIABLE_…` part of the process's environment.
pub fn from_environment() -> Result<BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    for (name, value) in std::env::vars_os() {
        let Some(name) = name.to_str() else { continue };
        if name.starts_with(ENVIRONMENT_PREFIX) {
            let Ok(value) = value.into_string() else {
                bail!("the value of {name} is not UTF-8");
            };
            found.insert(name.to_owned(), value);
        }
    }
    Ok(found)
}

/// Gives every declared variable its value: a flag wins over the environment, which wins over the default.
pub fn resolve(
    declared: &BTreeMap<String, Declaration>,
    flags: &BTreeMap<String, String>,
    environment: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>> {
    if let Some(unknown) = flags.keys().find(|name| !declared.contains_key(*name)) {
        let known: Vec<_> = declared.keys().map(String::as_str).collect();
        bail!(
            "--variable {unknown}: the manifest declares no such variable; it declares {}",
            known.join(", ")
        );
    }
    let mut values = BTreeMap::new();
    let mut missing = Vec::new();
    for (name, declaration) in declared {
        let value = flags
            .get(name)
            .or_else(|| environment.get(&environment_name(name)))
            .or(declaration.default.as_ref());
        match value {
            Some(value) => {
                values.insert(name.clone(), value.clone());
            }
            None => missing.push(describe(name, declaration)),
        }
    }
    if !missing.is_empty() {
        bail!("required variables have no value:{}", missing.concat());
    }
    Ok(values)
}

fn describe(name: &str, declaration: &Declaration) -> String {
    let mut line = format!(
        "\n  {name}: set {} or --variable {name}=…",
        environment_name(name)
    );
    if declaration.secret {
        let file = format!("; it is a secret, so prefer a file: --variable {name}=@FILE");
        line.push_str(&file);
    }
    if let Some(description) = &declaration.description {
        line.push_str(&format!("\n    ({description})"));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declared() -> BTreeMap<String, Declaration> {
        let required = Declaration {
            secret: true,
            description: Some("what BastionZero was given".to_owned()),
            ..Declaration::default()
        };
        let optional = Declaration {
            default: Some("default".to_owned()),
            ..Declaration::default()
        };
        let declared = [("secret", required), ("docker_url", optional)];
        declared
            .map(|(name, declared)| (name.to_owned(), declared))
            .into()
    }

    fn map<const N: usize>(pairs: [(&str, &str); N]) -> BTreeMap<String, String> {
        pairs
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into()
    }

    fn error_of<const N: usize>(flags: [(&str, &str); N]) -> String {
        let error = resolve(&declared(), &map(flags), &map([])).unwrap_err();
        error.to_string()
    }

    #[test]
    fn a_missing_required_variable_is_named_with_both_ways_to_set_it() {
        let error = error_of([]);
        for told in [
            "SPIN_VARIABLE_SECRET",
            "--variable secret=…",
            "what BastionZero was given",
        ] {
            assert!(error.contains(told), "{error}");
        }
        assert!(!error.contains("docker_url"), "{error}");
    }

    #[test]
    fn flags_come_before_the_environment_and_that_before_the_default() {
        let (secret, url) = ("SPIN_VARIABLE_SECRET", "SPIN_VARIABLE_DOCKER_URL");
        let flag = map([("secret", "flag")]);
        for (flags, environment, expected) in [
            (&flag, map([(secret, "x"), (url, "x")]), ["flag", "x"]),
            (&flag, map([]), ["flag", "default"]),
            // An empty value is one too.
            (&map([]), map([(secret, "s"), (url, "")]), ["s", ""]),
        ] {
            let values = resolve(&declared(), flags, &environment).unwrap();
            let [secret, url] = expected;
            assert_eq!(values, map([("secret", secret), ("docker_url", url)]));
        }
    }

    #[test]
    fn an_unknown_flag_is_an_error_that_lists_the_known_names_and_no_value() {
        let error = error_of([("secert", "hunter2")]);
        assert!(error.contains("secert"), "{error}");
        assert!(error.contains("docker_url, secret"), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }

    #[test]
    fn a_flag_keeps_everything_after_its_first_equals_sign() {
        let (name, value) = parse_flag("secret=a=b==").unwrap();
        assert_eq!((name.as_str(), value.as_str()), ("secret", "a=b=="));
    }

    #[test]
    fn a_flag_without_a_name_is_not_repeated_in_the_error() {
        let error = parse_flag("hunter2").unwrap_err().to_string();
        assert!(!error.contains("hunter2"), "{error}");
    }

    #[test]
    fn only_the_last_newline_of_a_file_is_trimmed() {
        assert_eq!(without_newline("a\n"), "a");
        assert_eq!(without_newline("a\r\n"), "a");
        assert_eq!(without_newline("a\n\n"), "a\n");
        assert_eq!(without_newline(" a "), " a ");
    }
}
