//! The floor: the native client repeats the calls that the component made, for
//! a container of its own.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use http::Method;

use crate::client::{Call, Client};
use crate::engine::name_like;
use crate::recorder::{Recorded, Recorder};
use crate::server::Server;
use crate::sides::Side;

/// Enough for the work after an answer, without a crowd, and for the kernel's own work after a removal: neither then
/// disturbs the next measurement.
pub const PAUSE: Duration = Duration::from_millis(60);

/// The native client in place of a server.
#[derive(Clone)]
pub struct Native {
    client: Client,
    engine: String,
    pub start: Script,
    pub stop: Script,
    pub health: Script,
    /// The name of the container in these calls.
    name: String,
    id: String,
}

/// The calls of one webhook, without those after its answer.
#[derive(Clone)]
pub struct Script {
    pub calls: Vec<Recorded>,
    /// How many calls follow the answer.
    pub after: usize,
}

impl Native {
    /// Records the calls of a server whose Engine is behind `recorder`, to repeat them on `engine`.
    pub async fn record(server: &Server, recorder: &Recorder, engine: &str) -> Result<Self> {
        let recorded = async || {
            tokio::time::sleep(PAUSE).await;
            Script::of(recorder.take())
        };
        // The first start may still have to pull the image, or find a cold cache.
        let (id, _) = server.start().await?;
        server.stop(&id).await?;
        recorded().await;
        server.health().await?;
        let health = recorded().await;
        let (id, _) = server.start().await?;
        let start = recorded().await;
        server.stop(&id).await?;
        let create = start.create()?.uri().to_string();
        let name = create.split_once("name=").context("a name")?.1.to_owned();
        Ok(Self {
            client: Client::new(),
            engine: engine.to_owned(),
            start,
            stop: recorded().await,
            health,
            name,
            id,
        })
    }

    /// The same calls to another Engine.
    pub fn on(&self, engine: &str) -> Self {
        Self {
            engine: engine.to_owned(),
            ..self.clone()
        }
    }

    /// Makes the calls, for a new container or for `id`. Returns its id, and how long all calls took.
    pub async fn play(&self, calls: &[Recorded], id: Option<&str>) -> Result<(String, Duration)> {
        let (name, mut id) = (name_like(&self.name), id.unwrap_or(&self.id).to_owned());
        let begun = Instant::now();
        for Recorded { call, status, .. } in calls {
            let renamed = self.renamed(call, &name, &id)?;
            let reply = self.client.send(&self.engine, renamed).await?;
            ensure!(
                reply.status == *status,
                "the same call was answered {status} and then {}: {}",
                reply.status,
                String::from_utf8_lossy(&reply.body)
            );
            if is_create(call) {
                id = reply.text("Id")?;
            }
        }
        Ok((id, begun.elapsed()))
    }

    /// The call, for another container.
    fn renamed(&self, call: &Call, name: &str, id: &str) -> Result<Call> {
        let other = |text: &str| text.replace(&self.name, name).replace(&self.id, id);
        let mut call = call.clone();
        *call.uri_mut() = other(&call.uri().to_string()).parse()?;
        // A body that is not text is the archive, which names no container.
        if let Ok(body) = std::str::from_utf8(call.body()) {
            *call.body_mut() = other(body).into();
        }
        Ok(call)
    }

    /// The methods and paths of a script's calls, for the report.
    pub fn summary(&self, script: &Script) -> String {
        let calls = script.calls.iter().map(|one| {
            let path = one.call.uri().path().replace(&self.id, "{id}");
            format!("{} {path}", one.call.method())
        });
        Vec::from_iter(calls).join(", ")
    }
}

impl Side for Native {
    async fn start(&self) -> Result<(String, Duration)> {
        self.play(&self.start.calls, None).await
    }

    async fn stop(&self, id: &str) -> Result<Duration> {
        Ok(self.play(&self.stop.calls, Some(id)).await?.1)
    }
}

impl Script {
    /// The script of a webhook that made these calls. From the last list of all
    /// targets on, they belong to the work after the answer.
    fn of(mut calls: Vec<Recorded>) -> Self {
        let is_after = |one: &Recorded| one.is_list_of_all() || one.is_list_of_renewals();
        let all = calls.len();
        while calls.last().is_some_and(is_after) {
            calls.pop();
        }
        let after = all - calls.len();
        Self { calls, after }
    }

    /// Its call that creates a container.
    pub fn create(&self) -> Result<&Call> {
        let mut calls = self.calls.iter().map(|one| &one.call);
        let create = calls.find(|call| is_create(call));
        create.context("no container was created")
    }
}

fn is_create(call: &Call) -> bool {
    call.method() == Method::POST && call.uri().path() == "/containers/create"
}
