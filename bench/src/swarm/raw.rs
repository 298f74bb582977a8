//! The floor on a Swarm: the calls that no client can do without, by the native client.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use futures_util::future::try_join_all;
use futures_util::{StreamExt, TryStreamExt, stream};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::client::{Call, Client, Reply};
use crate::recorder::Recorded;
use crate::server::DEPLOYMENT;
use crate::unique;

/// How often the floor looks whether a task has changed.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A task that takes longer has failed.
const TASK_BOUND: Duration = Duration::from_secs(60);

/// The floor's own deployment, which no server lists.
const FLOOR: &str = "floor";

/// How many services of the crowd are made at once.
const AT_ONCE: usize = 8;

/// Ten years: no reaper then removes the crowd while it is measured.
const FAR_OFF_SECONDS: &str = "315360000";

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
    /// How long all calls took.
    pub took: Duration,
}

/// The two lists of a deployment.
pub struct Lists {
    /// How long both took.
    pub took: Duration,
    /// The length of the list of services, and their number.
    pub services: (usize, usize),
    /// The length of the list of tasks, and their number.
    pub tasks: (usize, usize),
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

    /// Starts a service, and looks at its task until it runs.
    pub async fn start(&self) -> Result<Running> {
        let begun = Instant::now();
        let started = self.begin(None).await?;
        self.runs(&started.name).await?;
        Ok(Running {
            took: begun.elapsed(),
            ..started
        })
    }

    /// Starts a target that ends at once and removes it. Returns how long the start took until
    /// the task ran, and for how long the Swarm then showed it as running; `None` if it never
    /// did.
    pub async fn end(&self, command: &[&str]) -> Result<Option<[Duration; 2]>> {
        let begun = Instant::now();
        let started = self.begin(Some(command)).await?;
        let over = |states: &[String]| {
            let is_over = |state: &String| {
                matches!(
                    state.as_str(),
                    "complete" | "failed" | "rejected" | "shutdown"
                )
            };
            states.iter().any(is_over)
        };
        let runs_or_over =
            |states: &[String]| over(states) || states.iter().any(|state| state == "running");
        let seen = self.look(&started.name, runs_or_over).await?;
        let ran = begun.elapsed();
        let ended = match over(&seen) {
            true => None,
            false => {
                self.look(&started.name, over).await?;
                Some([ran, begun.elapsed() - ran])
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
        Ok(Running {
            id,
            name,
            secret,
            took: Duration::ZERO,
        })
    }

    /// Takes a service's task back, waits until it is gone, and deletes the service and its secret.
    pub async fn stop(&self, running: &Running) -> Result<Duration> {
        let begun = Instant::now();
        self.remove(&running.id, &running.name).await?;
        self.delete("secrets", &running.secret).await?;
        Ok(begun.elapsed())
    }

    /// The two lists that show all targets.
    pub async fn lists(&self) -> Result<Lists> {
        let label = format!("dynamic-access.deployment={DEPLOYMENT}");
        let begun = Instant::now();
        let services = self.list("services", "label", &label).await?;
        let tasks = self.list("tasks", "label", &label).await?;
        let took = begun.elapsed();
        let measured = |reply: &Reply| -> Result<(usize, usize)> {
            let list: Vec<Value> = serde_json::from_slice(&reply.body)?;
            Ok((reply.body.len(), list.len()))
        };
        Ok(Lists {
            took,
            services: measured(&services)?,
            tasks: measured(&tasks)?,
        })
    }

    /// Adds services of the deployment until there are `to` of them, `running` with a task.
    pub async fn fill(&self, from: usize, to: usize, running: usize) -> Result<()> {
        let making = (from..to).map(|index| self.add_to_crowd(index < running));
        let made = stream::iter(making).buffer_unordered(AT_ONCE);
        made.try_collect::<Vec<_>>().await?;
        Ok(())
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
        let runs = |states: &[String]| states.iter().any(|state| state == "running");
        self.look(name, runs).await.map(drop)
    }

    /// Waits until a service's task is gone.
    async fn gone(&self, name: &str) -> Result<()> {
        self.look(name, <[String]>::is_empty).await.map(drop)
    }

    /// Looks at the states of a service's tasks until they are as wanted, and returns them.
    async fn look(&self, name: &str, wanted: impl Fn(&[String]) -> bool) -> Result<Vec<String>> {
        let deadline = Instant::now() + TASK_BOUND;
        let label = format!("dynamic-access.name={name}");
        loop {
            let reply = self.list("tasks", "label", &label).await?;
            let tasks: Vec<Value> = serde_json::from_slice(&reply.body)?;
            let state = |task: &Value| {
                task["Status"]["State"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned()
            };
            let states: Vec<_> = tasks.iter().map(state).collect();
            if wanted(&states) {
                return Ok(states);
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
        self.gone(name).await?;
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
