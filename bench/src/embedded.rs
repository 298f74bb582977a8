//! What the parts share that measure the component in the embedded host.

use anyhow::Result;
use tokio::runtime::Runtime;

use crate::Arguments;
use crate::engine::Engine;
use crate::recorder::Recorder;
use crate::report::Report;
use crate::server::Hosting;

/// The embedded host, an Engine that has nothing but the measured targets, and the results.
pub struct Bench<'a> {
    pub arguments: &'a Arguments,
    pub hosting: Hosting<'a>,
    pub empty: Engine,
    /// Records the calls that the component makes to it.
    pub recorder: Recorder,
    pub report: Report,
}

impl<'a> Bench<'a> {
    /// A bench without results.
    pub async fn new(arguments: &'a Arguments, threads: &'a Runtime) -> Result<Self> {
        let empty = Engine::given("ENGINE")?;
        let about = vec![
            ("Engine", empty.version().await?),
            ("host", "embedded".to_owned()),
        ];
        Ok(Self {
            arguments,
            hosting: Hosting::new(threads)?,
            recorder: Recorder::start(threads, 0, &empty.url).await?,
            report: Report::new(about)?,
            empty,
        })
    }
}
