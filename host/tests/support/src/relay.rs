//! A relay that loses connections without a word.

use std::future::pending;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::copy_bidirectional;
use tokio::net::TcpStream;
use tokio::sync::Notify;

use super::acceptor::Acceptor;
use super::runtime;

/// A TCP relay that can swallow what its connections carry, as a firewall does that has lost its
/// state: nobody is told, and new connections work. When it is dropped, it accepts no more.
pub struct SwallowingRelay {
    acceptor: Acceptor,
    swallowed: Arc<Notify>,
}

impl SwallowingRelay {
    /// Listens on loopback, in front of `target`.
    pub fn start(target: SocketAddr) -> Self {
        let swallowed = Arc::new(Notify::new());
        let notify = swallowed.clone();
        let acceptor = Acceptor::start("127.0.0.1", move |client| {
            let _ = runtime().block_on(join(client, target, &notify));
        });
        Self {
            acceptor,
            swallowed,
        }
    }

    pub fn port(&self) -> u16 {
        self.acceptor.address().port()
    }

    /// Swallows from now on what the connections carry that are there, in both directions.
    pub fn swallow(&self) {
        self.swallowed.notify_waiters();
    }
}

async fn join(
    client: std::net::TcpStream,
    target: SocketAddr,
    swallowed: &Notify,
) -> std::io::Result<()> {
    let swallowed = swallowed.notified();
    client.set_nonblocking(true)?;
    let mut client = TcpStream::from_std(client)?;
    let mut target = TcpStream::connect(target).await?;
    client.set_nodelay(true)?;
    target.set_nodelay(true)?;
    tokio::select! {
        copied = copy_bidirectional(&mut client, &mut target) => copied.map(drop),
        // Both stay open: not even the end is passed on.
        () = swallowed => pending().await,
    }
}
