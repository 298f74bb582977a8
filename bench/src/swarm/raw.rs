//! The floor on a Swarm: the calls that no client can do without, by the native client.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use futures_util::future::try_join_all;
use futures_util::{StreamExt, TryStreamExt, stream};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::client::{Call, Client, Reply};
use crate::ends::Try;
use crate::engine::{AT_ONCE, FAR_OFF_SECONDS};
use crate::recorder::Recorded;
use crate::server::DEPLOYMENT;
use crate::side::Side;
use crate::unique;

/// How often the floor looks whether a task has changed.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A task that takes longer has failed.
const TASK_BOUND: Duration = Duration::from_secs(60);

/// The floor's own deployment, which no server lists.
const FLOOR: &str = "floor";

/// Marks the services of the crowd.
const CROWD: &str = "bench.crowd";

/// "a token", as good as any.
const TOKEN: &str = "YSB0b2tlbg==";

/// A Swarm without a server in front of it.
pub struct Raw {
    client: Client,
    manager: String,
    /// The body with which the server creates a service.
    model: Value,
    /// Where that service has its token.
    file: Value,
}

/// A service whose task runs.
pub struct Running {
    id: String,
    name: String,
    secret: String,
}

impl Side for Raw {
    type Target = Running;

    /// Starts a service, and looks at its task until it runs.
    async fn start(&self) -> Result<(Running, Duration)> {
        let begun = Instant::now();
        let started = self.begin(None).await?;
        self.runs(&started.name).await?;
        Ok((started, begun.elapsed()))
    }

    /// Takes a service's task back, waits until it is gone, and deletes the service and its secret.
    async fn stop(&self, running: &Running) -> Result<Duration> {
        let begun = Instant::now();
        self.remove(&running.id, &running.name).await?;
        self.delete("secrets", &running.secret).await?;
        Ok(begun.elapsed())
    }
}

impl Raw {
    /// Makes services like the one in the recorded calls of a start.
    pub fn like(calls: &[Recorded], manager: &str) -> Result<Self> {
        let body = |part: &str| -> Result<Value> {
            let found = calls.iter().find(|one| one.call.path.contains(part));
            let found = found.with_context(|| format!("a start without {part}"))?;
            Ok(serde_json::from_slice(&found.call.body)?)
        };
        let update = body("/update?")?;
        Ok(Self {
            client: Client::new(),
            manager: manager.to_owned(),
            model: body("/services/create")?,
            file: update["TaskTemplate"]["ContainerSpec"]["Secrets"][0]["File"].clone(),
        })
    }

    /// Starts a target that ends at once and removes it. Returns how long the start took until
    /// the task ran, and for how long the Swarm then showed it as running; `None` if it never
    /// did.
    pub async fn end(&self, command: &[&str]) -> Result<Option<Try>> {
        const OVER: [&str; 4] = ["complete", "failed", "rejected", "shutdown"];
        let over = |state: &str| OVER.contains(&state);
        let begun = Instant::now();
        let started = self.begin(Some(command)).await?;
        let runs_or_over = |state: &str| state == "running" || over(state);
        let seen = self.look(&started.name, runs_or_over).await?;
        let ran = begun.elapsed();
        let ended = match over(&seen) {
            true => None,
            false => {
                self.look(&started.name, over).await?;
                Some(vec![ran, begun.elapsed() - ran])
            }
        };
        self.delete("services", &started.id).await?;
        self.delete("secrets", &started.secret).await?;
        Ok(ended)
    }

    /// Starts a service, with another command if there is one.
    async fn begin(&self, command: Option<&[&str]>) -> Result<Running> {
        let (name, mut spec) = self.named(FLOOR);
        if let Some(command) = command {
            spec["TaskTemplate"]["ContainerSpec"]["Command"] = json!(command);
        }
        let id = self.created("/services/create", &spec).await?;
        let secret_name = format!("{FLOOR}-{}", unique::digits());
        let secret = json!({"Name": secret_name, "Labels": {}, "Data": TOKEN});
        let secret = self.created("/secrets/create", &secret).await?;
        let version = version(&self.service(&id).await?)?;
        spec["Mode"] = json!({"Replicated": {"Replicas": 1}});
        spec["TaskTemplate"]["ContainerSpec"]["Secrets"] = json!([{
            "File": self.file,
            "SecretID": secret,
            "SecretName": secret_name,
        }]);
        let path = format!("/services/{id}/update?version={version}");
        self.send(Call::json(path, &spec)).await?;
        Ok(Running { id, name, secret })
    }

    /// The two lists that show all targets: how long both took, and the bytes and the entries of each.
    pub async fn lists(&self) -> Result<(Duration, [(&str, (usize, usize)); 2])> {
        let label = format!("dynamic-access.deployment={DEPLOYMENT}");
        let begun = Instant::now();
        let services = self.list("services", "label", &label).await?;
        let tasks = self.list("tasks", "label", &label).await?;
        let took = begun.elapsed();
        let size = |reply: &Reply| -> Result<(usize, usize)> {
            let list: Vec<Value> = serde_json::from_slice(&reply.body)?;
            Ok((reply.body.len(), list.len()))
        };
        let sizes = [("services", size(&services)?), ("tasks", size(&tasks)?)];
        Ok((took, sizes))
    }

