//! The floor: the native client repeats the calls that the component made, for
//! a container of its own.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use http::Method;

use crate::client::{Call, Client};
use crate::recorder::{Recorded, Recorder};
use crate::server::Server;
use crate::side::Side;
use crate::unique;

/// Enough for the work after an answer, without a crowd, and for the kernel's own work after a removal: neither then
/// disturbs the next measurement.
pub const PAUSE: Duration = Duration::from_millis(60);

/// The calls that a server makes to its Engine for each webhook.
pub struct Scripts {
    /// For `/start`.
    pub start: Script,
    /// For `/stop`.
    pub stop: Script,
    /// For `/health`.
    pub health: Script,
}

/// The native client in place of a server.
pub struct Native<'a> {
    scripts: &'a Scripts,
    client: Client,
    engine: &'a str,
}

/// The calls of one webhook, without those after its answer.
#[derive(Debug, Clone)]
pub struct Script {
    /// The calls.
    pub calls: Vec<Recorded>,
    /// How many calls follow the answer.
    pub after: usize,
    name: Option<String>,
    id: Option<String>,
}

impl Scripts {
    /// Records the calls of a server whose Engine is behind `recorder`.
    pub async fn record(server: &Server, recorder: &Recorder) -> Result<Self> {
        let recorded = async || {
            tokio::time::sleep(PAUSE).await;
            recorder.take()
        };
        // The first start may still have to pull the image, or find a cold cache.
        let (id, _) = server.start().await?;
        server.stop(&id).await?;
        recorded().await;
        server.health().await?;
        let health = Script::of(recorded().await)?;
        let (id, _) = server.start().await?;
        let start = Script::of(recorded().await)?;
        server.stop(&id).await?;
        let mut stop = Script::of(recorded().await)?;
        stop.id = Some(id);
        Ok(Self {
            start,
            stop,
            health,
        })
    }
}

impl<'a> Native<'a> {
    /// A client without connections.
    pub fn new(scripts: &'a Scripts, engine: &'a str) -> Self {
        Self {
            scripts,
            client: Client::new(),
            engine,
        }
    }
}

impl Side for Native<'_> {
    type Target = String;

    async fn start(&self) -> Result<(String, Duration)> {
        self.scripts
            .start
            .play(&self.client, self.engine, None)
            .await
    }

    async fn stop(&self, id: &String) -> Result<Duration> {
        let stop = &self.scripts.stop;
        Ok(stop.play(&self.client, self.engine, Some(id)).await?.1)
    }
}

impl Script {
    /// The script of a webhook that made these calls. From the last list of all
    /// targets on, they belong to the work after the answer.
    fn of(mut calls: Vec<Recorded>) -> Result<Self> {
        let is_after = |one: &Recorded| one.is_list_of_all() || one.is_list_of_renewals();
        let all = calls.len();
        while calls.last().is_some_and(is_after) {
            calls.pop();
        }
        let created = calls.iter().find(|one| is_create(&one.call));
        let name = created.and_then(|one| Some(one.call.path.split_once("name=")?.1.to_owned()));
        let id = match created {
            Some(one) => {
                let reply: serde_json::Value = serde_json::from_slice(&one.reply)?;
                reply["Id"].as_str().map(str::to_owned)
            }
            None => None,
        };
        Ok(Self {
            after: all - calls.len(),
            calls,
            name,
            id,
        })
    }

    /// Only its first call.
    pub fn first(&self) -> Self {
        let mut first = self.clone();
        first.calls.truncate(1);
        first
    }

    /// Its list of all targets, if it makes one.
    pub fn list_of_all(&self) -> Option<&Call> {
        let list = self.calls.iter().find(|one| one.is_list_of_all());
        list.map(|one| &one.call)
    }

    /// The body of its create.
    pub fn create_body(&self) -> Result<serde_json::Value> {
        let create = self.calls.iter().find(|one| is_create(&one.call));
        let create = create.context("no container was created")?;
        Ok(serde_json::from_slice(&create.call.body)?)
    }

    /// The methods and paths of the calls, for the report.
    pub fn summary(&self) -> Vec<String> {
        let told = self.calls.iter().map(|one| {
            let path = one.call.path.split('?').next().unwrap_or_default();
            let path = match &self.id {
                Some(id) => path.replace(id, "{id}"),
                None => path.to_owned(),
            };
            format!("{} {path}", one.call.method)
        });
        told.collect()
    }

    /// Makes the calls, for a new container or for `id`. Returns its id, and how long all calls took.
    pub async fn play(
        &self,
        client: &Client,
        engine: &str,
        id: Option<&str>,
    ) -> Result<(String, Duration)> {
        let mut id = id.map(str::to_owned);
        let name = self.name.as_deref().map(unique::name_like);
        let begun = Instant::now();
        for Recorded { call, status, .. } in &self.calls {
            let renamed = self.renamed(call, name.as_deref(), id.as_deref());
            let reply = client.send(engine, renamed).await?;
            ensure!(
                reply.status == *status,
                "the same call was answered {status} and then {}: {}",
                reply.status,
                String::from_utf8_lossy(&reply.body)
            );
            if is_create(call) {
                id = Some(reply.text("Id")?);
            }
        }
        Ok((id.unwrap_or_default(), begun.elapsed()))
    }

    /// The call, for another container.
    fn renamed(&self, call: &Call, name: Option<&str>, id: Option<&str>) -> Call {
        let mut call = call.clone();
        for (old, new) in [(self.name.as_deref(), name), (self.id.as_deref(), id)] {
            let (Some(old), Some(new)) = (old, new) else {
                continue;
            };
            call.path = call.path.replace(old, new);
            // A body that is not text is the archive, which names no container.
            if let Ok(body) = std::str::from_utf8(&call.body)
                && body.contains(old)
            {
                call.body = body.replace(old, new).into();
            }
        }
        call
    }
}

fn is_create(call: &Call) -> bool {
    call.method == Method::POST && call.path.starts_with("/containers/create")
}
