//! The floor: the native client repeats the calls that the component made, for
//! a container of its own.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use http::Method;

use crate::client::{Call, Client};
use crate::recorder::Recorded;
use crate::unique;

/// The calls of one webhook, without those after its answer.
#[derive(Debug, Clone)]
pub struct Script {
    calls: Vec<Recorded>,
    name: Option<String>,
    id: Option<String>,
}

/// A container that a replay has created or used.
#[derive(Debug)]
pub struct Played {
    /// Its id.
    pub id: String,
    /// How long all calls took.
    pub took: Duration,
}

impl Script {
    /// The script of a webhook that made these calls. From the last list of all
    /// targets on, they belong to the work after the answer.
    pub fn of(mut calls: Vec<Recorded>) -> Result<Self> {
        let is_after = |one: &Recorded| one.is_list_of_all() || one.is_list_of_renewals();
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
        Ok(Self { calls, name, id })
    }

    /// The same for a webhook that gets the id of a container.
    pub fn about(id: &str, calls: Vec<Recorded>) -> Result<Self> {
        Ok(Self {
            id: Some(id.to_owned()),
            ..Self::of(calls)?
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

    /// How many calls there are.
    pub fn len(&self) -> usize {
        self.calls.len()
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

    /// Makes the calls, for a new container or for `id`.
    pub async fn play(&self, client: &Client, engine: &str, id: Option<&str>) -> Result<Played> {
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
        Ok(Played {
            took: begun.elapsed(),
            id: id.unwrap_or_default(),
        })
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

/// Plays a script `count` times at once.
pub async fn play_at_once(
    script: &Script,
    client: &Client,
    engine: &str,
    count: usize,
) -> Result<Vec<Played>> {
    let plays = (0..count).map(|_| script.play(client, engine, None));
    futures_util::future::try_join_all(plays)
        .await
        .context("the native client")
}
