//! A second socket of an Engine, with the usual owner and mode.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// A socket that root and the group `docker` may open, like `/run/docker.sock`;
/// the one of the tests' Engine is in a folder that only root may enter.
pub struct Relay {
    path: PathBuf,
    stopped: Arc<AtomicBool>,
    connections: Arc<AtomicUsize>,
}

impl Relay {
    /// Listens at `path` and passes everything on to `engine`.
    pub fn start(path: PathBuf, engine: &Path) -> Self {
        let listener = UnixListener::bind(&path).expect("a path that is free");
        chown(&path, Some(0), Some(docker_group())).expect("the tests are root");
        let mode = std::fs::Permissions::from_mode(0o660);
        std::fs::set_permissions(&path, mode).expect("it is ours");
        let stopped = Arc::new(AtomicBool::new(false));
        let connections = Arc::new(AtomicUsize::new(0));
        let (over, seen, engine) = (stopped.clone(), connections.clone(), engine.to_owned());
        std::thread::spawn(move || {
            for client in listener.incoming() {
                if over.load(Ordering::SeqCst) {
                    break;
                }
                seen.fetch_add(1, Ordering::SeqCst);
                if let (Ok(client), Ok(engine)) = (client, UnixStream::connect(&engine)) {
                    join(client, engine);
                }
            }
        });
        Self {
            path,
            stopped,
            connections,
        }
    }

    /// How many there have been.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::SeqCst);
        // Wakes the listener.
        let _ = UnixStream::connect(&self.path);
    }
}

/// The group that Debian's packages create for users of the Engine.
fn docker_group() -> u32 {
    let groups = std::fs::read_to_string("/etc/group").expect("every system has it");
    let mut fields = groups.lines().filter_map(|line| {
        let rest = line.strip_prefix("docker:")?;
        rest.split(':').nth(1)?.parse().ok()
    });
    fields.next().expect("docker.io has made its group")
}

fn join(client: UnixStream, engine: UnixStream) {
    let (Ok(from_client), Ok(to_client)) = (client.try_clone(), engine.try_clone()) else {
        return;
    };
    std::thread::spawn(move || copy(from_client, engine));
    std::thread::spawn(move || copy(to_client, client));
}

fn copy(mut from: UnixStream, mut to: UnixStream) {
    let mut bytes = [0; 65_536];
    while let Ok(count) = from.read(&mut bytes) {
        if count == 0 || to.write_all(&bytes[..count]).is_err() {
            break;
        }
    }
    // Either direction ends the other when it ends.
    let _ = to.shutdown(Shutdown::Write);
    let _ = from.shutdown(Shutdown::Read);
}
