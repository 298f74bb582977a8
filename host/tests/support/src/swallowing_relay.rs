//! A TCP relay that can swallow what its connections carry, as a firewall does
//! that has lost its state: nobody is told, and new connections work.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::acceptor::Acceptor;

/// The relay; when it is dropped, it accepts no more connections.
pub struct SwallowingRelay {
    acceptor: Acceptor,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// How many connections it has accepted.
    accepted: AtomicUsize,
    /// Those up to this one are dead.
    dead: AtomicUsize,
}

impl SwallowingRelay {
    /// Listens on loopback, in front of `target`.
    pub fn start(target: SocketAddr) -> Self {
        let shared = Arc::new(Shared::default());
        let accepting = shared.clone();
        let acceptor = Acceptor::start("127.0.0.1", move |client| {
            let number = accepting.accepted.fetch_add(1, Ordering::SeqCst) + 1;
            if let Ok(target) = TcpStream::connect(target) {
                join(&accepting, number, &client, &target);
            }
        });
        Self { acceptor, shared }
    }

    /// Its port on loopback.
    pub fn port(&self) -> u16 {
        self.acceptor.address().port()
    }

    /// Swallows from now on what the connections carry that are there, in both
    /// directions; returns how many it has accepted so far.
    pub fn swallow(&self) -> usize {
        let accepted = self.shared.accepted.load(Ordering::SeqCst);
        self.shared.dead.store(accepted, Ordering::SeqCst);
        accepted
    }
}

fn join(shared: &Arc<Shared>, number: usize, client: &TcpStream, target: &TcpStream) {
    for (from, to) in [(client, target), (target, client)] {
        let (Ok(from), Ok(to)) = (from.try_clone(), to.try_clone()) else {
            return;
        };
        let _ = to.set_nodelay(true);
        let shared = shared.clone();
        std::thread::spawn(move || copy(from, to, || shared.dead.load(Ordering::SeqCst) >= number));
    }
}

fn copy(mut from: TcpStream, mut to: TcpStream, is_dead: impl Fn() -> bool) {
    let mut bytes = [0; 65_536];
    while let Ok(count) = from.read(&mut bytes) {
        if is_dead() {
            // Not even the end is passed on.
            if count == 0 {
                return;
            }
        } else if count == 0 || to.write_all(&bytes[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}
