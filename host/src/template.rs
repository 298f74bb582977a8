//! The manifest's templates: text that contains `{{ variable }}`.

use std::collections::BTreeMap;

use anyhow::{Context, Result};

/// Text with placeholders for application variables, which are filled in at start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Literal(String),
    Variable(String),
}

impl Template {
    /// Reads a template; every `{{` needs its `}}`.
    pub fn parse(text: &str) -> Result<Self> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            let (name, after) = after
                .split_once("}}")
                .with_context(|| format!("the template {text:?} has `{{{{` without `}}}}`"))?;
            if !before.is_empty() {
                parts.push(Part::Literal(before.to_owned()));
            }
            parts.push(Part::Variable(name.trim().to_owned()));
            rest = after;
        }
        if !rest.is_empty() {
            parts.push(Part::Literal(rest.to_owned()));
        }
        Ok(Self(parts))
    }

    /// The names of the variables that it uses.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| match part {
            Part::Variable(name) => Some(name.as_str()),
            Part::Literal(_) => None,
        })
    }

    /// The text with every variable filled in; `None` if one of them has no value.
    pub fn resolve(&self, values: &BTreeMap<String, String>) -> Option<String> {
        let mut text = String::new();
        for part in &self.0 {
            match part {
                Part::Literal(literal) => text.push_str(literal),
                Part::Variable(name) => text.push_str(values.get(name)?),
            }
        }
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values() -> BTreeMap<String, String> {
        BTreeMap::from([
            ("host".to_owned(), "engine".to_owned()),
            ("port".to_owned(), "2375".to_owned()),
        ])
    }

    #[test]
    fn variables_are_filled_in_with_or_without_spaces() {
        let template = Template::parse("http://{{host}}:{{ port }}").unwrap();
        assert_eq!(
            template.resolve(&values()).as_deref(),
            Some("http://engine:2375")
        );
        assert_eq!(template.variables().collect::<Vec<_>>(), ["host", "port"]);
    }

    #[test]
    fn plain_text_stays_as_it_is() {
        let template = Template::parse("a } { b").unwrap();
        assert_eq!(template.resolve(&values()).as_deref(), Some("a } { b"));
    }

    #[test]
    fn an_unclosed_template_is_an_error() {
        assert!(Template::parse("http://{{ host").is_err());
    }

    #[test]
    fn a_variable_without_a_value_leaves_nothing() {
        let template = Template::parse("{{ absent }}").unwrap();
        assert_eq!(template.resolve(&values()), None);
    }
}
