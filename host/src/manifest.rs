//! Reads Spin's manifest, version 2, and refuses whatever this host does not support.
//!
//! A key that would change what the component sees or may do is an error and never ignored: an application must not
//! behave differently here than on Spin.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use toml::{Table, Value};

use crate::allowed_hosts::AllowedHosts;
use crate::route::Route;
use crate::template::Template;

/// An application with one HTTP trigger and its component.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// The application's name.
    pub name: String,
    /// The application variables that it declares.
    pub variables: BTreeMap<String, Declaration>,
    /// The paths that the component serves.
    pub route: Route,
    /// The component's id.
    pub component: String,
    /// The component's WebAssembly file.
    pub source: PathBuf,
    /// The command that builds the component, to show when its file is missing.
    pub build: Option<String>,
    /// The hosts that the component may reach.
    pub allowed_hosts: Vec<Template>,
    /// The variables that the component sees.
    pub component_variables: BTreeMap<String, Template>,
}

/// The declaration of an application variable; without a default it is required.
#[derive(Clone, Debug)]
pub struct Declaration {
    /// The value if none is given.
    pub default: Option<String>,
    /// Whether the value is sensitive.
    pub secret: bool,
    /// Its description.
    pub description: Option<String>,
}

#[derive(Deserialize)]
struct RawManifest {
    spin_manifest_version: i64,
    application: RawApplication,
    #[serde(default)]
    variables: BTreeMap<String, RawVariable>,
    #[serde(default)]
    trigger: BTreeMap<String, Value>,
    #[serde(default)]
    component: BTreeMap<String, RawComponent>,
    #[serde(flatten)]
    rest: Table,
}

#[derive(Deserialize)]
struct RawApplication {
    name: String,
    #[serde(flatten)]
    rest: Table,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawVariable {
    default: Option<String>,
    #[serde(default)]
    required: bool,
    #[serde(default)]
    secret: bool,
    description: Option<String>,
}

#[derive(Deserialize)]
struct RawTrigger {
    route: Value,
    component: Value,
    #[serde(flatten)]
    rest: Table,
}

#[derive(Deserialize)]
struct RawComponent {
    source: Value,
    #[serde(default)]
    allowed_outbound_hosts: Vec<String>,
    #[serde(default)]
    variables: BTreeMap<String, String>,
    build: Option<RawBuild>,
    #[serde(flatten)]
    rest: Table,
}

#[derive(Deserialize)]
struct RawBuild {
    command: Value,
}

impl Manifest {
    /// Reads the manifest `file`.
    pub fn read(file: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(file).with_context(|| {
            format!(
                "cannot read {} (use --from to name another file)",
                file.display()
            )
        })?;
        let folder = file.parent().unwrap_or(Path::new(""));
        Self::parse(&text, folder).with_context(|| file.display().to_string())
    }

    /// Reads a manifest from its text; a relative `source` is below `folder`.
    pub fn parse(text: &str, folder: &Path) -> Result<Self> {
        let raw: RawManifest = toml::from_str(text)?;
        ensure!(
            raw.spin_manifest_version == 2,
            "spin_manifest_version is {}; this host reads version 2",
            raw.spin_manifest_version
        );
        refuse_other_keys("the manifest", &raw.rest, &[])?;
        refuse_other_keys(
            "[application]",
            &raw.application.rest,
            &["version", "description", "authors"],
        )?;
        let variables = declarations(raw.variables)?;
        let (route, id) = the_trigger(raw.trigger)?;
        let component = raw
            .component
            .into_iter()
            .find_map(|(name, component)| (name == id).then_some(component))
            .with_context(|| {
                format!("the trigger names the component `{id}`, which is not declared")
            })?;
        let place = format!("[component.{id}]");
        refuse_other_keys(&place, &component.rest, &["description"])?;
        let Value::String(source) = component.source else {
            bail!("{place}: this host does not support a `source` that is not a path");
        };
        let manifest = Self {
            name: raw.application.name,
            source: folder.join(source),
            build: component.build.and_then(command),
            allowed_hosts: templates(component.allowed_outbound_hosts, &variables)
                .with_context(|| format!("{place} allowed_outbound_hosts"))?,
            component_variables: component_variables(component.variables, &variables)
                .with_context(|| format!("[component.{id}.variables]"))?,
            variables,
            route,
            component: id,
        };
        manifest
            .check_default_hosts()
            .with_context(|| format!("{place} allowed_outbound_hosts"))?;
        Ok(manifest)
    }

