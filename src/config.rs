//! Variables → [`Config`], each problem named.
//!
//! Does not know where variables come from. Nothing is half-applied: either
//! every variable is right, or the caller reads "misconfigured".

use std::fmt;

use crate::docker::{DeploymentId, EngineUrl, ImageReference};

/// Reads the application variable of that name, or says why it cannot.
pub trait Variables {
    /// The value of `name`.
    ///
    /// # Errors
    ///
    /// A sentence about the variable that holds no value.
    fn get(&self, name: &'static str) -> Result<String, String>;
}

impl<F: Fn(&'static str) -> Result<String, String>> Variables for F {
    fn get(&self, name: &'static str) -> Result<String, String> {
        self(name)
    }
}

/// What the operator has set, but for `webhook_secret`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// `docker_url`: where the Engine listens.
    pub docker_url: EngineUrl,
    /// `agent_image`: the image of a target.
    pub agent_image: ImageReference,
    /// `deployment_id`: whose containers these are.
    pub deployment_id: DeploymentId,
}

/// What is wrong with the variables: one sentence each, which names the
/// variable and holds no value.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Problems(Vec<String>);

impl Problems {
    /// One problem with one variable.
    pub fn one(name: &str, problem: &str) -> Self {
        Self(vec![format!("{name} {problem}")])
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("; "))
    }
}

impl Config {
    /// Reads every variable.
    ///
    /// # Errors
    ///
    /// All that is wrong, so that it can be mended in one go.
    pub fn parse(variables: &impl Variables) -> Result<Self, Problems> {
        let mut reader = Reader {
            variables,
            problems: Problems::default(),
        };
        let plaintext = reader.read("docker_plaintext", parse_plaintext);
        let docker_url = reader.read("docker_url", EngineUrl::parse);
        let agent_image = reader.read("agent_image", ImageReference::parse);
        let deployment_id = reader.read("deployment_id", DeploymentId::parse);
        if let (Some(Plaintext::Loopback), Some(url)) = (plaintext, &docker_url)
            && url.is_plaintext_beyond_loopback()
        {
            reader.problems.0.push(
                "docker_url is plain http beyond loopback, where anyone on the way is root on the Engine's host; use https, or set docker_plaintext to allow".to_owned(),
            );
        }
        match (docker_url, agent_image, deployment_id) {
            (Some(docker_url), Some(agent_image), Some(deployment_id))
                if reader.problems.0.is_empty() =>
            {
                Ok(Self {
                    docker_url,
                    agent_image,
                    deployment_id,
                })
            }
            _ => Err(reader.problems),
        }
    }
}

/// Reads variables one by one and gathers what is wrong with them.
struct Reader<'a, V> {
    variables: &'a V,
    problems: Problems,
}

impl<V: Variables> Reader<'_, V> {
    fn read<T>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let read = self.variables.get(name).and_then(|text| parse(&text));
        read.map_err(|problem| self.problems.0.push(format!("{name} {problem}")))
            .ok()
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Plaintext {
    Loopback,
    Allow,
}

fn parse_plaintext(text: &str) -> Result<Plaintext, String> {
    match text {
        "loopback" => Ok(Plaintext::Loopback),
        "allow" => Ok(Plaintext::Allow),
        _ => Err("is neither loopback nor allow".to_owned()),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// The defaults of `spin.toml`, with `changes` over them.
    pub(crate) fn variables(
        changes: &[(&'static str, &'static str)],
    ) -> impl Fn(&'static str) -> Result<String, String> {
        move |name| {
            let defaults = [
                ("docker_url", "http://127.0.0.1:2375"),
                ("docker_plaintext", "loopback"),
                ("agent_image", "dynamic-access-agent"),
                ("deployment_id", "dynamic-access"),
            ];
            changes
                .iter()
                .chain(&defaults)
                .find(|(known, _)| *known == name)
                .map(|(_, value)| (*value).to_owned())
                .ok_or_else(|| "is not defined".to_owned())
        }
    }

    #[track_caller]
    fn problem(changes: &[(&'static str, &'static str)]) -> String {
        Config::parse(&variables_of(changes))
            .expect_err("a problem")
            .to_string()
    }

    fn variables_of(changes: &[(&'static str, &'static str)]) -> impl Variables + use<> {
        let changes = changes.to_vec();
        move |name| variables(&changes)(name)
    }

    #[test]
    fn the_defaults_are_right() {
        Config::parse(&variables(&[])).expect("a config");
    }

    #[test]
    fn every_problem_is_named_at_once() {
        let problems = problem(&[
            ("docker_url", "tcp://127.0.0.1:2375"),
            ("docker_plaintext", "yes"),
            ("agent_image", "no image"),
            ("deployment_id", ""),
        ]);
        for name in [
            "docker_url",
            "docker_plaintext",
            "agent_image",
            "deployment_id",
        ] {
            assert!(problems.contains(name), "{problems}");
        }
    }

    #[test]
    fn plain_http_beyond_loopback_is_refused_unless_allowed() {
        let far = ("docker_url", "http://192.0.2.1:2375");
        assert!(problem(&[far]).contains("docker_plaintext"));
        Config::parse(&variables(&[far, ("docker_plaintext", "allow")])).expect("allowed");
    }

    #[test]
    fn a_value_is_never_shown_in_a_problem() {
        let problems = problem(&[("docker_url", "http://user:planted@127.0.0.1:2375")]);
        assert!(!problems.contains("planted"), "{problems}");
    }
}
