//! What is allowed, and yet worth a word to the operator.

use super::Config;
use crate::container::Isolation;

impl Config {
    /// One sentence for each variable that makes this deployment less safe
    /// than it could be; it names the variable and holds no secret.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.docker_url.is_plaintext_beyond_loopback() {
            warnings.push(
                "docker_plaintext is allow, and docker_url is plain http: anyone on the way is root on the Engine's host; use https".to_owned(),
            );
        }
        if self.isolation == Isolation::GivenUp {
            warnings.push(
                "container_patch_unsafe is allow: patches may hand the Engine's host to its targets; set it to refuse".to_owned(),
            );
        }
        // Nobody but who commands the Engine can move a name that is only there.
        for image in self.profiles.images() {
            if image.has_registry() && !image.has_digest() {
                warnings.push(format!(
                    "agent_image or environments: {image} names no digest, so whoever may push there chooses what runs; add @sha256:…"
                ));
            }
        }
        warnings
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::variables;

    #[track_caller]
    fn check(changes: &[(&'static str, &'static str)], expected: &[&str]) {
        let config = Config::parse(&variables(changes)).expect("a config");
        let warnings = config.warnings();
        assert_eq!(warnings.len(), expected.len(), "{warnings:?}");
        for (warning, beginning) in warnings.iter().zip(expected) {
            assert!(warning.starts_with(beginning), "{warning}");
        }
    }

    #[test]
    fn the_defaults_and_what_is_pinned_warn_of_nothing() {
        check(&[], &[]);
        check(
            &[
                ("docker_url", "https://engine.example.com:2376"),
                ("docker_plaintext", "allow"),
                ("agent_image", "r.example.com/agent@sha256:0123"),
            ],
            &[],
        );
    }

    #[test]
    fn each_variable_that_is_unsafe_is_named() {
        check(
            &[
                ("docker_url", "http://192.0.2.1:2375"),
                ("docker_plaintext", "allow"),
            ],
            &["docker_plaintext"],
        );
        check(
            &[("container_patch_unsafe", "allow")],
            &["container_patch_unsafe"],
        );
        check(
            &[
                ("agent_image", "r.example.com/agent:1"),
                (
                    "environments",
                    r#"{"a":{"image":"r.example.com/other"},"b":{"image":"local"}}"#,
                ),
            ],
            &[
                "agent_image or environments: r.example.com/agent:1 ",
                "agent_image or environments: r.example.com/other ",
            ],
        );
    }
}
