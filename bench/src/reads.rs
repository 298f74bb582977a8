//! Measures what operators read against the one list that it takes from the Engine.

use anyhow::{Context, Result};
use http::Method;

use crate::client::{Call, Client};
use crate::replay::Script;
use crate::row::Row;
use crate::samples::{Pairs, in_turn};
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
    let group = format!("reads, {size} targets");
    let mut rows = Vec::new();
    for route in ROUTES {
        let mut pairs = Pairs::default();
        for round in 0..samples {
            let ours = async {
                let call = Call::bodiless(Method::GET, route);
                let reply = server.read(call).await?.success(route)?;
                anyhow::Ok(reply.took)
            };
            let floor = async {
                let reply = client.send(engine, list.clone()).await?;
                anyhow::Ok(reply.success("the list")?.took)
            };
            let (ours, floor) = in_turn(round, ours, floor).await?;
            pairs.push(ours, floor);
        }
        rows.push(Row::new(&group, route, "the Engine's list", pairs));
    }
    Ok(rows)
}
