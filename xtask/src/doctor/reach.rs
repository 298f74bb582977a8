//! Tries whether two containers of a network reach each other.
//!
//! A network only shows its options. `enable_icc=false` is a firewall rule: an Engine without
//! `iptables` does not make it, and a kernel with `net.bridge.bridge-nf-call-iptables=0` does not
//! apply it within a bridge.

use std::time::Duration;

use anyhow::{Context, Result};
use dev::docker::Docker;
use dev::process;

use dynamic_access_admin::random;

/// Connects to a port where nothing listens: a refusal is an answer. It needs `bash`, which can
/// connect by itself.
const CONNECT: &str = r#"
told=$(LC_ALL=C timeout 3 bash -c ": </dev/tcp/$0/9" 2>&1)
case "$? $told" in
    0\ * | *refused*) echo reached ;;
    124\ * | *"No route"* | *unreachable* | *"timed out"*) echo apart ;;
esac
"#;

/// Long enough for a start and the three seconds of the try on a busy machine.
const TRY_BOUND: Duration = Duration::from_secs(30);

/// How long the first container waits, in seconds: it is removed before, and removes itself if this run is killed.
const WAIT_SECONDS: &str = "120";

/// Runs two containers of an image on a network; the second connects to the first. Returns `reached`, `apart`, or nothing
/// if that cannot be told.
pub fn between_two(docker: &Docker, network: &str, image: &str) -> Result<String> {
    let label = format!("dynamic-access.doctor={}", random::hex::<4>()?);
    let run = |more: &[&str]| run(docker, &["--network", network, "--label", &label], more);
    let tried = connect(docker, image, run);
    let removed = docker.remove_labelled(&label);
    let told = tried?;
    removed.with_context(|| format!("containers with the label {label} cannot be removed"))?;
    Ok(told)
}

fn connect(
    docker: &Docker,
    image: &str,
    run: impl Fn(&[&str]) -> Result<String>,
) -> Result<String> {
    let first = run(&["--detach", "--entrypoint", "sleep", image, WAIT_SECONDS])
        .context("a container cannot be started")?;
    let format = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}";
    let address = docker.ask(&["inspect", "--format", format, first.trim()])?;
    let told = run(&["--entrypoint", "sh", image, "-c", CONNECT, &address])
        .context("a second container cannot be started")?;
    Ok(told.trim().to_owned())
}

/// Runs a container with no rights, of an image that is there.
fn run(docker: &Docker, place: &[&str], more: &[&str]) -> Result<String> {
    let mut command = docker.command();
    command
        .args(["run", "--rm", "--pull", "never", "--cap-drop", "ALL"])
        .args(["--pids-limit", "64", "--memory", "64m"])
        .args(["--security-opt", "no-new-privileges"])
        .args(place)
        .args(more);
    process::output_within(&mut command, TRY_BOUND)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn only_an_answer_of_the_other_or_a_silence_is_a_result() {
        // What `bash` prints, how it ends, and what that says.
        for (printed, code, result) in [
            ("", "0", "reached\n"),
            ("bash: connect: Connection refused", "1", "reached\n"),
            ("", "124", "apart\n"),
            ("bash: connect: No route to host", "1", "apart\n"),
            ("bash: connect: Connection timed out", "1", "apart\n"),
            ("timeout: failed to run command bash", "127", ""),
            (
                "bash: /dev/tcp/192.0.2.1/9: No such file or directory",
                "1",
                "",
            ),
        ] {
            let timeout = format!("timeout() {{ echo '{printed}'; return {code}; }}\n");
            let mut shell = Command::new("sh");
            let told = process::output(shell.args(["-c", &(timeout + CONNECT), "192.0.2.1"]));
            assert_eq!(told.expect("a shell"), result, "{printed} {code}");
        }
    }
}
