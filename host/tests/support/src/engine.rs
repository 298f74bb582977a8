//! The real Engine that `cargo xtask test` has started.

use std::io::Write;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use super::given;
use super::http::{Answer, Whole, read_answer, read_whole, request, try_read_answer};
use super::wait::wait_for;

/// An Engine that takes longer to answer counts as hanging.
const HANGS_AFTER: Duration = Duration::from_secs(5);

/// The path that lists the containers that match filters, in any state.
pub fn list(filters: &Value) -> String {
    let mut path = "/containers/json?all=true&filters=".to_owned();
    for byte in filters.to_string().bytes() {
        path.push_str(&format!("%{byte:02X}"));
    }
    path
}

/// The path that lists the networks with this in their names, as the component asks it.
pub fn networks(name: &str) -> String {
    format!("/networks?filters=%7B%22name%22%3A%5B%22{name}%22%5D%7D")
}

/// A real Engine, called without the component.
#[derive(Clone)]
pub struct RealEngine {
    kind: Kind,
    socket: PathBuf,
}

/// Whose Engine it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Docker's own.
    Docker,
    /// Podman's service.
    Podman,
}

impl RealEngine {
    /// Its major and minor version.
    pub fn version(&self) -> (u32, u32) {
        let version = self.call("GET", "/version", None).json();
        let text = version["Version"].as_str().expect("a version");
        let mut numbers = text.split('.').map_while(|number| number.parse().ok());
        let mut number = || numbers.next().expect("a number");
        (number(), number())
    }

    /// Whose Engine it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The Docker Engine that the tests were given.
    pub fn given() -> Self {
        Self {
            kind: Kind::Docker,
            socket: given("TEST_DOCKER_SOCKET").into(),
        }
    }

    /// Podman's service, which the tests were given too.
    pub fn podman() -> Self {
        Self {
            kind: Kind::Podman,
            socket: given("TEST_PODMAN_SOCKET").into(),
        }
    }

    /// The folder with all files of both.
    pub fn home(&self) -> &Path {
        self.socket.parent().expect("a socket lies in a folder")
    }

    /// Its unix socket.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// One call of the Engine API.
    pub fn call(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        let stream = self.send(method, path, "application/json", body.as_bytes());
        read_answer(stream.expect("the Engine listens"))
    }

    /// One call; `None` if the Engine is down, or hangs.
    pub fn try_call(&self, method: &str, path: &str) -> Option<Answer> {
        let stream = self.send(method, path, "", b"").ok()?;
        stream.set_read_timeout(Some(HANGS_AFTER)).ok()?;
        try_read_answer(stream)
    }

    /// One call with a body and an answer that need not be text.
    pub fn call_with_bytes(&self, method: &str, path: &str, body: &[u8]) -> Whole {
        let stream = self.send(method, path, "application/x-tar", body);
        read_whole(stream.expect("the Engine listens"))
    }

    /// One call without a body, with these headers.
    pub fn call_with_headers(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut stream = UnixStream::connect(&self.socket).expect("the Engine listens");
        let mut all = vec![("content-length", "0")];
        all.extend(headers);
        let request = request(method, path, &all, b"");
        stream.write_all(&request).expect("the Engine reads");
        read_answer(stream)
    }

    fn send(
        &self,
        method: &str,
        path: &str,
        content_type: &str,
        body: &[u8],
    ) -> std::io::Result<UnixStream> {
        let headers: &[_] = if body.is_empty() {
            &[("content-length", "0")]
        } else {
            &[("content-type", content_type)]
        };
        let mut stream = UnixStream::connect(&self.socket)?;
        stream.write_all(&request(method, path, headers, body))?;
        Ok(stream)
    }

    /// The state of a container, `None` when it is gone.
    pub fn state(&self, id: &str) -> Option<String> {
        let answer = self.call("GET", &format!("/containers/{id}/json"), None);
        (answer.status == 200).then(|| {
            let state = &answer.json()["State"]["Status"];
            state.as_str().expect("a state").to_owned()
        })
    }

