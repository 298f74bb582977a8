//! Reads Spin's manifest, version 2, and refuses whatever this host does not support.
//!
//! A key that this host does not know is an error: an application must not behave differently here than on Spin.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, ensure};
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::allowed_hosts::AllowedHosts;
use crate::template::Template;

/// An application with one HTTP trigger and its component.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// The application variables that it declares.
    pub variables: BTreeMap<String, Declaration>,
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

/// The declaration of an application variable; it has a default or is required.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Declaration {
    /// The value if none is given.
    pub default: Option<String>,
    /// Whether a value must be given.
    #[serde(default)]
    pub required: bool,
    /// Whether the value is sensitive.
    #[serde(default)]
    pub secret: bool,
    /// Its description.
    pub description: Option<String>,
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
    component: BTreeMap<String, RawComponent>,
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawComponent {
    source: PathBuf,
    #[serde(default)]
    allowed_outbound_hosts: Vec<String>,
    #[serde(default)]
    variables: BTreeMap<String, String>,
    build: Option<RawBuild>,
    #[serde(default, rename = "description")]
    _description: IgnoredAny,
}

#[derive(Deserialize)]
struct RawBuild {
    command: String,
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
        let raw: RawManifest = toml::from_str(text).context(
            "this host does not support this manifest, or it is wrong: run it with Spin itself",
        )?;
        ensure!(
            raw.spin_manifest_version == 2,
            "spin_manifest_version is {}; this host reads version 2",
            raw.spin_manifest_version
        );
        let variables = raw.variables;
        check_declarations(&variables)?;
        let [trigger] = <[RawTrigger; 1]>::try_from(raw.trigger.http)
            .map_err(|_| anyhow!("this host supports exactly one [[trigger.http]]"))?;
        ensure!(
            trigger.route == "/...",
            "[[trigger.http]]: this host only supports the route \"/...\", which is every path"
        );
        let id = trigger.component;
        let mut components = raw.component;
        let component = components.remove(&id).with_context(|| {
            format!("the trigger names the component `{id}`, which is not declared")
        })?;
        let hosts = component.allowed_outbound_hosts;
        let hosts = hosts.iter().map(|text| template(text, &variables));
        let allowed_hosts = hosts
            .collect::<Result<_>>()
            .with_context(|| format!("[component.{id}] allowed_outbound_hosts"))?;
        let manifest = Self {
            source: folder.join(component.source),
            build: component.build.map(|build| build.command),
            allowed_hosts,
            component_variables: component_variables(component.variables, &variables)
                .with_context(|| format!("[component.{id}.variables]"))?,
            variables,
            component: id,
        };
        manifest.check_default_hosts().with_context(|| {
            format!("[component.{}] allowed_outbound_hosts", manifest.component)
        })?;
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

fn check_declarations(declared: &BTreeMap<String, Declaration>) -> Result<()> {
    for (name, declaration) in declared {
        ensure!(
            is_variable_name(name),
            "[variables] {name}: a name is lower-case letters, digits and single underscores, and begins with a letter"
        );
        ensure!(
            declaration.required != declaration.default.is_some(),
            "[variables] {name}: needs either `default` or `required = true`"
        );
    }
    Ok(())
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
    if let Some(name) = template.variable() {
        ensure!(
            declared.contains_key(name),
            "[variables] does not declare the variable `{name}`"
        );
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
        assert_eq!(manifest.component, "web");
        assert_eq!(manifest.source, Path::new("/app/target/app.wasm"));
        assert_eq!(manifest.build.as_deref(), Some("make"));
        assert!(manifest.variables["secret"].secret);
        assert_eq!(manifest.variables["secret"].default, None);
        assert_eq!(manifest.allowed_hosts.len(), 1);
        assert_eq!(manifest.component_variables.len(), 1);
    }

    #[test]
    fn what_this_host_does_not_do_like_spin_is_refused_by_name() {
        let component = r#"source = "target/app.wasm""#;
        let more = "[[trigger.http]]\nroute = \"/...\"\ncomponent = \"web\"\n[component.web]";
        let url = "{ default = \"http://127.0.0.1:2375\" }";
        let both = "{ default = \"x\", required = true }";
        for (from, to, named) in [
            ("manifest_version = 2", "manifest_version = 1", "version 2"),
            ("[[trigger.http]]", "[[trigger.redis]]", "redis"),
            ("route = \"/...\"", "route = \"/start\"", "route"),
            ("id = \"all\"", "executor = {}", "executor"),
            ("[variables]", "[outbound]\nx = 1\n[variables]", "outbound"),
            ("component = \"web\"", "component = \"wbe\"", "`wbe`"),
            (component, "source = { url = \"x\" }", "source"),
            ("[component.web]", more, "exactly one"),
            (
                "{{ url }}",
                "{{ uri }}",
                "allowed_outbound_hosts: [variables]",
            ),
            ("{{ url }}", "{{ uri }}", "`uri`"),
            ("http://127.0.0.1", "127.0.0.1", "allowed_outbound_hosts"),
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
}
