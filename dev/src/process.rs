//! Runs other programs in process groups of their own, and starts daemons.

use std::env;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process_group};

use crate::interrupt;

/// How often a wait polls: too short for a person to notice, and no load.
pub const POLL_INTERVAL: Duration = Duration::from_millis(30);

/// How long a program may take to end after SIGTERM before it is killed:
/// compilers and package managers end within a second or two.
const GRACE: Duration = Duration::from_secs(5);

/// How much of a failed program's output is shown; the reason is at its end.
const SHOWN_LINES_MAX: usize = 40;

/// How much of a program's output is kept. No program here prints nearly as much; if one does, it
/// ends when its pipe closes.
const PRINTED_BYTES_MAX: u64 = 64 << 20;

/// A running program with everything it starts.
///
/// It leads a process group of its own: Ctrl-C on the terminal then reaches only us, and we decide
/// in which order things end.
pub struct Group {
    name: String,
    child: Child,
}

impl Group {
    /// Starts a program without standard input.
    pub fn spawn(command: &mut Command) -> Result<Self> {
        Self::spawn_with(command, Stdio::null())
    }

    fn spawn_with(command: &mut Command, input: Stdio) -> Result<Self> {
        let name = command.get_program().to_string_lossy().into_owned();
        match command.stdin(input).process_group(0).spawn() {
            Ok(child) => Ok(Self { name, child }),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                bail!("`{name}` is not installed")
            }
            Err(error) => bail!("failed to run `{name}`: {error}"),
        }
    }

    /// The program's process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until the program ends or a signal asks us to end.
    pub fn wait(&mut self) -> Result<ExitStatus> {
        self.wait_within(None)
    }

    /// Waits until the program ends; for `bound` if there is one, whatever signal arrives.
    fn wait_within(&mut self, bound: Option<Duration>) -> Result<ExitStatus> {
        let (begun, name) = (Instant::now(), self.name.clone());
        loop {
            if let Some(status) = self.ended()? {
                return Ok(status);
            }
            match bound {
                None => interrupt::check()?,
                Some(bound) => ensure!(
                    begun.elapsed() < bound,
                    "`{name}` did not end within {bound:?}"
                ),
            }
            thread::sleep(POLL_INTERVAL);
        }
    }

    /// The status of a program that has ended.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        self.child
            .try_wait()
            .with_context(|| format!("failed to wait for `{}`", self.name))
    }

    /// Asks the program to end, and kills it with its children after `grace`.
    pub fn stop(&mut self, grace: Duration) {
        let group = Pid::from_child(&self.child);
        if matches!(self.child.try_wait(), Ok(Some(_))) {
            return;
        }
        // A failure means that the group is already gone.
        let _ = kill_process_group(group, Signal::TERM);
        wait_until(grace, || !matches!(self.child.try_wait(), Ok(None)));
        let _ = kill_process_group(group, Signal::KILL);
        let _ = self.child.wait();
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.stop(GRACE);
    }
}

/// Waits until `done`, for `bound` at most, whatever signal arrives. Returns whether it is.
pub fn wait_until(bound: Duration, mut done: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + bound;
    while !done() {
        if Instant::now() >= deadline {
            return false;
        }
        thread::sleep(POLL_INTERVAL);
    }
    true
}

/// Waits until `look` succeeds, for `bound` at most, or until a signal asks us to end. An error says
/// why the last look failed.
pub fn wait_for<T>(bound: Duration, what: &str, mut look: impl FnMut() -> Result<T>) -> Result<T> {
    let deadline = Instant::now() + bound;
    loop {
        // Before the look: the signal may also have ended what is looked at.
        interrupt::check()?;
        let not_yet = match look() {
            Ok(found) => return Ok(found),
            Err(error) => error,
        };
        if Instant::now() >= deadline {
            return Err(not_yet.context(format!("waited {bound:?} in vain for {what}")));
        }
        thread::sleep(POLL_INTERVAL);
    }
}

/// Runs the starter of a daemon, which ends once the daemon runs. The daemon's output goes to the end of a log.
pub fn start_daemon(starter: &mut Command, log: &Path) -> Result<()> {
    let output = File::options().create(true).append(true).open(log)?;
    starter
        .env("PATH", path())
        // Ctrl-C on the terminal must not reach it.
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output);
    let status = starter.status();
    let status = status.with_context(|| format!("failed to run `{}`", shown(starter)))?;
    ensure!(status.success(), "`{}` failed: {status}", shown(starter));
    Ok(())
}

/// The end of a log, empty if there is none.
pub fn end_of_log(log: &Path) -> String {
    tail(&fs::read_to_string(log).unwrap_or_default())
}

/// Finds a program as a root shell would, even if `PATH` lacks the `sbin` folders.
pub fn program(name: &str) -> Option<PathBuf> {
    let mut programs = folders().into_iter().map(|folder| folder.join(name));
    programs.find(|candidate| candidate.is_file())
}

