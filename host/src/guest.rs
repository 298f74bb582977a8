//! Compiles the component, and serves each request with an instance of its own.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use tokio::sync::{Semaphore, mpsc, oneshot};
use wasmtime::component::{Component, HasSelf, Linker, Resource, ResourceTable};
use wasmtime::{
    Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, Store, Strategy,
};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::p2::bindings::ProxyPre;
use wasmtime_wasi_http::p2::bindings::http::outgoing_handler;
use wasmtime_wasi_http::p2::bindings::http::types::{self, ErrorCode, Scheme};
use wasmtime_wasi_http::p2::types::HostResponseOutparam;
use wasmtime_wasi_http::{WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use crate::bindings::fermyon::spin::variables;
use crate::manifest::{Manifest, is_variable_name};
use crate::meter::Meter;
use crate::outbound::Outbound;
use crate::sink::{GuestOutput, Sink};

/// The memory of one instance: what Spin's hosted platforms grant. A component that runs here then runs there too.
const INSTANCE_MEMORY: usize = 128 * 1024 * 1024;

/// How many instances may exist at once, as in Spin; further requests wait. The pool reserves only address space.
const LIVE_INSTANCES: u32 = 1000;

/// A component consists of its program and a few adapters, each a core instance; this is Wasmtime's default.
const CORE_INSTANCES_PER_COMPONENT: u32 = 20;

/// The program has one or two tables and the adapters share one; more would only reserve memory.
const TABLES_PER_COMPONENT: u32 = 8;

/// How much of an instance's memory is cleared by writing to it, and so stays in memory for the next instance, as in
/// Spin; the kernel takes back the rest.
const MEMORY_KEPT: usize = 2 * 1024 * 1024;

/// The same for an instance's tables.
const TABLE_KEPT: usize = 512 * 1024;

/// A compiled component. Several hosts can run it at once; clones share the component and its instance pool.
#[derive(Clone)]
pub struct Compiled {
    pre: ProxyPre<State>,
    live: Arc<Semaphore>,
}

impl Compiled {
    /// Compiles the component of the manifest file `manifest`.
    pub fn from_manifest(manifest: &Path) -> Result<Self> {
        Self::new(&Manifest::read(manifest)?)
    }

    pub(crate) fn new(manifest: &Manifest) -> Result<Self> {
        let engine = engine()?;
        let source = manifest.component.source.display();
        let wasm = std::fs::read(&manifest.component.source);
        let wasm = wasm.with_context(|| match &manifest.component.build {
            Some(build) => format!("cannot read {source}; build it first: {}", build.command),
            None => format!("cannot read {source}"),
        })?;
        let component = Component::new(&engine, wasm)
            .map_err(anyhow::Error::from)
            .with_context(|| format!("{source} is not a component that this host can compile"))?;
        let pre = linker(&engine)
            .and_then(|linker| linker.instantiate_pre(&component))
            .and_then(ProxyPre::new)
            .map_err(anyhow::Error::from)
            .with_context(|| {
                format!(
                    "{source} needs more than WASI 0.2 and Spin's variables, or does not serve HTTP"
                )
            })?;
        let live = Arc::new(Semaphore::new(LIVE_INSTANCES as usize));
        Ok(Self { pre, live })
    }

    /// The interfaces that the component imports and exports, with their versions.
    pub fn interfaces(&self) -> [Vec<String>; 2] {
        let pre = self.pre.instance_pre();
        let (component, engine) = (pre.component().component_type(), pre.engine());
        let imports = component.imports(engine).map(|(name, _)| name.to_owned());
        let exports = component.exports(engine).map(|(name, _)| name.to_owned());
        [imports.collect(), exports.collect()]
    }
}

fn engine() -> Result<Engine> {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(LIVE_INSTANCES)
        .total_core_instances(LIVE_INSTANCES * CORE_INSTANCES_PER_COMPONENT)
        .max_core_instances_per_component(CORE_INSTANCES_PER_COMPONENT)
        .total_memories(LIVE_INSTANCES)
        .max_memories_per_component(1)
        .total_tables(LIVE_INSTANCES * TABLES_PER_COMPONENT)
        .max_tables_per_component(TABLES_PER_COMPONENT)
        .total_stacks(LIVE_INSTANCES)
        .max_memory_size(INSTANCE_MEMORY)
        .linear_memory_keep_resident(MEMORY_KEPT)
        .table_keep_resident(TABLE_KEPT);
    let mut config = Config::new();
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    // A debug build does not optimise the compiler either: Winch then takes 3 s of one core, Cranelift 17.
    if cfg!(debug_assertions) {
        config.strategy(Strategy::Winch);
    }
    Engine::new(&config)
        .map_err(anyhow::Error::from)
        .with_context(|| {
            format!(
                "cannot reserve the address space for {LIVE_INSTANCES} instances, about 4 TiB; \
                 `ulimit -v unlimited` lifts the limit of a shell"
            )
        })
}

fn linker(engine: &Engine) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    variables::add_to_linker::<_, HasSelf<State>>(&mut linker, |state| state)?;
    hand_over_at_once(&mut linker)?;
    Ok(linker)
}

