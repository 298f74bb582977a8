//! A proxy between the server and its Engine that records what passes.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use anyhow::{Context, Result};
use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::{RwLock, RwLockWriteGuard};

use crate::client::{Call, Client};

/// A recorded call, with the Engine's reply.
#[derive(Debug, Clone)]
pub struct Recorded {
    pub call: Call,
    pub status: StatusCode,
    pub reply: Bytes,
}

impl Recorded {
    /// Whether it lists all targets of the deployment. The work after an answer
    /// begins with that call, and `/start` makes it too.
    pub fn is_list_of_all(&self) -> bool {
        is_list_of_all(&self.call)
    }

    /// Whether it lists the renewals, as the work after some answers does.
    pub fn is_list_of_renewals(&self) -> bool {
        self.call.uri().path() == "/volumes"
    }
}

fn is_list_of_all(call: &Call) -> bool {
    let query = call.uri().query().unwrap_or_default();
    call.uri().path() == "/containers/json" && query.contains("label")
}

/// The proxy; it ends with its runtime.
pub struct Recorder {
    address: SocketAddr,
    passing: Arc<Passing>,
}

/// The state that the connections share.
struct Passing {
    engine: String,
    client: Client,
    kept: Mutex<Vec<Recorded>>,
    /// The reply to a list of all targets, instead of the Engine's.
    listed: Mutex<Option<Bytes>>,
    /// How many calls have arrived since they were held.
    held: AtomicUsize,
    /// Closed to calls while somebody writes.
    gate: RwLock<()>,
}

impl Recorder {
    /// Forwards from this port of loopback to `engine`; port 0 is a free one.
    pub async fn start(threads: &Runtime, port: u16, engine: &str) -> Result<Self> {
        let passing = Arc::new(Passing {
            engine: engine.to_owned(),
            client: Client::new(),
            kept: Mutex::default(),
            listed: Mutex::default(),
            held: AtomicUsize::default(),
            gate: RwLock::default(),
        });
        let listener = threads.spawn(TcpListener::bind((Ipv4Addr::LOCALHOST, port)));
        let listener = listener.await?;
        let listener = listener.with_context(|| format!("cannot listen on port {port}"))?;
        let address = listener.local_addr()?;
        threads.spawn(accept(listener, passing.clone()));
        Ok(Self { address, passing })
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The calls since the last time.
    pub fn take(&self) -> Vec<Recorded> {
        std::mem::take(&mut *locked(&self.passing.kept))
    }

    /// Answers each list of all targets with this one, or as the Engine does.
    pub fn list(&self, targets: Option<Bytes>) {
        *locked(&self.passing.listed) = targets;
    }

    /// Lets every call wait until the guard is dropped.
    pub async fn hold(&self) -> RwLockWriteGuard<'_, ()> {
        let closed = self.passing.gate.write().await;
        self.passing.held.store(0, Ordering::Relaxed);
        closed
    }

    /// How many calls wait.
    pub fn held(&self) -> usize {
        self.passing.held.load(Ordering::Relaxed)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex
        .lock()
        .expect("no thread panics while it holds the lock")
}

async fn accept(listener: TcpListener, passing: Arc<Passing>) {
    while let Ok((stream, _)) = listener.accept().await {
        // An error here makes the measured call fail, which is reported.
        let _ = stream.set_nodelay(true);
        let passing = passing.clone();
        let service = service_fn(move |request| {
            let passing = passing.clone();
            async move { Ok::<_, Infallible>(pass(&passing, request).await) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .serve_connection(TokioIo::new(stream), service);
        tokio::spawn(async move { connection.await.ok() });
    }
}

async fn pass(passing: &Passing, request: Request<Incoming>) -> Response<Full<Bytes>> {
    passing.held.fetch_add(1, Ordering::Relaxed);
    drop(passing.gate.read().await);
    let (status, reply) = match passed(passing, request).await {
        Ok(passed) => passed,
        Err(error) => (StatusCode::BAD_GATEWAY, format!("{error:#}").into()),
    };
    let mut response = Response::new(Full::new(reply));
    *response.status_mut() = status;
    response
}

async fn passed(passing: &Passing, request: Request<Incoming>) -> Result<(StatusCode, Bytes)> {
    let (mut head, body) = request.into_parts();
    head.headers.remove(header::HOST);
    let call = Call::from_parts(head, body.collect().await?.to_bytes());
    let listed = locked(&passing.listed).clone();
    let (status, reply) = match listed.filter(|_| is_list_of_all(&call)) {
        Some(targets) => (StatusCode::OK, targets),
        None => {
            let reply = passing.client.send(&passing.engine, call.clone()).await?;
            (reply.status, reply.body)
        }
    };
    locked(&passing.kept).push(Recorded {
        call,
        status,
        reply: reply.clone(),
    });
    Ok((status, reply))
}