    // As in Spin, entries that use no variable are checked even before values are known.
    fn check_default_hosts(&self) -> Result<()> {
        let defaults = self
            .variables
            .iter()
            .filter_map(|(name, declared)| Some((name.clone(), declared.default.clone()?)))
            .collect();
        let hosts = self
            .allowed_hosts
            .iter()
            .filter_map(|host| host.resolve(&defaults));
        AllowedHosts::parse(hosts).map(drop)
    }
}

fn refuse_other_keys(place: &str, rest: &Table, harmless: &[&str]) -> Result<()> {
    match rest.keys().find(|key| !harmless.contains(&key.as_str())) {
        None => Ok(()),
        Some(key) => {
            bail!("{place} has `{key}`, which this host does not support: run it with Spin itself")
        }
    }
}

fn declarations(raw: BTreeMap<String, RawVariable>) -> Result<BTreeMap<String, Declaration>> {
    raw.into_iter()
        .map(|(name, raw)| {
            ensure!(
                is_variable_name(&name),
                "[variables] {name}: a name is lower-case letters, digits and single underscores, and begins with a letter"
            );
            ensure!(
                raw.required != raw.default.is_some(),
                "[variables] {name}: needs either `default` or `required = true`"
            );
            let declaration = Declaration {
                default: raw.default,
                secret: raw.secret,
                description: raw.description,
            };
            Ok((name, declaration))
        })
        .collect()
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

fn the_trigger(triggers: BTreeMap<String, Value>) -> Result<(Route, String)> {
    if let Some(other) = triggers.keys().find(|kind| *kind != "http") {
        bail!("[[trigger.{other}]]: this host only supports [[trigger.http]]");
    }
    let http = triggers
        .into_values()
        .next()
        .context("there is no [[trigger.http]]")?;
    let mut http: Vec<RawTrigger> = http.try_into().context("[[trigger.http]]")?;
    let trigger = match http.pop() {
        Some(trigger) if http.is_empty() => trigger,
        _ => bail!("this host supports exactly one [[trigger.http]]"),
    };
    refuse_other_keys("[[trigger.http]]", &trigger.rest, &["id"])?;
    let (Value::String(route), Value::String(component)) = (trigger.route, trigger.component)
    else {
        bail!(
            "[[trigger.http]]: this host only supports a `route` and a `component` that are text"
        );
    };
    Ok((Route::parse(&route)?, component))
}

// Spin also takes several commands at once.
fn command(build: RawBuild) -> Option<String> {
    match build.command {
        Value::String(command) => Some(command),
        Value::Array(commands) => {
            let commands: Vec<_> = commands.iter().filter_map(Value::as_str).collect();
            Some(commands.join(" && "))
        }
        _ => None,
    }
}

fn templates(
    texts: Vec<String>,
    declared: &BTreeMap<String, Declaration>,
) -> Result<Vec<Template>> {
    texts.iter().map(|text| template(text, declared)).collect()
}

fn component_variables(
    raw: BTreeMap<String, String>,
    declared: &BTreeMap<String, Declaration>,
) -> Result<BTreeMap<String, Template>> {
    raw.into_iter()
        .map(|(name, text)| {
            ensure!(
                is_variable_name(&name),
                "`{name}` is not a valid name for a variable"
            );
            Ok((name, template(&text, declared)?))
        })
        .collect()
}

fn template(text: &str, declared: &BTreeMap<String, Declaration>) -> Result<Template> {
    let template = Template::parse(text)?;
    if let Some(name) = template
        .variables()
        .find(|name| !declared.contains_key(*name))
    {
        bail!("{text:?} uses the variable `{name}`, which [variables] does not declare");
    }
    Ok(template)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = r#"
        spin_manifest_version = 2
        [application]
        name = "app"
        version = "1.0.0"
        description = "An application"
        [variables]
        secret = { required = true, secret = true, description = "A secret" }
        url = { default = "http://127.0.0.1:2375" }
        [[trigger.http]]
        route = "/..."
        component = "web"
        [component.web]
        source = "target/app.wasm"
        allowed_outbound_hosts = ["{{ url }}"]
        [component.web.build]
        command = "make"
        watch = ["src"]
        [component.web.variables]
        secret = "{{ secret }}"
    "#;

    fn parse(text: &str) -> Result<Manifest> {
        Manifest::parse(text, Path::new("/app"))
    }

    fn error_of(from: &str, to: &str) -> String {
        assert!(WHOLE.contains(from), "{from:?} is in the manifest");
        format!("{:#}", parse(&WHOLE.replacen(from, to, 1)).unwrap_err())
    }

    #[test]
    fn a_whole_manifest_is_read() {
        let manifest = parse(WHOLE).unwrap();
        assert_eq!(manifest.name, "app");
        assert_eq!(manifest.component, "web");
        assert_eq!(manifest.source, Path::new("/app/target/app.wasm"));
        assert_eq!(manifest.build.as_deref(), Some("make"));
        assert!(manifest.variables["secret"].secret);
        assert_eq!(manifest.variables["secret"].default, None);
        assert_eq!(manifest.allowed_hosts.len(), 1);
        assert_eq!(manifest.component_variables.len(), 1);
    }

    #[test]
    fn what_would_change_behaviour_is_refused_by_name() {
        let component = r#"source = "target/app.wasm""#;
        for key in ["files", "environment", "key_value_stores", "ai_models"] {
            let error = error_of(component, &format!("{component}\n{key} = []"));
            assert!(error.contains(key), "{error}");
            assert!(error.contains("does not support"), "{error}");
        }
        let error = error_of("[[trigger.http]]", "[[trigger.redis]]");
        assert!(error.contains("redis"), "{error}");
        let error = error_of("component = \"web\"", "component = \"web\"\nexecutor = {}");
        assert!(error.contains("executor"), "{error}");
        let error = error_of("[variables]", "[outbound]\nx = 1\n[variables]");
        assert!(error.contains("outbound"), "{error}");
    }

    #[test]
    fn a_second_trigger_is_refused() {
        let more = "[[trigger.http]]\nroute = \"/x\"\ncomponent = \"web\"\n[component.web]";
        let error = error_of("[component.web]", more);
        assert!(error.contains("exactly one"), "{error}");
    }

    #[test]
    fn a_template_of_an_undeclared_variable_is_named() {
        let error = error_of("{{ url }}", "{{ uri }}");
        assert!(error.contains("`uri`"), "{error}");
        assert!(error.contains("allowed_outbound_hosts"), "{error}");
    }

    #[test]
    fn a_default_that_cannot_be_an_allowed_host_is_an_error() {
        let error = error_of("http://127.0.0.1:2375", "127.0.0.1:2375");
        assert!(error.contains("allowed_outbound_hosts"), "{error}");
    }

    #[test]
    fn a_variable_is_either_required_or_has_a_default() {
        for neither_or_both in ["{ }", "{ default = \"x\", required = true }"] {
            let error = error_of("{ default = \"http://127.0.0.1:2375\" }", neither_or_both);
            assert!(error.contains("url"), "{error}");
        }
    }

    #[test]
    fn another_version_of_the_manifest_is_refused() {
        let error = error_of("spin_manifest_version = 2", "spin_manifest_version = 1");
        assert!(error.contains("version 2"), "{error}");
    }

    #[test]
    fn a_trigger_without_its_component_is_named() {
        let error = error_of("component = \"web\"", "component = \"wbe\"");
        assert!(error.contains("`wbe`"), "{error}");
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
}
