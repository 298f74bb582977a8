//! Measures what operators read against the one list that it takes from the Engine.

use anyhow::{Context, Result};
use http::Method;

use crate::client::{Call, Client};
use crate::native::Script;
use crate::row::Row;
use crate::samples::compare;
use crate::server::Server;

/// The routes that read the targets.
const ROUTES: [&str; 3] = ["/v1/targets", "/metrics", "/"];

/// Reads each route in turns with the list of a start, while there are `size`
/// targets.
pub async fn in_turns(
    server: &Server,
    start: &Script,
    engine: &str,
    size: usize,
    samples: usize,
) -> Result<Vec<Row>> {
    let client = Client::new();
    let list = start.list_of_all().context("a start makes no list")?;
    let floor = async || {
        let reply = client.send(engine, list.clone()).await?;
        Ok([reply.success("the list")?.took])
    };
    let mut rows = Vec::new();
    for route in ROUTES {
        let ours = async || Ok([server.read(Call::bodiless(Method::GET, route)).await?]);
        let [pairs] = compare(samples, ours, floor).await?;
        let group = format!("reads, {size} targets");
        rows.push(Row::new(group, route, "the Engine's list", pairs));
    }
    Ok(rows)
}
