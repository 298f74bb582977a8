//! The manifest's templates: a text, or one variable as `{{ variable }}`.

use std::collections::BTreeMap;

use anyhow::{Result, bail};

/// A text, or the application variable that is filled in at start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Template {
    /// This text.
    Text(String),
    /// The value of this variable.
    Variable(String),
}

impl Template {
    /// Reads a template. This host supports no variables within a longer text.
    pub fn parse(text: &str) -> Result<Self> {
        if !text.contains("{{") {
            return Ok(Self::Text(text.to_owned()));
        }
        let inner = text.strip_prefix("{{");
        let inner = inner.and_then(|inner| inner.strip_suffix("}}"));
        match inner.filter(|inner| !inner.contains(['{', '}'])) {
            Some(name) => Ok(Self::Variable(name.trim().to_owned())),
            None => bail!("this host supports no template but `{{{{ variable }}}}`: {text:?}"),
        }
    }

    /// The name of its variable, if it has one.
    pub fn variable(&self) -> Option<&str> {
        match self {
            Self::Text(_) => None,
            Self::Variable(name) => Some(name),
        }
    }

    /// The text; `None` if its variable has no value.
    pub fn resolve(&self, values: &BTreeMap<String, String>) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.clone()),
            Self::Variable(name) => values.get(name).cloned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_is_filled_in_with_or_without_spaces_and_a_text_stays_as_it_is() {
        let values = BTreeMap::from([("host".to_owned(), "engine".to_owned())]);
        for (text, resolved) in [
            ("{{host}}", Some("engine")),
            ("{{ host }}", Some("engine")),
            ("{{ absent }}", None),
            ("a } { b", Some("a } { b")),
        ] {
            let template = Template::parse(text).unwrap();
            assert_eq!(template.resolve(&values).as_deref(), resolved, "{text}");
        }
    }

    #[test]
    fn another_template_is_an_error() {
        for text in ["{{ host", "http://{{ host }}", "{{ host }}{{ port }}"] {
            assert!(Template::parse(text).is_err(), "{text}");
        }
    }
}
