//! Variables → [`Config`], each problem named.
//!
//! Does not know where variables come from. Nothing is half-applied: either
//! every variable is right, or the caller reads "misconfigured".

use std::fmt;
use std::time::Duration;

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
    /// `max_targets`: how many targets may live at a time.
    pub max_targets: usize,
    /// `max_lifetime`: after this a target is removed, even if it runs.
    pub max_lifetime: Duration,
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
        let max_targets = reader.read("max_targets", parse_count);
        let max_lifetime = reader.read("max_lifetime", parse_lifetime);
        if let (Some(Plaintext::Loopback), Some(url)) = (plaintext, &docker_url)
            && url.is_plaintext_beyond_loopback()
        {
            reader.problems.0.push(
                "docker_url is plain http beyond loopback, where anyone on the way is root on the Engine's host; use https, or set docker_plaintext to allow".to_owned(),
            );
        }
        let problems = reader.problems;
        let whole = || {
            Some(Self {
                docker_url: docker_url?,
                agent_image: agent_image?,
                deployment_id: deployment_id?,
                max_targets: max_targets?,
                max_lifetime: max_lifetime?,
            })
        };
        match whole() {
            Some(config) if problems.0.is_empty() => Ok(config),
            _ => Err(problems),
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

/// A list of all targets is read for each start, so there is a highest count.
const TARGETS_MAX: usize = 5000;

fn parse_count(text: &str) -> Result<usize, String> {
    // `parse` takes a sign too.
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    let count = text.parse().ok();
    count
        .filter(|_| is_number)
        .filter(|count| (1..=TARGETS_MAX).contains(count))
        .ok_or_else(|| format!("is not a number from 1 to {TARGETS_MAX}"))
}

/// A year, beyond which a target is hardly short-lived.
const LIFETIME_MAX: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// A minute, within which an agent can have registered.
const LIFETIME_MIN: Duration = Duration::from_secs(60);

fn parse_lifetime(text: &str) -> Result<Duration, String> {
    parse_duration(text)
        .filter(|lifetime| (LIFETIME_MIN..=LIFETIME_MAX).contains(lifetime))
        .ok_or_else(|| "is not a time from 1m to 366d, such as 90m, 12h or 8d".to_owned())
}

/// A whole number of seconds, minutes, hours or days: `30s`, `90m`, `12h`,
/// `8d`.
fn parse_duration(text: &str) -> Option<Duration> {
    let unit = match text.as_bytes().last()? {
        b's' => 1,
        b'm' => 60,
        b'h' => 60 * 60,
        b'd' => 24 * 60 * 60,
        _ => return None,
    };
    let digits = &text[..text.len() - 1];
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let seconds = digits.parse::<u64>().ok()?.checked_mul(unit)?;
    Some(Duration::from_secs(seconds))
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
                ("max_targets", "100"),
                ("max_lifetime", "8d"),
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
            ("max_targets", "0"),
            ("max_lifetime", "8 days"),
        ]);
        for name in [
            "docker_url",
            "docker_plaintext",
            "agent_image",
            "deployment_id",
            "max_targets",
            "max_lifetime",
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
    fn a_duration_is_a_number_and_one_unit() {
        for (text, seconds) in [
            ("0s", 0),
            ("30s", 30),
            ("90m", 5400),
            ("12h", 43_200),
            ("8d", 691_200),
        ] {
            assert_eq!(
                parse_duration(text),
                Some(Duration::from_secs(seconds)),
                "{text}"
            );
        }
        for text in [
            "",
            "8",
            "d",
            "-1d",
            "+1d",
            "1.5h",
            "8D",
            "8d ",
            " 8d",
            "8dd",
            "1h30m",
            "\u{b2}d",
            "8\u{e9}",
            "99999999999999999999d",
            "18446744073709551615d",
        ] {
            assert_eq!(parse_duration(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_count_and_a_lifetime_keep_their_bounds() {
        for text in ["", "0", "-1", "+1", "5001", "1e3", "ten"] {
            parse_count(text).expect_err(text);
        }
        assert_eq!(parse_count("5000"), Ok(5000));
        for text in ["59s", "367d", "0d"] {
            parse_lifetime(text).expect_err(text);
        }
        parse_lifetime("60s").expect("a minute");
    }

    #[test]
    fn a_value_is_never_shown_in_a_problem() {
        let problems = problem(&[("docker_url", "http://user:planted@127.0.0.1:2375")]);
        assert!(!problems.contains("planted"), "{problems}");
    }
}
