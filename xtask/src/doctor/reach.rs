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

/// The result of a try.
#[derive(Debug, PartialEq, Eq)]
pub enum Reach {
    /// One has reached the other.
    Reached,
    /// Nothing has come back.
    Apart,
    /// Unknown, because the image lacks `bash`.
    Unknown,
}

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

/// Runs two containers of an image on a network; the second connects to the first.
pub fn between_two(docker: &Docker, network: &str, image: &str) -> Result<Reach> {
    let label = format!("dynamic-access.doctor={}", random::hex::<4>()?);
    let run = |more: &[&str]| run(docker, &["--network", network, "--label", &label], more);
    let tried = connect(docker, image, run);
    let removed = docker.remove_labelled(&label);
    let reach = tried?;
    removed.with_context(|| format!("containers with the label {label} cannot be removed"))?;
    Ok(reach)
}

fn connect(docker: &Docker, image: &str, run: impl Fn(&[&str]) -> Result<String>) -> Result<Reach> {
    let first = run(&["--detach", "--entrypoint", "sleep", image, WAIT_SECONDS])
        .context("a container cannot be started")?;
    let format = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}";
    let address = docker.ask(&["inspect", "--format", format, first.trim()])?;
    let told = run(&["--entrypoint", "sh", image, "-c", CONNECT, &address])
        .context("a second container cannot be started")?;
    Ok(read(&told))
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

fn read(told: &str) -> Reach {
    match told.trim() {
        "reached" => Reach::Reached,
        "apart" => Reach::Apart,
        _ => Reach::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// The result if `bash` prints this and ends with this code.
    fn said(printed: &str, code: &str) -> Reach {
        let timeout = format!("timeout() {{ echo '{printed}'; return {code}; }}\n");
        let mut shell = Command::new("sh");
        let told = process::output(shell.args(["-c", &(timeout + CONNECT), "192.0.2.1"]));
        read(&told.expect("a shell"))
    }

    #[test]
    fn only_an_answer_of_the_other_or_a_silence_is_a_result() {
        for (printed, code, reach) in [
            ("", "0", Reach::Reached),
            ("bash: connect: Connection refused", "1", Reach::Reached),
            ("", "124", Reach::Apart),
            ("bash: connect: No route to host", "1", Reach::Apart),
            ("bash: connect: Connection timed out", "1", Reach::Apart),
            ("timeout: failed to run command bash", "127", Reach::Unknown),
            (
                "bash: /dev/tcp/192.0.2.1/9: No such file or directory",
                "1",
                Reach::Unknown,
            ),
        ] {
            assert_eq!(said(printed, code), reach, "{printed} {code}");
        }
    }
}
