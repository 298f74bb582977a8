//! The Engine's process: stopped, killed, and started again.

use std::fs::File;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use dev::namespaces::{Namespaces, pid};
use test_support::namespaces;
use test_support::prelude::*;

/// A restart asks the containers that still run to end, and kills them after
/// ten seconds; before that it does not answer.
const RESTART_WAIT: Duration = Duration::from_secs(90);

/// The process; when it is dropped, it answers again.
pub struct EngineProcess {
    engine: RealEngine,
    namespaces: Namespaces,
    pid_file: PathBuf,
    command_line: Vec<String>,
    log: File,
    turns: AtomicUsize,
}

impl EngineProcess {
    /// The process of the Engine that the tests were given, whose pid is in the file that
    /// `TEST_DOCKERD_PIDFILE` names.
    pub fn given() -> Self {
        let namespaces = namespaces();
        let pid_file = PathBuf::from(given("TEST_DOCKERD_PIDFILE"));
        let pid = pid(&pid_file).expect("a running Engine");
        let log = namespaces.proc_file(&pid, "fd/2");
        Self {
            engine: RealEngine::given(),
            command_line: namespaces.command_line(&pid),
            // Its output while it starts again belongs with the rest.
            log: File::options().append(true).open(log).expect("its output"),
            namespaces,
            pid_file,
            turns: AtomicUsize::new(0),
        }
    }

    /// How often the Engine went down or up. While the number is even and stays the same, the
    /// Engine runs undisturbed.
    pub fn turns(&self) -> usize {
        self.turns.load(Ordering::SeqCst)
    }

    /// Kills it without a chance to clean up, and waits for its end.
    pub fn kill(&self) {
        self.turns.fetch_add(1, Ordering::SeqCst);
        let pid = pid(&self.pid_file).expect("a running Engine");
        self.signal("KILL");
        wait_within(RESTART_WAIT, "the Engine's end", || {
            self.namespaces.has_ended(&pid).then_some(())
        });
    }

    /// Starts it again with the same command line, and waits until it answers.
    pub fn restart(&self) {
        // An Engine refuses to start while the process that its pid file names is there: a
        // killed one is until its parent takes note, and its number may be another's by now.
        let _ = std::fs::remove_file(&self.pid_file);
        let (program, parameters) = self.command_line.split_first().expect("a program");
        let status = self
            .namespaces
            .daemon(program)
            .args(parameters)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(self.log.try_clone().expect("a file"))
            .status()
            .expect("setsid is there");
        assert!(status.success(), "{:?}: {status}", self.command_line);
        wait_within(RESTART_WAIT, "the Engine's restart", || {
            self.answers().then_some(())
        });
        self.turns.fetch_add(1, Ordering::SeqCst);
    }

    /// Lets it stand still for a while.
    pub fn stand_still(&self, lasts: Duration) {
        self.signal("STOP");
        std::thread::sleep(lasts);
        self.signal("CONT");
    }

    fn signal(&self, name: &str) {
        let sent = self.namespaces.signal(name, &self.pid_file);
        sent.expect("a running Engine");
    }

    fn answers(&self) -> bool {
        let ping = self.engine.try_call("GET", "/_ping");
        ping.is_some_and(|ping| ping.status == 200)
    }
}

impl Drop for EngineProcess {
    fn drop(&mut self) {
        if !self.turns().is_multiple_of(2) && !self.answers() {
            self.restart();
        }
    }
}
