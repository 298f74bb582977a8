//! The code that the tests on real Engines share: Engines, the component in front of them, and the
//! proxies between the two.

#![allow(
    missing_docs,
    reason = "only the tests use this, and many names say enough to them"
)]

pub mod acceptor;
pub mod at_once;
pub mod bodies;
pub mod certificates;
pub mod engine;
pub mod engine_proxy;
pub mod example;
pub mod fake_engine;
pub mod fault_proxy;
pub mod folder;
pub mod greeter;
pub mod http;
pub mod managers;
pub mod markdown;
pub mod members;
pub mod own;
pub mod prelude;
pub mod program;
mod registration;
pub mod registry;
pub mod relay;
pub mod server;
pub mod tls_client;
pub mod tls_engine;
pub mod wait;

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use dev::namespaces::Namespaces;
use tokio::runtime::Runtime;

/// A variable that `cargo xtask test` sets.
pub fn given(name: &str) -> String {
    std::env::var(name)
        .unwrap_or_else(|_| panic!("{name} is not set: run the tests with `cargo xtask test`"))
}

pub fn checkout(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../..")
        .join(path)
}

/// The text of a file of the checkout.
#[track_caller]
pub fn shipped(path: &str) -> String {
    std::fs::read_to_string(checkout(path)).expect(path)
}

/// The namespaces of the Engines that the tests were given.
pub fn namespaces() -> Namespaces {
    Namespaces(given("TEST_ENGINE_INIT").parse().expect("a number"))
}

/// The threads of the embedded host.
fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Runtime::new().expect("threads"))
}

/// An address of loopback where nothing listens, for a program that is about to.
pub fn free_address() -> SocketAddr {
    free_address_at(Ipv4Addr::LOCALHOST)
}

/// The same, at another address of this machine.
///
/// The kernel chooses ports from 32,768 on for whoever asks for any. This one is lower, and no other
/// call returns it, so nobody takes it before the program does.
pub fn free_address_at(ip: Ipv4Addr) -> SocketAddr {
    static GIVEN: AtomicU32 = AtomicU32::new(0);
    const PORTS: u32 = 12_000;
    // Test binaries that run side by side begin at different ports.
    let first = std::process::id() * 64;
    let mut addresses = (0..PORTS).map(|_| {
        let next = first + GIVEN.fetch_add(1, Ordering::Relaxed);
        SocketAddr::from((ip, 20_000 + (next % PORTS) as u16))
    });
    let free = addresses.find(|address| TcpListener::bind(address).is_ok());
    free.expect("a free port")
}

/// A word of letters, digits and dashes that no other test uses.
pub fn unique(prefix: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("{prefix}{:x}-{count:x}", std::process::id())
}
