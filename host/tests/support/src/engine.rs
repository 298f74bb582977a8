//! The real Engine that `cargo xtask test` has started.

use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::time::Duration;

use bollard::Docker;
use bollard::container::LogOutput;
use bollard::errors::Error;
use bollard::exec::StartExecResults;
use bollard::models::ExecConfig;
use bollard::query_parameters::LogsOptionsBuilder;
use futures_util::TryStreamExt;
use serde_json::{Value, json};

use super::folder::Folder;
use super::http::{Answer, request, try_exchange};
use super::wait::wait_for;
use super::{given, runtime};

/// The longest answers are those about images and to the end of a shell.
const ANSWER_WAIT: Duration = Duration::from_secs(120);

/// An Engine that takes longer to answer counts as hanging.
const HANGS_AFTER: Duration = Duration::from_secs(5);

pub const TAR: [(&str, &str); 1] = [("content-type", "application/x-tar")];

/// The path that lists the containers that match filters, in any state.
pub fn list(filters: &Value) -> String {
    filtered("containers/json", filters) + "&all=true"
}

/// The path of a list with these filters.
pub fn filtered(what: &str, filters: &Value) -> String {
    format!("/{what}?filters={}", encoded(&filters.to_string()))
}

/// The path that lists the networks with this in their names.
pub fn networks(name: &str) -> String {
    filtered("networks", &json!({"name": [name]}))
}

/// A text for the query of a path.
pub fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// A real Engine, called without the component.
///
/// Tests that judge an Engine's answer make the call and read the answer themselves. Set-up goes
/// through bollard, which has its own reading of the API, and a refusal fails the test.
#[derive(Clone)]
pub struct RealEngine {
    pub is_podman: bool,
    address: Address,
}

#[derive(Clone)]
enum Address {
    Socket(PathBuf),
    Tcp(SocketAddr),
}

impl RealEngine {
    /// The Docker Engine that the tests were given.
    pub fn given() -> Self {
        Self {
            is_podman: false,
            address: Address::Socket(given("TEST_DOCKER_SOCKET").into()),
        }
    }

    /// Podman's service, which the tests were given too, with the agent image of the Docker Engine.
    pub fn podman() -> Self {
        static LOADED: Once = Once::new();
        let podman = Self {
            is_podman: true,
            address: Address::Socket(given("TEST_PODMAN_SOCKET").into()),
        };
        LOADED.call_once(|| {
            let folder = Folder::new("image-");
            let file = folder.path().join("image.tar");
            let saved = Self::given()
                .docker()
                .save_image(&given("TEST_AGENT_IMAGE"), &file);
            let loaded = saved.and_then(|()| podman.docker().load_image(&file));
            loaded.expect("both have a CLI");
        });
        podman
    }

    /// A Docker Engine that listens there, without TLS.
    pub fn at(address: SocketAddr) -> Self {
        Self {
            is_podman: false,
            address: Address::Tcp(address),
        }
    }

    /// One of two values, by whose Engine it is.
    pub fn either<T>(&self, of_docker: T, of_podman: T) -> T {
        if self.is_podman { of_podman } else { of_docker }
    }

    /// The folder with all files of those that the tests were given.
    pub fn home(&self) -> &Path {
        self.socket().parent().expect("a socket lies in a folder")
    }

    pub fn socket(&self) -> &Path {
        match &self.address {
            Address::Socket(path) => path,
            Address::Tcp(address) => panic!("the Engine at {address} has no socket"),
        }
    }

    pub fn docker(&self) -> dev::docker::Docker {
        dev::docker::Docker::private(self.socket())
    }

    #[track_caller]
    pub fn call(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        match body {
            None => self.call_with(method, path, &[("content-length", "0")], b""),
            Some(body) => {
                let typed = [("content-type", "application/json")];
                self.call_with(method, path, &typed, body.to_string().as_bytes())
            }
        }
    }

    #[track_caller]
    pub fn call_with(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        self.send(&request(method, path, headers, body))
    }

    #[track_caller]
    pub fn send(&self, request: &[u8]) -> Answer {
        let answer = self.exchange(request, ANSWER_WAIT);
        answer.expect("the Engine answers")
    }

    /// One call without a body; `None` if the Engine is down, or hangs.
    pub fn try_call(&self, method: &str, path: &str) -> Option<Answer> {
        let request = request(method, path, &[("content-length", "0")], b"");
        self.exchange(&request, HANGS_AFTER)
    }

    fn exchange(&self, request: &[u8], patience: Duration) -> Option<Answer> {
        match &self.address {
            Address::Socket(path) => {
                let stream = UnixStream::connect(path).ok()?;
                stream.set_read_timeout(Some(patience)).ok()?;
                try_exchange(stream, request)
            }
            Address::Tcp(address) => {
                let stream = TcpStream::connect_timeout(address, HANGS_AFTER).ok()?;
                stream.set_read_timeout(Some(patience)).ok()?;
                try_exchange(stream, request)
            }
        }
    }

