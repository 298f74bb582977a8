//! The Engine that `docker context` names. Docker Desktop, Colima, OrbStack and rootless Engines each
//! make a context of their own, and leave `/var/run/docker.sock` alone.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::docker::endpoint::Endpoint;
use crate::process;

/// The CLI only reads a file. The first call after an installation has been seen to take a second.
const ASK_BOUND: Duration = Duration::from_secs(10);

/// The name, the Engine and the kinds of TLS files, each on a line of its own.
const FORMAT: &str = "{{.Name}}\n{{.Endpoints.docker.Host}}\n{{json .TLSMaterial}}";

/// The context that every CLI has. It names the local Engine, which is tried anyway.
const DEFAULT: &str = "default";

/// The words of old Docker CLIs, and other programs with that name, that have no contexts.
const WITHOUT_CONTEXTS: [&str; 3] = [
    "is not a docker command",
    "unknown command",
    "unrecognized command",
];

/// A context of the Docker CLI.
#[derive(Debug, PartialEq, Eq)]
pub struct Context {
    /// Its name.
    pub name: String,
    /// Its Engine.
    pub endpoint: Endpoint,
}

/// The context that the CLI uses now, unless it is the default one.
///
/// `DOCKER_CONTEXT` and the CLI's configuration choose it, so this asks the CLI itself.
pub fn current() -> Result<Option<Context>> {
    if process::program("docker").is_none() {
        return Ok(None);
    }
    told_by(Command::new("docker").args(["context", "inspect", "--format", FORMAT]))
}

fn told_by(command: &mut Command) -> Result<Option<Context>> {
    match process::output_within(command, ASK_BOUND) {
        Ok(text) => parse(&text),
        Err(error) if lacks_contexts(&error.to_string()) => Ok(None),
        Err(error) => Err(error.context(
            "the docker context in use cannot be read; `docker context use default` selects the local Engine",
        )),
    }
}

fn lacks_contexts(complaint: &str) -> bool {
    WITHOUT_CONTEXTS
        .iter()
        .any(|words| complaint.contains(words))
}

fn parse(text: &str) -> Result<Option<Context>> {
    let mut lines = text.lines();
    let (Some(name), Some(host), Some(tls)) = (lines.next(), lines.next(), lines.next()) else {
        // Podman prints an empty list.
        return Ok(None);
    };
    if name == DEFAULT || host.is_empty() {
        return Ok(None);
    }
    let has_tls = tls.contains("\"docker\"");
    let endpoint = match has_tls {
        true => Endpoint::parse_verified(host),
        false => Endpoint::parse(host),
    };
    let endpoint = endpoint.with_context(|| {
        format!("the docker context {name}; `docker context use` selects another one")
    })?;
    Ok(Some(Context {
        name: name.to_owned(),
        endpoint,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The context that a `docker` with this script names.
    fn told(script: &str) -> Result<Option<Context>> {
        told_by(Command::new("sh").args(["-c", script]))
    }

    #[track_caller]
    fn check(printed: &str, expected: Option<(&str, &str)>) {
        let found = told(&format!("printf '{printed}'")).expect(printed);
        let found = found.map(|context| (context.name, context.endpoint.to_string()));
        let expected = expected.map(|(name, endpoint)| (name.to_owned(), endpoint.to_owned()));
        assert_eq!(found, expected, "{printed}");
    }

    #[test]
    fn a_context_names_its_engine() {
        let colima = "unix:///home/u/.colima/default/docker.sock";
        check(
            &format!("colima\\n{colima}\\n{{}}\\n"),
            Some(("colima", colima)),
        );
        check(
            "far\\ntcp://engine:2376\\n{\"docker\":[\"ca.pem\"]}\\n",
            Some(("far", "https://engine:2376")),
        );
        check(
            "near\\ntcp://127.0.0.1:2375\\nnull\\n",
            Some(("near", "http://127.0.0.1:2375")),
        );
    }

    #[test]
    fn the_default_context_names_nothing() {
        check("default\\nunix:///var/run/docker.sock\\n{}\\n", None);
        check("kubernetes-only\\n\\n{}\\n", None);
        // Podman's.
        check("[]\\n", None);
    }

    #[test]
    fn a_cli_without_contexts_names_nothing() {
        for complaint in [
            "docker: context is not a docker command.",
            "Error: unrecognized command `podman context inspect`",
        ] {
            let script = format!("echo '{complaint}' >&2; exit 125");
            assert_eq!(told(&script).expect(complaint), None);
        }
    }

    #[test]
    fn a_context_that_cannot_be_used_is_not_passed_over() {
        let missing = told("echo 'context \"gone\": context not found' >&2; exit 1");
        let text = format!("{:#}", missing.expect_err("it names an Engine"));
        assert!(
            text.contains("gone") && text.contains("docker context use"),
            "{text}"
        );
        let ssh = told("printf 'far\\nssh://u@engine\\n{}\\n'");
        let text = format!("{:#}", ssh.expect_err("no server reaches it"));
        assert!(text.contains("far") && text.contains("ssh://"), "{text}");
    }
}
