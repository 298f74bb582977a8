//! Reads Spin's manifest, version 2, and refuses whatever this host does not support.
//!
//! A key that this host does not know is an error: an application must not behave differently here than on Spin.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail, ensure};
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::allowed_hosts::AllowedHosts;

/// An application with one HTTP trigger and its component.
#[derive(Clone, Debug)]
pub struct Manifest {
    pub variables: BTreeMap<String, Declaration>,
    pub id: String,
    pub component: Component,
}

/// The declaration of an application variable; it has a default or is required.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Declaration {
    pub default: Option<String>,
    #[serde(default)]
    pub required: bool,
    #[serde(default, rename = "secret")]
    _secret: IgnoredAny,
    pub description: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Component {
    pub source: PathBuf,
    #[serde(default)]
    pub allowed_outbound_hosts: Vec<Template>,
    #[serde(default)]
    pub variables: BTreeMap<String, Template>,
    pub build: Option<Build>,
    #[serde(default, rename = "description")]
    _description: IgnoredAny,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Build {
    pub command: String,
}

/// A text, or the application variable that is filled in at start: `{{ variable }}`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Template {
    Text(String),
    Variable(String),
}

/// The manifest as it is written. A field that begins with `_` only describes the application.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawManifest {
    spin_manifest_version: i64,
    #[serde(rename = "application")]
    _application: RawApplication,
    #[serde(default)]
    variables: BTreeMap<String, Declaration>,
    trigger: RawTriggers,
    #[serde(default)]
    component: BTreeMap<String, Component>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawApplication {
    #[serde(rename = "name")]
    _name: IgnoredAny,
    #[serde(default, rename = "version")]
    _version: IgnoredAny,
    #[serde(default, rename = "description")]
    _description: IgnoredAny,
    #[serde(default, rename = "authors")]
    _authors: IgnoredAny,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTriggers {
    http: Vec<RawTrigger>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTrigger {
    route: String,
    component: String,
    #[serde(default, rename = "id")]
    _id: IgnoredAny,
}

impl Manifest {
    /// Reads the manifest `file`.
    pub fn read(file: &Path) -> Result<Self> {
        let shown = file.display();
        let text = std::fs::read_to_string(file)
            .with_context(|| format!("cannot read {shown} (use --from to name another file)"))?;
        let folder = file.parent().unwrap_or(Path::new(""));
        Self::parse(&text, folder).with_context(|| shown.to_string())
    }

    /// Reads a manifest from its text; a relative `source` is below `folder`.
    fn parse(text: &str, folder: &Path) -> Result<Self> {
        let raw: RawManifest = toml::from_str(text).context(
            "this host does not support this manifest, or it is wrong: run it with Spin itself",
        )?;
        let (version, variables) = (raw.spin_manifest_version, raw.variables);
        ensure!(
            version == 2,
            "spin_manifest_version is {version}; this host reads version 2"
        );
        let [trigger] = <[RawTrigger; 1]>::try_from(raw.trigger.http)
            .map_err(|_| anyhow!("this host supports exactly one [[trigger.http]]"))?;
        ensure!(
            trigger.route == "/...",
            "[[trigger.http]]: this host only supports the route \"/...\", which is every path"
        );
        let (id, mut components) = (trigger.component, raw.component);
        let mut component = components.remove(&id).with_context(|| {
            format!("the trigger names the component `{id}`, which is not declared")
        })?;
        component.source = folder.join(component.source);
        for (name, declaration) in &variables {
            ensure!(
                declaration.required != declaration.default.is_some(),
                "[variables] {name}: needs either `default` or `required = true`"
            );
        }
        for name in variables.keys().chain(component.variables.keys()) {
            ensure!(
                is_variable_name(name),
                "variable {name}: a name is lower-case letters, digits and single underscores, and begins with a letter"
            );
        }
        let hosts = component.allowed_outbound_hosts.iter();
        let names = hosts.clone().chain(component.variables.values());
        for name in names.filter_map(Template::variable) {
            ensure!(
                variables.contains_key(name),
                "[component.{id}]: [variables] does not declare the variable `{name}`"
            );
        }
        // As in Spin, entries that need no given value are checked before values are known.
        let defaults = variables.iter();
        let defaults = defaults
            .filter_map(|(name, declared)| Some((name.clone(), declared.default.clone()?)))
            .collect();
        AllowedHosts::parse(hosts.filter_map(|entry| entry.resolve(&defaults)))
            .with_context(|| format!("[component.{id}] allowed_outbound_hosts"))?;
        Ok(Self {
            variables,
            id,
            component,
        })
    }

    /// The value of every declared variable: one of `given`, by name, else one of `environment`, by `SPIN_VARIABLE_…`
    /// name, else the default.
    pub fn values(
        &self,
        given: &BTreeMap<String, String>,
        environment: &BTreeMap<String, String>,
    ) -> Result<BTreeMap<String, String>> {
        if let Some(unknown) = given
            .keys()
            .find(|name| !self.variables.contains_key(*name))
        {
            let known: Vec<_> = self.variables.keys().map(String::as_str).collect();
            let known = known.join(", ");
            bail!("the manifest declares no variable {unknown}; it declares {known}");
        }
        let mut values = BTreeMap::new();
        let mut missing = String::new();
        for (name, declared) in &self.variables {
            let variable = format!("SPIN_VARIABLE_{}", name.to_uppercase());
            let value = given.get(name).or_else(|| environment.get(&variable));
            if let Some(value) = value.or(declared.default.as_ref()) {
                values.insert(name.clone(), value.clone());
            } else {
                let description = declared.description.as_deref().unwrap_or_default();
                missing.push_str(&format!("\n  {name}: set {variable}\n    ({description})"));
            }
        }
        ensure!(
            missing.is_empty(),
            "required variables have no value:{missing}"
        );
        Ok(values)
    }
}

impl Template {
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

impl TryFrom<String> for Template {
    type Error = anyhow::Error;

    fn try_from(text: String) -> Result<Self> {
        if !text.contains("{{") {
            return Ok(Self::Text(text));
        }
        let inner = text.strip_prefix("{{");
        let inner = inner.and_then(|inner| inner.strip_suffix("}}"));
        match inner.filter(|inner| !inner.contains(['{', '}'])) {
            Some(name) => Ok(Self::Variable(name.trim().to_owned())),
            None => bail!("this host supports no template but `{{{{ variable }}}}`: {text:?}"),
        }
    }
}

/// Whether Spin accepts `name` as the name of a variable.
pub fn is_variable_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        && !name.ends_with('_')
        && !name.contains("__")
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = r#"
        spin_manifest_version = 2
        [application]
        name = "app"
        [variables]
        secret = { required = true, secret = true, description = "A secret" }
        url = { default = "http://127.0.0.1:2375" }
        [[trigger.http]]
        id = "all"
        route = "/..."
        component = "web"
        [component.web]
        source = "target/app.wasm"
        allowed_outbound_hosts = ["{{ url }}"]
        [component.web.build]
        command = "make"
        watch = ["src"]
        [component.web.variables]
        secret = "{{secret}}"
        text = "a } { b"
    "#;

    fn parse(text: &str) -> Result<Manifest> {
        Manifest::parse(text, Path::new("/app"))
    }

    fn map<const N: usize>(pairs: [(&str, &str); N]) -> BTreeMap<String, String> {
        pairs
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into()
    }

    #[test]
    fn a_whole_manifest_is_read() {
        let Manifest { id, component, .. } = parse(WHOLE).unwrap();
        assert_eq!(id, "web");
        assert_eq!(component.source, Path::new("/app/target/app.wasm"));
        assert_eq!(component.build.unwrap().command, "make");
        let values = map([("secret", "s")]);
        let resolved = |template: &Template| template.resolve(&values);
        let seen = component.variables.values().map(resolved);
        let seen: Vec<_> = seen.map(Option::unwrap).collect();
        assert_eq!(seen, ["s", "a } { b"]);
        let hosts = component.allowed_outbound_hosts.iter().map(resolved);
        assert_eq!(hosts.collect::<Vec<_>>(), [None]);
    }

    #[test]
    fn what_this_host_does_not_do_like_spin_is_refused_by_name() {
        let component = r#"source = "target/app.wasm""#;
        let more = "[[trigger.http]]\nroute = \"/...\"\ncomponent = \"web\"\n[component.web]";
        let url = "{ default = \"http://127.0.0.1:2375\" }";
        let both = "{ default = \"x\", required = true }";
        let error_of = |from: &str, to: &str| {
            assert!(WHOLE.contains(from), "{from:?} is in the manifest");
            format!("{:#}", parse(&WHOLE.replacen(from, to, 1)).unwrap_err())
        };
        for (from, to, named) in [
            ("manifest_version = 2", "manifest_version = 1", "version 2"),
            ("[[trigger.http]]", "[[trigger.redis]]", "redis"),
            ("route = \"/...\"", "route = \"/start\"", "route"),
            ("id = \"all\"", "executor = {}", "executor"),
            ("[variables]", "[outbound]\nx = 1\n[variables]", "outbound"),
            ("name = \"app\"", "", "name"),
            ("[application]", "[application]\ntrigger = {}", "trigger"),
            ("component = \"web\"", "component = \"wbe\"", "`wbe`"),
            (component, "source = { url = \"x\" }", "source"),
            ("[component.web]", more, "exactly one"),
            ("{{ url }}", "{{ uri }}", "`uri`"),
            ("{{ url }}", "{{ url", "no template"),
            ("{{ url }}", "http://{{ url }}", "no template"),
            ("{{ url }}", "{{ url }}{{ url }}", "no template"),
            ("http://127.0.0.1", "127.0.0.1", "allowed_outbound_hosts"),
            ("text = ", "te-xt = ", "te-xt"),
            // A variable is either required or has a default.
            (url, "{ }", "url"),
            (url, both, "url"),
        ] {
            let error = error_of(from, to);
            assert!(error.contains(named), "{to}: {error}");
        }
        for key in ["files", "environment", "key_value_stores", "ai_models"] {
            let error = error_of(component, &format!("{component}\n{key} = []"));
            assert!(error.contains(key), "{error}");
            assert!(error.contains("does not support"), "{error}");
        }
    }

    #[test]
    fn names_of_variables_are_those_of_spin() {
        for good in ["a", "docker_url", "a1_b2"] {
            assert!(is_variable_name(good), "{good}");
        }
        for bad in ["", "A", "1a", "_a", "a_", "a__b", "a-b"] {
            assert!(!is_variable_name(bad), "{bad}");
        }
    }

    #[test]
    fn given_values_come_before_the_environment_and_that_before_the_default() {
        let (secret, url) = ("SPIN_VARIABLE_SECRET", "SPIN_VARIABLE_URL");
        let given = map([("secret", "given")]);
        for (given, environment, expected) in [
            (&given, map([(secret, "x"), (url, "x")]), ["given", "x"]),
            (&given, map([]), ["given", "http://127.0.0.1:2375"]),
            // An empty value is one too.
            (&map([]), map([(secret, "s"), (url, "")]), ["s", ""]),
        ] {
            let values = parse(WHOLE).unwrap().values(given, &environment).unwrap();
            let [secret, url] = expected;
            assert_eq!(values, map([("secret", secret), ("url", url)]));
        }
    }

    #[test]
    fn a_variable_without_a_value_and_an_unknown_one_are_named_and_no_value_is() {
        for (given, told) in [
            (map([]), ["SPIN_VARIABLE_SECRET", "A secret"]),
            (map([("secert", "hunter2")]), ["secert", "secret, url"]),
        ] {
            let error = parse(WHOLE).unwrap().values(&given, &map([])).unwrap_err();
            let error = error.to_string();
            assert!(told.iter().all(|told| error.contains(told)), "{error}");
            assert!(
                !error.contains("hunter2") && !error.contains("127"),
                "{error}"
            );
        }
    }
}