    /// Asks through bollard.
    ///
    /// # Panics
    ///
    /// If the Engine refuses.
    #[track_caller]
    pub(crate) fn ask<T>(&self, ask: impl AsyncFnOnce(&Docker) -> Result<T, Error>) -> T {
        let host = match &self.address {
            Address::Socket(path) => format!("unix://{}", path.display()),
            Address::Tcp(address) => format!("tcp://{address}"),
        };
        let told = runtime().block_on(async {
            let docker = Docker::connect_with_host(&host)?;
            ask(&docker.negotiate_version().await?).await
        });
        match told {
            Ok(told) => told,
            Err(error) => panic!("the Engine refuses: {error}"),
        }
    }

    /// Deletes what has this path, if it is there and the Engine answers.
    pub fn discard(&self, path: &str) {
        let _ = self.exchange(&request("DELETE", path, &[], b""), ANSWER_WAIT);
    }

    pub fn version(&self) -> String {
        let told = self.ask(async |docker| docker.version().await);
        told.version.expect("a version")
    }

    /// Its major and minor version.
    pub fn release(&self) -> (u32, u32) {
        let version = self.version();
        let mut numbers = version.split('.').map_while(|number| number.parse().ok());
        let mut number = || numbers.next().expect("a number");
        (number(), number())
    }

    #[track_caller]
    pub fn inspect(&self, id: &str) -> Value {
        self.call("GET", &format!("/containers/{id}/json"), None)
            .json()
    }

    /// The state of a container, `None` when it is gone.
    pub fn state(&self, id: &str) -> Option<String> {
        let state = &self.inspect(id)["State"]["Status"];
        state.as_str().map(str::to_owned)
    }

    #[track_caller]
    pub fn kill(&self, id: &str) {
        self.ask(async |docker| docker.kill_container(id, None).await);
    }

    /// The output of a shell in a container, with its errors.
    #[track_caller]
    pub fn shell(&self, id: &str, script: &str) -> String {
        // An Engine mixes two streams in any order.
        let script = format!("exec 2>&1\n{script}");
        let config = ExecConfig {
            cmd: Some(["sh", "-c", &script].map(str::to_owned).into()),
            attach_stdout: Some(true),
            ..ExecConfig::default()
        };
        let (exec, output) = self.ask(async |docker| {
            let exec = docker.create_exec(id, config).await?.id;
            match docker.start_exec(&exec, None).await? {
                StartExecResults::Attached { output, .. } => Ok((exec, text(output).await?)),
                StartExecResults::Detached => panic!("it was not asked for"),
            }
        });
        let ended = wait_for("the end of the shell", || {
            let state = self.ask(async |docker| docker.inspect_exec(&exec).await);
            (state.running == Some(false)).then_some(state)
        });
        assert_eq!(ended.exit_code, Some(0), "{output}");
        output
    }

    /// What a container has printed.
    #[track_caller]
    pub fn log(&self, id: &str) -> String {
        self.printed(id, LogsOptionsBuilder::new().stdout(true).stderr(true))
    }

    /// What a container has printed on its standard error alone.
    #[track_caller]
    pub fn errors(&self, id: &str) -> String {
        self.printed(id, LogsOptionsBuilder::new().stderr(true))
    }

    #[track_caller]
    fn printed(&self, id: &str, options: LogsOptionsBuilder) -> String {
        self.ask(async |docker| text(docker.logs(id, Some(options.build()))).await)
    }

    pub fn with_label(&self, label: &str) -> Vec<String> {
        let path = list(&json!({"label": [label]}));
        // Podman fails to list while it removes a container.
        let listed = wait_for("a list", || {
            let answer = self.try_call("GET", &path)?;
            (answer.status == 200).then(|| answer.json())
        });
        let listed = listed.as_array().expect("a list").iter();
        let ids = listed.map(|container| container["Id"].as_str().expect("an id").to_owned());
        ids.collect()
    }

    /// The address of this machine on a network.
    #[track_caller]
    pub fn gateway(&self, network: &str) -> Ipv4Addr {
        let told = self.ask(async |docker| docker.inspect_network(network, None).await);
        let configs = told.ipam.and_then(|ipam| ipam.config).unwrap_or_default();
        let gateway = configs.into_iter().find_map(|config| config.gateway);
        let gateway = gateway.expect("the network has a gateway");
        gateway.parse().expect("a gateway is an address")
    }
}

/// The text of all pieces of an output.
async fn text(
    output: impl futures_util::Stream<Item = Result<LogOutput, Error>>,
) -> Result<String, Error> {
    let pieces: Vec<_> = output.try_collect().await?;
    Ok(pieces.iter().map(ToString::to_string).collect())
}