    /// Adds services of the deployment until there are `to` of them, `running` with a task.
    pub async fn fill(&self, from: usize, to: usize, running: usize) -> Result<()> {
        let making = (from..to).map(|index| self.add_to_crowd(index < running));
        let made = stream::iter(making).buffer_unordered(AT_ONCE);
        made.try_collect().await
    }

    async fn add_to_crowd(&self, runs: bool) -> Result<()> {
        let (name, mut spec) = self.named(DEPLOYMENT);
        spec["Labels"][CROWD] = "true".into();
        for label in ["start-within", "max-lifetime"] {
            spec["Labels"][format!("dynamic-access.{label}")] = FAR_OFF_SECONDS.into();
        }
        // A start lists those with "false". One with "true" and no task has ended, and
        // would be reaped.
        let vouched = if runs { "true" } else { "stand-in" };
        spec["Labels"]["dynamic-access.vouched"] = vouched.into();
        if runs {
            spec["Mode"] = json!({"Replicated": {"Replicas": 1}});
            let template = &mut spec["TaskTemplate"];
            template["ContainerSpec"]["Command"] = json!(["sleep", "infinity"]);
            // The room is for those that are measured.
            template["Resources"] = json!({});
        }
        self.created("/services/create", &spec).await?;
        if runs {
            self.runs(&name).await?;
        }
        Ok(())
    }

    /// Removes the remains of failed starts, and waits until they are gone.
    pub async fn sweep(&self) -> Result<()> {
        let label = format!("dynamic-access.deployment={DEPLOYMENT}");
        let services: Vec<Value> =
            serde_json::from_slice(&self.list("services", "label", &label).await?.body)?;
        let left = services
            .iter()
            .filter(|one| one["Spec"]["Labels"][CROWD].is_null());
        let removing = left.map(|service| async {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            self.remove(&text(&service["ID"]), &text(&service["Spec"]["Name"]))
                .await
        });
        try_join_all(removing).await?;
        Ok(())
    }

    /// The model with a name of its own, for a deployment.
    fn named(&self, deployment: &str) -> (String, Value) {
        let name = format!("{deployment}-{:0>40}", unique::digits());
        let mut spec = self.model.clone();
        spec["Name"] = name.as_str().into();
        let attempt = format!("{:0>32}", unique::digits());
        for (label, value) in [
            ("deployment", deployment),
            ("name", name.as_str()),
            ("attempt", attempt.as_str()),
        ] {
            let label = format!("dynamic-access.{label}");
            spec["Labels"][&label] = value.into();
            spec["TaskTemplate"]["ContainerSpec"]["Labels"][&label] = value.into();
        }
        (name, spec)
    }

    /// Waits until a service's task runs.
    async fn runs(&self, name: &str) -> Result<()> {
        self.look(name, |state| state == "running").await.map(drop)
    }

    /// Looks at the states of a service's tasks until one is as wanted, and returns it. No task has the state "".
    async fn look(&self, name: &str, wanted: impl Fn(&str) -> bool) -> Result<String> {
        let deadline = Instant::now() + TASK_BOUND;
        let label = format!("dynamic-access.name={name}");
        loop {
            let reply = self.list("tasks", "label", &label).await?;
            let tasks: Vec<Value> = serde_json::from_slice(&reply.body)?;
            let states = tasks
                .iter()
                .filter_map(|task| task["Status"]["State"].as_str());
            let mut states: Vec<_> = states.collect();
            if tasks.is_empty() {
                states.push("");
            }
            if let Some(state) = states.iter().find(|state| wanted(state)) {
                return Ok((*state).to_owned());
            }
            if Instant::now() > deadline {
                bail!("the tasks of {name} are {states:?}");
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// The service is deleted last, because the leader of Docker 26 crashes if a task is removed while its service is
    /// being deleted.
    async fn remove(&self, id: &str, name: &str) -> Result<()> {
        let service = self.service(id).await?;
        let mut spec = service["Spec"].clone();
        spec["Mode"] = json!({"Replicated": {"Replicas": 0}});
        let version = version(&service)?;
        let path = format!("/services/{id}/update?version={version}");
        self.send(Call::json(path, &spec)).await?;
        self.look(name, str::is_empty).await?;
        self.delete("services", id).await
    }

    async fn service(&self, id: &str) -> Result<Value> {
        let call = Call::bodiless(Method::GET, format!("/services/{id}"));
        Ok(serde_json::from_slice(&self.send(call).await?.body)?)
    }

    async fn created(&self, path: &str, body: &Value) -> Result<String> {
        self.send(Call::json(path, body)).await?.text("ID")
    }

    async fn delete(&self, what: &str, id: &str) -> Result<()> {
        let call = Call::bodiless(Method::DELETE, format!("/{what}/{id}"));
        let reply = self.client.send(&self.manager, call).await?;
        match reply.status {
            StatusCode::NOT_FOUND => Ok(()),
            _ => reply.success("a delete").map(drop),
        }
    }

    async fn list(&self, what: &str, key: &str, value: &str) -> Result<Reply> {
        let mut path = format!("/{what}?filters=");
        for byte in json!({key: [value]}).to_string().bytes() {
            path.push_str(&format!("%{byte:02X}"));
        }
        self.send(Call::bodiless(Method::GET, path)).await
    }

    async fn send(&self, call: Call) -> Result<Reply> {
        let what = format!("{} {}", call.method, call.path);
        self.client.send(&self.manager, call).await?.success(&what)
    }
}

fn version(service: &Value) -> Result<u64> {
    let version = service["Version"]["Index"].as_u64();
    version.context("a service has a version")
}
