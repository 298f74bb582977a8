//! A target that greets whoever connects, and whoever connects.

use std::io::Read;
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

use super::wait::wait_for;

pub const GREETING: &str = "hello from a target";

/// The variable that publishes its port.
pub const PORTS: (&str, &str) = ("ports", r#"{"greeter":7070}"#);

/// The command that greets. Each Debian has Perl.
pub fn command() -> [String; 3] {
    let script = format!(
        "use IO::Socket; my $s = IO::Socket::INET->new(LocalPort => 7070, Listen => 5); \
         while (my $c = $s->accept) {{ print $c '{GREETING}'; close $c }}"
    );
    ["perl".to_owned(), "-e".to_owned(), script]
}

/// Waits until an endpoint of a target greets, and returns what it says.
#[track_caller]
pub fn greeting(endpoint: &Value) -> String {
    let host = endpoint["host"].as_str().expect("a host").to_owned();
    let port = endpoint["port"].as_u64();
    let port = port.and_then(|port| u16::try_from(port).ok());
    let port = port.expect("a port");
    wait_for("a greeting", || {
        let mut stream = TcpStream::connect((host.as_str(), port)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
        let mut said = String::new();
        stream.read_to_string(&mut said).ok()?;
        Some(said).filter(|said| !said.is_empty())
    })
}
