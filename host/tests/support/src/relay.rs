//! A relay that loses connections without a word.

use std::future::pending;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::runtime;

/// A TCP relay that can swallow what its connections carry, as a firewall does that has lost its
/// state: nobody is told, and new connections work. When it is dropped, it accepts no more.
pub struct SwallowingRelay {
    port: u16,
    swallowed: Arc<Notify>,
    accepting: JoinHandle<()>,
}

impl SwallowingRelay {
    /// Listens on loopback, in front of `target`.
    pub fn start(target: SocketAddr) -> Self {
        let listener = runtime().block_on(TcpListener::bind("127.0.0.1:0"));
        let listener = listener.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let swallowed = Arc::new(Notify::new());
        let notify = swallowed.clone();
        let accepting = runtime().spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let notify = notify.clone();
                tokio::spawn(async move { join(client, target, &notify).await });
            }
        });
        Self {
            port,
            swallowed,
            accepting,
        }
    }

    /// Its port on loopback.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Swallows from now on what the connections carry that are there, in both directions.
    pub fn swallow(&self) {
        self.swallowed.notify_waiters();
    }
}

impl Drop for SwallowingRelay {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn join(
    mut client: TcpStream,
    target: SocketAddr,
    swallowed: &Notify,
) -> std::io::Result<()> {
    let swallowed = swallowed.notified();
    let mut target = TcpStream::connect(target).await?;
    client.set_nodelay(true)?;
    target.set_nodelay(true)?;
    tokio::select! {
        copied = copy_bidirectional(&mut client, &mut target) => copied.map(drop),
        // Both stay open: not even the end is passed on.
        () = swallowed => pending().await,
    }
}