/// `PATH` as a root shell has it.
pub fn path() -> OsString {
    env::join_paths(folders()).unwrap_or_default()
}

fn folders() -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let sbin = ["/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from);
    env::split_paths(&path).chain(sbin).collect()
}

/// Runs a program and shows its output; fails unless the program succeeds.
pub fn run(command: &mut Command) -> Result<()> {
    let status = status(command)?;
    ensure!(status.success(), "`{}` failed: {status}", shown(command));
    Ok(())
}

/// Runs a program and shows its output.
pub fn status(command: &mut Command) -> Result<ExitStatus> {
    Group::spawn(command)?.wait()
}

/// Runs a program and returns what it printed; on failure its output is in the error.
pub fn output(command: &mut Command) -> Result<String> {
    output_within(command, None)
}

/// As [`output`], but with a bound it fails after that, and is not interrupted by a signal.
///
/// For questions that must not hang, and for the clean-up after a signal.
pub fn output_within(command: &mut Command, bound: impl Into<Option<Duration>>) -> Result<String> {
    let (status, printed, complained) = collect(command, None, bound.into())?;
    let all = || tail(&format!("{printed}{complained}"));
    ensure!(
        status.success(),
        "`{}` failed: {status}\n{}",
        shown(command),
        all()
    );
    Ok(printed)
}

/// Gives a program `input`, and returns its output and its errors.
///
/// Its standard input stays open until it ends, because a closed one would cancel the request.
pub fn exchange(
    command: &mut Command,
    input: Vec<u8>,
    bound: Duration,
) -> Result<(String, String)> {
    let (_, printed, complained) = collect(command, Some(input), Some(bound))?;
    Ok((printed, complained))
}

fn collect(
    command: &mut Command,
    input: Option<Vec<u8>>,
    bound: Option<Duration>,
) -> Result<(ExitStatus, String, String)> {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let stdin = match input {
        Some(_) => Stdio::piped(),
        None => Stdio::null(),
    };
    let mut group = Group::spawn_with(command, stdin)?;
    let stdin = group.child.stdin.take();
    // In a thread, because a hanging program reads nothing.
    let given = thread::spawn(move || {
        let (mut stdin, input) = (stdin?, input?);
        // A program that does not read to the end says why.
        let _ = stdin.write_all(&input);
        Some(stdin)
    });
    let printed = drain(group.child.stdout.take());
    let complained = drain(group.child.stderr.take());
    let status = group.wait_within(bound)?;
    drop(given.join());
    let [printed, complained] = [printed, complained].map(|text| text.join().unwrap_or_default());
    Ok((status, printed, complained))
}

fn drain(pipe: Option<impl Read + Send + 'static>) -> JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(pipe) = pipe {
            // The bytes before the pipe broke are all there is.
            let _ = pipe.take(PRINTED_BYTES_MAX).read_to_end(&mut bytes);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// The last lines of a text.
fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.trim_end().lines().collect();
    lines[lines.len().saturating_sub(SHOWN_LINES_MAX)..].join("\n")
}

/// A command as one would type it. It holds no secrets, because those are in the environment.
fn shown(command: &Command) -> String {
    std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|word| word.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_failure_carries_the_command_and_its_complaint() {
        let error = output(&mut sh("echo no >&2; exit 3")).expect_err("the script fails");
        let error = error.to_string();
        assert!(error.contains("sh -c") && error.contains("no"), "{error}");
        let error = output(&mut Command::new("no-such-program")).expect_err("it is missing");
        assert_eq!(error.to_string(), "`no-such-program` is not installed");
    }

    #[test]
    fn a_program_that_hangs_is_ended_at_its_bound() {
        let (started, bound) = (Instant::now(), Duration::from_millis(100));
        let error = output_within(&mut sh("sleep 60"), bound).expect_err("it hangs");
        assert!(error.to_string().contains("did not end within"), "{error}");
        // More than a pipe holds, to a program that reads nothing.
        exchange(&mut sh("sleep 60"), vec![0; 1 << 20], bound).expect_err("it hangs");
        assert!(started.elapsed() < Duration::from_secs(30));
    }

    #[test]
    fn a_program_is_given_its_input_and_ends_by_itself() {
        let mut command = sh("read word; echo \"got $word\"; echo why >&2; exit 3");
        let bound = Duration::from_secs(30);
        let told = exchange(&mut command, b"one\ntwo\n".to_vec(), bound).expect("it ends");
        assert_eq!(told, ("got one\n".to_owned(), "why\n".to_owned()));
    }

    #[test]
    fn a_program_is_found_by_name() {
        assert!(program("sh").is_some());
        assert!(program("no-such-program").is_none());
    }

    #[test]
    fn the_tail_keeps_the_last_lines() {
        let text: String = (0..100).map(|line| format!("{line}\n")).collect();
        assert!(tail(&text).starts_with("60\n") && tail(&text).ends_with("\n99"));
    }
}