// With Spin, another thread may send the head of an answer or of a request as soon as the guest hands it over. Here,
// that is usually the guest's own thread, so the rest of the message would always be there in time. Therefore the guest
// pauses when it hands over a head, and the rest is sent separately.
fn hand_over_at_once(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    linker.instance("wasi:http/types@0.2.12")?.func_wrap_async(
        "[static]response-outparam.set",
        |mut store, (out, answer): (Resource<HostResponseOutparam>, _)| {
            Box::new(async move {
                let mut http = store.data_mut().http();
                types::HostResponseOutparam::set(&mut http, out, answer)?;
                tokio::task::yield_now().await;
                Ok(())
            })
        },
    )?;
    linker
        .instance("wasi:http/outgoing-handler@0.2.12")?
        .func_wrap_async("handle", |mut store, (request, options)| {
            Box::new(async move {
                let mut http = store.data_mut().http();
                let sent = outgoing_handler::Host::handle(&mut http, request, options);
                let sent = match sent {
                    Ok(reply) => Ok(reply),
                    Err(error) => Err(error.downcast()?),
                };
                tokio::task::yield_now().await;
                Ok((sent,))
            })
        })?;
    linker.allow_shadowing(false);
    Ok(())
}

/// The component of one host, and everything that its instances get.
pub struct Guest {
    pub compiled: Compiled,
    /// Its id, for log lines.
    pub component: String,
    pub variables: Arc<BTreeMap<String, String>>,
    pub outbound: Outbound,
    pub meter: Option<Meter>,
    pub sink: Sink,
}

/// A clean stop waits until every copy of this is dropped.
pub type Alive = mpsc::Sender<Infallible>;

impl Guest {
    /// Serves one request with an instance of its own, which may go on after the answer or after the client has left.
    pub async fn handle(
        self: Arc<Self>,
        request: Request<Incoming>,
        alive: Alive,
    ) -> Response<WasiBody> {
        let live = self.compiled.live.clone();
        let permit = live
            .acquire_owned()
            .await
            .expect("nobody closes the semaphore");
        let (answer, answered) = oneshot::channel();
        let guest = self.clone();
        let running = tokio::spawn(async move {
            let result = guest.run(request, answer).await;
            drop((permit, alive));
            if let Err(trap) = &result {
                guest.note(&format!("failed: {}", trap.root_cause()));
            }
            result.is_ok()
        });
        match answered.await {
            Ok(Ok(response)) => return response,
            Ok(Err(code)) => self.note(&format!("answered with the error {code:?}")),
            // The guest has ended, and its failure has been logged.
            Err(_) => {
                if running.await.unwrap_or(false) {
                    self.note("returned without an answer");
                }
            }
        }
        empty(StatusCode::INTERNAL_SERVER_ERROR)
    }