    /// The output of a shell in a container.
    pub fn shell(&self, id: &str, script: &str) -> String {
        // A terminal's output comes without the frame headers of two streams.
        let command = json!({"Cmd": ["sh", "-c", script], "Tty": true, "AttachStdout": true});
        let made = self.call("POST", &format!("/containers/{id}/exec"), Some(command));
        assert_eq!(made.status, 201, "{made:?}");
        let exec = made.json()["Id"].as_str().expect("an id").to_owned();
        let path = format!("/exec/{exec}/start");
        let run = self.call("POST", &path, Some(json!({"Tty": true})));
        assert_eq!(run.status, 200, "{run:?}");
        let path = format!("/exec/{exec}/json");
        let ended = wait_for("the end of the shell", || {
            let state = self.call("GET", &path, None).json();
            (state["Running"] == false).then_some(state)
        });
        assert_eq!(ended["ExitCode"], 0, "{}", run.body);
        run.body
    }

    /// The ids of all containers with a label.
    pub fn with_label(&self, label: &str) -> Vec<String> {
        let path = list(&json!({"label": [label]}));
        // Podman fails to list while it removes a container.
        let answer = wait_for("a list", || {
            Some(self.call("GET", &path, None)).filter(|answer| answer.status == 200)
        });
        let list = answer.json();
        let list = list.as_array().expect("a list").iter();
        list.map(|container| container["Id"].as_str().expect("an id").to_owned())
            .collect()
    }

    /// Creates a container without the component; it is removed when it is dropped.
    pub fn foreign(&self, name: &str, body: Value) -> Foreign<'_> {
        let answer = self.call(
            "POST",
            &format!("/containers/create?name={name}"),
            Some(body),
        );
        assert_eq!(answer.status, 201, "{answer:?}");
        let id = answer.json()["Id"].as_str().expect("an id").to_owned();
        Foreign { engine: self, id }
    }
}

/// A container that the component has not created.
pub struct Foreign<'a> {
    engine: &'a RealEngine,
    /// Its id.
    pub id: String,
}

impl Foreign<'_> {
    /// Starts it.
    pub fn start(&self) {
        let path = format!("/containers/{}/start", self.id);
        let answer = self.engine.call("POST", &path, None);
        assert_eq!(answer.status, 204, "{answer:?}");
    }
}

impl Drop for Foreign<'_> {
    fn drop(&mut self) {
        let path = format!("/containers/{}?force=true&v=true", self.id);
        self.engine.call("DELETE", &path, None);
    }
}

/// A network that is removed when it is dropped.
pub struct Network<'a> {
    /// Where it is.
    pub engine: &'a RealEngine,
    /// Its name.
    pub name: String,
}

impl<'a> Network<'a> {
    /// A bridge that no other test uses, with these options.
    pub fn new(engine: &'a RealEngine, options: Value) -> Self {
        let name = super::unique("net-");
        let body = json!({"Name": name, "Driver": "bridge", "Options": options});
        let made = engine.call("POST", "/networks/create", Some(body));
        assert_eq!(made.status, 201, "{made:?}");
        Self { engine, name }
    }

    /// The variable that puts targets on it.
    pub fn patch(&self) -> String {
        json!({"HostConfig": {"NetworkMode": self.name}}).to_string()
    }
}

impl Drop for Network<'_> {
    fn drop(&mut self) {
        let path = format!("/networks/{}", self.name);
        self.engine.call("DELETE", &path, None);
    }
}

/// The containers of one deployment, removed when it is dropped.
pub struct Deployment<'a> {
    engine: &'a RealEngine,
    /// Its `deployment_id`.
    pub id: String,
}

impl<'a> Deployment<'a> {
    /// A deployment that no other test uses.
    pub fn new(engine: &'a RealEngine) -> Self {
        Self {
            engine,
            id: super::unique("t"),
        }
    }

    /// The ids of its containers.
    pub fn containers(&self) -> Vec<String> {
        let label = format!("dynamic-access.deployment={}", self.id);
        self.engine.with_label(&label)
    }
}

impl Drop for Deployment<'_> {
    fn drop(&mut self) {
        for id in self.containers() {
            let path = format!("/containers/{id}?force=true&v=true");
            self.engine.call("DELETE", &path, None);
        }
    }
}
