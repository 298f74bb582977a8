//! A proxy between the server and its Engine that records what passes.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use anyhow::{Context, Result};
use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;

use crate::client::{Call, Client, Reply};

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
    kept: Arc<Mutex<Vec<Recorded>>>,
}

impl Recorder {
    /// Forwards from `listen` to `engine`, on the current runtime.
    pub async fn start(listen: SocketAddr, engine: String) -> Result<Self> {
        let listener = TcpListener::bind(listen)
            .await
            .with_context(|| format!("cannot listen on {listen}"))?;
        let address = listener.local_addr()?;
        let kept = Arc::<Mutex<Vec<_>>>::default();
        tokio::spawn(accept(listener, engine, kept.clone()));
        Ok(Self { address, kept })
    }

    /// The Engine's URL for the server.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The calls since the last time.
    pub fn take(&self) -> Vec<Recorded> {
        std::mem::take(
            &mut *self
                .kept
                .lock()
                .expect("no thread panics while it holds the lock"),
        )
    }
}

async fn accept(listener: TcpListener, engine: String, kept: Arc<Mutex<Vec<Recorded>>>) {
    let client = Client::new();
    while let Ok((stream, _)) = listener.accept().await {
        // An error here makes the measured call fail, which is reported.
        let _ = stream.set_nodelay(true);
        let (client, engine, kept) = (client.clone(), engine.clone(), kept.clone());
        let service = service_fn(move |request| {
            let (client, engine, kept) = (client.clone(), engine.clone(), kept.clone());
            async move { Ok::<_, Infallible>(pass(&client, &engine, &kept, request).await) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .serve_connection(TokioIo::new(stream), service);
        tokio::spawn(async move { connection.await.ok() });
    }
}

async fn pass(
    client: &Client,
    engine: &str,
    kept: &Mutex<Vec<Recorded>>,
    request: Request<Incoming>,
) -> Response<Full<Bytes>> {
    match passed(client, engine, request).await {
        Ok((call, reply)) => {
            kept.lock()
                .expect("no thread panics while it holds the lock")
                .push(Recorded {
                    call,
                    status: reply.status,
                    reply: reply.body.clone(),
                });
            let mut response = Response::new(Full::new(reply.body));
            *response.status_mut() = reply.status;
            response
        }
        Err(error) => {
            let mut response = Response::new(Full::new(format!("{error:#}").into()));
            *response.status_mut() = StatusCode::BAD_GATEWAY;
            response
        }
    }
}

async fn passed(
    client: &Client,
    engine: &str,
    request: Request<Incoming>,
) -> Result<(Call, Reply)> {
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
    let reply = client.send(engine, call.clone()).await?;
    Ok((call, reply))
}
