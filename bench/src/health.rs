//! Measures `/health` against the look-up of the image, and against all its calls.

use std::time::Duration;

use anyhow::Result;

use crate::client::Client;
use crate::row::Row;
use crate::samples::Pairs;
use crate::server::Server;
use crate::start_stop::Scripts;

const GROUP: &str = "health";

/// Ample time for the work after an answer.
const BETWEEN: Duration = Duration::from_millis(10);

/// Measures it in turns with the native client.
pub async fn in_turns(
    server: &Server,
    scripts: &Scripts,
    engine: &str,
    samples: usize,
) -> Result<Vec<Row>> {
    let client = Client::new();
    let image = scripts.health.first();
    let (mut by_image, mut by_all) = (Pairs::default(), Pairs::default());
    for _ in 0..samples {
        let ours = server.health().await?;
        tokio::time::sleep(BETWEEN).await;
        let look_up = image.play(&client, engine, None).await?;
        by_image.push(ours, look_up.took);
        let all = scripts.health.play(&client, engine, None).await?;
        by_all.push(ours, all.took);
    }
    Ok(vec![
        Row::new(GROUP, "/health", "image look-up", by_image),
        Row::new(GROUP, "/health", "native, all calls", by_all),
    ])
}
