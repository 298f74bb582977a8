//! A proxy between the server and its Engine that records what passes.

use std::convert::Infallible;
use std::net::SocketAddr;
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
use tokio::sync::{RwLock, RwLockWriteGuard};

use crate::client::{Call, Client};

/// A recorded call, with the Engine's reply.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// The call.
    pub call: Call,
    /// The status of the reply.
    pub status: StatusCode,
    /// The body of the reply.
    pub reply: Bytes,
}

impl Recorded {
    /// Whether it lists all targets of the deployment. The work after an answer
    /// begins with that call, and `/start` makes it too.
    pub fn is_list_of_all(&self) -> bool {
        self.call.path.starts_with("/containers/json") && self.call.path.contains("label")
    }

    /// Whether it lists the renewals, as the work after some answers does.
    pub fn is_list_of_renewals(&self) -> bool {
        self.call.path.starts_with("/volumes?")
    }
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
    /// Forwards from `listen` to `engine`, on the current runtime.
    pub async fn start(listen: SocketAddr, engine: String) -> Result<Self> {
        let listener = TcpListener::bind(listen)
            .await
            .with_context(|| format!("cannot listen on {listen}"))?;
        let address = listener.local_addr()?;
        let passing = Arc::new(Passing {
            engine,
            client: Client::new(),
            kept: Mutex::default(),
            listed: Mutex::default(),
            held: AtomicUsize::default(),
            gate: RwLock::default(),
        });
        tokio::spawn(accept(listener, passing.clone()));
        Ok(Self { address, passing })
    }

    /// The Engine's URL for the server.
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
    match passed(passing, request).await {
        Ok(recorded) => {
            let mut response = Response::new(Full::new(recorded.reply.clone()));
            *response.status_mut() = recorded.status;
            locked(&passing.kept).push(recorded);
            response
        }
        Err(error) => {
            let mut response = Response::new(Full::new(format!("{error:#}").into()));
            *response.status_mut() = StatusCode::BAD_GATEWAY;
            response
        }
    }
}

async fn passed(passing: &Passing, request: Request<Incoming>) -> Result<Recorded> {
    let (head, body) = request.into_parts();
    let text = |name| {
        let value = head.headers.get(name)?.to_str().ok()?;
        Some(value.to_owned())
    };
    let call = Call {
        path: head.uri.path_and_query().context("no path")?.to_string(),
        content_type: text(header::CONTENT_TYPE),
        authorization: text(header::AUTHORIZATION),
        body: body.collect().await?.to_bytes(),
        method: head.method,
    };
    let mut recorded = Recorded {
        call,
        status: StatusCode::OK,
        reply: Bytes::new(),
    };
    let listed = locked(&passing.listed).clone();
    if let Some(targets) = listed.filter(|_| recorded.is_list_of_all()) {
        recorded.reply = targets;
        return Ok(recorded);
    }
    let call = recorded.call.clone();
    let reply = passing.client.send(&passing.engine, call).await?;
    recorded.status = reply.status;
    recorded.reply = reply.body;
    Ok(recorded)
}
