//! The floor on a Swarm: the calls that no client can do without, by the native client. A service and its secret have
//! one name, by which the Swarm finds both.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use futures_util::future::try_join_all;
use futures_util::{StreamExt, TryStreamExt, stream};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::client::{Call, Client, Reply, bodiless, get, json as post};
use crate::ends::Try;
use crate::engine::{AT_ONCE, DEPLOYMENT, FAR_OFF_SECONDS, digits};
use crate::recorder::Recorded;
use crate::sides::Side;

/// How often the floor looks whether a task has changed.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A task that takes longer has failed.
const TASK_BOUND: Duration = Duration::from_secs(60);

/// The states of a task that has ended.
const OVER: [&str; 4] = ["complete", "failed", "rejected", "shutdown"];

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

impl Side for Raw {
    /// Starts a service, and looks at its task until it runs.
    async fn start(&self) -> Result<(String, Duration)> {
        let begun = Instant::now();
        let name = self.begin(None).await?;
        self.runs(&name).await?;
        Ok((name, begun.elapsed()))
    }

    /// Takes a service's task back, waits until it is gone, and deletes the service and its secret.
    async fn stop(&self, name: &str) -> Result<Duration> {
        let begun = Instant::now();
        self.remove(name).await?;
        self.delete("secrets", name).await?;
        Ok(begun.elapsed())
    }
}

impl Raw {
    /// Makes services like the one in the recorded calls of a start.
    pub fn like(calls: &[Recorded], manager: &str) -> Result<Self> {
        let body = |end: &str| -> Result<Value> {
            let mut calls = calls.iter().map(|one| &one.call);
            let found = calls.find(|call| call.uri().path().ends_with(end));
            let found = found.with_context(|| format!("a start without {end}"))?;
            Ok(serde_json::from_slice(found.body())?)
        };
        let update = body("/update")?;
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
        let begun = Instant::now();
        let name = self.begin(Some(command)).await?;
        let is_over = |state: &str| OVER.contains(&state);
        let runs_or_over = |state: &str| state == "running" || is_over(state);
        let seen = self.look(&name, runs_or_over).await?;
        let ran = begun.elapsed();
        let mut ended = None;
        if seen == "running" {
            self.look(&name, is_over).await?;
            ended = Some(vec![ran, begun.elapsed() - ran]);
        }
        self.delete("services", &name).await?;
        self.delete("secrets", &name).await?;
        Ok(ended)
    }

    /// Starts a service of a deployment that no server lists, with another command if there is one.
    async fn begin(&self, command: Option<&[&str]>) -> Result<String> {
        let (name, mut spec) = self.named("floor");
        if let Some(command) = command {
            spec["TaskTemplate"]["ContainerSpec"]["Command"] = json!(command);
        }
        self.send(post("/services/create", &spec)).await?;
        let secret = json!({"Name": name, "Labels": {}, "Data": TOKEN});
        let secret = self.send(post("/secrets/create", &secret)).await?;
        spec["TaskTemplate"]["ContainerSpec"]["Secrets"] = json!([{
            "File": self.file,
            "SecretID": secret.text("ID")?,
            "SecretName": name,
        }]);
        let service = self.service(&name).await?;
        self.scale(&name, &service, spec, 1).await?;
        Ok(name)
    }

