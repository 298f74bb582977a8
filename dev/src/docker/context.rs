//! The Engine that `docker context` names. Docker Desktop, Colima, OrbStack and rootless Engines each
//! make a context of their own, and leave `/var/run/docker.sock` alone.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::docker::Docker;
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

/// The Engine of the context that the CLI uses now, unless it is the default one.
///
/// `DOCKER_CONTEXT` and the CLI's configuration choose it, so this asks the CLI itself.
pub fn current() -> Result<Option<Docker>> {
    if process::program("docker").is_none() {
        return Ok(None);
    }
    let mut inspect = Command::new("docker");
    inspect.args(["context", "inspect", "--format", FORMAT]);
    named_by(process::output_within(&mut inspect, ASK_BOUND))
}

/// The context in the CLI's output.
fn named_by(output: Result<String>) -> Result<Option<Docker>> {
    let is_without = |complaint: String| WITHOUT_CONTEXTS.iter().any(|it| complaint.contains(it));
    match output {
        Ok(text) => parse(&text),
        Err(error) if is_without(error.to_string()) => Ok(None),
        Err(error) => Err(error.context(
            "the docker context in use cannot be read; `docker context use default` selects the local Engine",
        )),
    }
}

fn parse(text: &str) -> Result<Option<Docker>> {
    let mut lines = text.lines();
    let (Some(name), Some(host), Some(tls)) = (lines.next(), lines.next(), lines.next()) else {
        // Podman prints an empty list.
        return Ok(None);
    };
    if name == DEFAULT || host.is_empty() {
        return Ok(None);
    }
    let endpoint = match tls.contains("\"docker\"") {
        true => Endpoint::parse_verified(host),
        false => Endpoint::parse(host),
    };
    let endpoint = endpoint.with_context(|| {
        format!("the docker context {name}; `docker context use` selects another one")
    })?;
    Ok(Some(Docker {
        context: Some(name.to_owned()),
        ..Docker::at(endpoint)
    }))
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn a_context_names_its_engine_unless_it_is_the_default() {
        let socket = "unix:///home/u/.colima/default/docker.sock";
        for (printed, expected) in [
            (
                &*format!("colima\n{socket}\n{{}}\n"),
                Some(("colima", socket)),
            ),
            (
                "far\ntcp://engine:2376\n{\"docker\":[\"ca.pem\"]}\n",
                Some(("far", "https://engine:2376")),
            ),
            (
                "near\ntcp://127.0.0.1:2375\nnull\n",
                Some(("near", "http://127.0.0.1:2375")),
            ),
            ("default\nunix:///var/run/docker.sock\n{}\n", None),
            ("kubernetes-only\n\n{}\n", None),
            // Podman's.
            ("[]\n", None),
        ] {
            let found = named_by(Ok(printed.to_owned())).expect(printed);
            let expected = expected.map(|(name, host)| (Some(name.to_owned()), host.to_owned()));
            let found = found.map(|docker| (docker.context, docker.endpoint.to_string()));
            assert_eq!(found, expected, "{printed}");
        }
    }

    #[test]
    fn a_cli_without_contexts_names_nothing() {
        for complaint in [
            "docker: context is not a docker command.",
            "Error: unrecognized command `podman context inspect`",
        ] {
            let named = named_by(Err(anyhow!(complaint))).expect(complaint);
            assert!(named.is_none(), "{complaint}");
        }
    }

    #[test]
    fn a_context_that_cannot_be_used_is_not_passed_over() {
        for (output, told) in [
            (
                Err(anyhow!("context \"gone\": not found")),
                ["gone", "docker context use"],
            ),
            (
                Ok("far\nssh://u@engine\n{}\n".to_owned()),
                ["far", "ssh://"],
            ),
        ] {
            let error = named_by(output).expect_err("it names an Engine that no server reaches");
            let text = format!("{error:#}");
            assert!(told.iter().all(|word| text.contains(word)), "{text}");
        }
    }
}