    // Returning drops the store, which frees the instance's place in the pool.
    async fn run(&self, request: Request<Incoming>, answer: Answer) -> wasmtime::Result<()> {
        let pre = &self.compiled.pre;
        let mut store = self.store();
        let mut http = store.data_mut().http();
        let request = http.new_incoming_request(Scheme::Http, request)?;
        let answer = http.new_response_outparam(answer)?;
        let proxy = pre.instantiate_async(&mut store).await?;
        let handler = proxy.wasi_http_incoming_handler();
        handler.call_handle(&mut store, request, answer).await
    }

    fn store(&self) -> Store<State> {
        let state = State {
            table: ResourceTable::new(),
            wasi: wasi(&self.sink),
            http: WasiHttpCtx::new(),
            outbound: self.outbound.clone(),
            variables: self.variables.clone(),
            meter: self.meter.clone(),
        };
        let mut store = Store::new(self.compiled.pre.engine(), state);
        if self.meter.is_some() {
            store.limiter(|state| {
                let meter = state.meter.as_mut();
                meter.expect("only a state with a meter is asked for it")
            });
        }
        store
    }

    /// Makes an instance as for a request, and returns how long it took.
    pub async fn instantiate(&self) -> Result<Duration> {
        let begun = Instant::now();
        let mut store = self.store();
        self.compiled.pre.instantiate_async(&mut store).await?;
        Ok(begun.elapsed())
    }

    fn note(&self, text: &str) {
        self.sink
            .host(&format!("the component {} {text}", self.component));
    }
}

// Nothing is inherited: no directory, environment, argument, socket or input.
fn wasi(sink: &Sink) -> WasiCtx {
    let output = || GuestOutput::new(sink.clone());
    WasiCtx::builder().stdout(output()).stderr(output()).build()
}

type Answer = oneshot::Sender<Result<Response<WasiBody>, ErrorCode>>;

/// An answer without a body.
pub fn empty(status: StatusCode) -> Response<WasiBody> {
    let body = Empty::new().map_err(|never: Infallible| match never {});
    let mut response = Response::new(body.boxed_unsync());
    *response.status_mut() = status;
    response
}

/// The host's state for one instance.
struct State {
    table: ResourceTable,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    outbound: Outbound,
    variables: Arc<BTreeMap<String, String>>,
    meter: Option<Meter>,
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            hooks: &mut self.outbound,
            table: &mut self.table,
            ctx: &mut self.http,
        }
    }
}

impl variables::Host for State {
    fn get(&mut self, name: String) -> Result<String, variables::Error> {
        if !is_variable_name(&name) {
            return Err(variables::Error::InvalidName(name));
        }
        self.variables
            .get(&name)
            .cloned()
            .ok_or(variables::Error::Undefined(name))
    }
}

#[cfg(test)]
mod tests {
    use wasmtime_wasi::cli::WasiCliCtxView;
    use wasmtime_wasi::filesystem::WasiFilesystemCtxView;
    use wasmtime_wasi::p2::bindings::cli::environment::Host as _;
    use wasmtime_wasi::p2::bindings::filesystem::preopens::Host as _;

    use super::*;

    #[test]
    fn an_instance_is_given_no_directory_environment_or_argument() {
        // Cargo sets variables and gives arguments; none of them is passed on.
        assert!(std::env::vars().next().is_some());
        let mut wasi = wasi(&Sink::new(|_| {}));
        let table = &mut ResourceTable::new();
        let ctx = wasi.cli();
        let mut cli = WasiCliCtxView { ctx, table };
        assert_eq!(cli.get_environment().unwrap(), []);
        assert_eq!(cli.get_arguments().unwrap(), [""; 0]);
        assert_eq!(cli.initial_cwd().unwrap(), None);
        let ctx = wasi.filesystem();
        let directories = WasiFilesystemCtxView { ctx, table }.get_directories();
        assert_eq!(directories.unwrap().len(), 0);
    }
}