    /// The two lists that show all targets: how long both took, and the bytes and the entries of each.
    pub async fn lists(&self) -> Result<(Duration, [(&str, (usize, usize)); 2])> {
        let label = format!("deployment={DEPLOYMENT}");
        let begun = Instant::now();
        let services = self.list("services", &label).await?;
        let tasks = self.list("tasks", &label).await?;
        let took = begun.elapsed();
        let size = |reply: &Reply| -> Result<(usize, usize)> {
            Ok((reply.body.len(), entries(reply)?.len()))
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
        // A start lists those with "false". One with "true" and no task has ended, and
        // would be reaped.
        let vouched = if runs { "true" } else { "stand-in" };
        for (label, value) in [
            (CROWD, "true"),
            ("dynamic-access.start-within", FAR_OFF_SECONDS),
            ("dynamic-access.max-lifetime", FAR_OFF_SECONDS),
            ("dynamic-access.vouched", vouched),
        ] {
            spec["Labels"][label] = value.into();
        }
        if runs {
            spec["Mode"] = json!({"Replicated": {"Replicas": 1}});
            let template = &mut spec["TaskTemplate"];
            template["ContainerSpec"]["Command"] = json!(["sleep", "infinity"]);
            // The room is for those that are measured.
            template["Resources"] = json!({});
        }
        self.send(post("/services/create", &spec)).await?;
        match runs {
            true => self.runs(&name).await,
            false => Ok(()),
        }
    }

    /// Removes the remains of failed starts, and waits until they are gone.
    pub async fn sweep(&self) -> Result<()> {
        let label = format!("deployment={DEPLOYMENT}");
        let services = entries(&self.list("services", &label).await?)?;
        let specs = services.iter().map(|service| &service["Spec"]);
        let left = specs.filter(|spec| spec["Labels"][CROWD].is_null());
        let names = left.filter_map(|spec| spec["Name"].as_str());
        try_join_all(names.map(|name| self.remove(name))).await?;
        Ok(())
    }

    /// The model with a name of its own, for a deployment.
    fn named(&self, deployment: &str) -> (String, Value) {
        let name = format!("{deployment}-{:0>40}", digits());
        let attempt = format!("{:0>32}", digits());
        let mut spec = self.model.clone();
        spec["Name"] = name.as_str().into();
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
        let begun = Instant::now();
        loop {
            let tasks = entries(&self.list("tasks", &format!("name={name}")).await?)?;
            let states = tasks.iter().map(|task| task["Status"]["State"].as_str());
            let mut states: Vec<_> = states.flatten().collect();
            if tasks.is_empty() {
                states.push("");
            }
            if let Some(state) = states.iter().find(|state| wanted(state)) {
                return Ok((*state).to_owned());
            }
            let is_in_time = begun.elapsed() < TASK_BOUND;
            ensure!(is_in_time, "the tasks of {name} are {states:?}");
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// The service is deleted last, because the leader of Docker 26 crashes if a task is removed while its service is
    /// being deleted.
    async fn remove(&self, name: &str) -> Result<()> {
        let service = self.service(name).await?;
        let spec = service["Spec"].clone();
        self.scale(name, &service, spec, 0).await?;
        self.look(name, str::is_empty).await?;
        self.delete("services", name).await
    }

    /// Gives a service a specification with so many replicas.
    async fn scale(&self, name: &str, service: &Value, mut spec: Value, to: u8) -> Result<()> {
        spec["Mode"] = json!({"Replicated": {"Replicas": to}});
        let version = &service["Version"]["Index"];
        let path = format!("/services/{name}/update?version={version}");
        self.send(post(&path, &spec)).await.map(drop)
    }

    async fn service(&self, name: &str) -> Result<Value> {
        self.send(get(&format!("/services/{name}"))).await?.json()
    }

    async fn delete(&self, what: &str, name: &str) -> Result<()> {
        let call = bodiless(Method::DELETE, &format!("/{what}/{name}"));
        let status = self.client.send(&self.manager, call).await?.status;
        let is_gone = status.is_success() || status == StatusCode::NOT_FOUND;
        ensure!(is_gone, "the deletion of {name} of {what}: {status}");
        Ok(())
    }

    /// The services or tasks with one of our labels.
    async fn list(&self, what: &str, label: &str) -> Result<Reply> {
        let filters = json!({"label": [format!("dynamic-access.{label}")]}).to_string();
        let filters = filters.bytes().map(|byte| format!("%{byte:02X}"));
        let filters: String = filters.collect();
        self.send(get(&format!("/{what}?filters={filters}"))).await
    }

    async fn send(&self, call: Call) -> Result<Reply> {
        self.client.call(&self.manager, call).await
    }
}

fn entries(list: &Reply) -> Result<Vec<Value>> {
    Ok(serde_json::from_slice(&list.body)?)
}
