//! A whole webhook, with an Engine that replies anything: the answer comes in time, as JSON, and the Engine's paths
//! have full ids.
#![no_main]

use std::cell::{Cell, RefCell};
use std::time::Duration;

use dynamic_access::platform::{HttpRequest, HttpResponse, Keep, Platform, TransportError};
use dynamic_access::server;
use dynamic_access_properties::{SECRET, variables};
use http::{Request, Response, StatusCode};
use libfuzzer_sys::fuzz_target;
use pollster::block_on;

/// Milliseconds, a status, and a body.
type Reply<'a> = (u16, u16, &'a [u8]);

/// The Engine's replies, the last first, and a clock.
struct Script<'a> {
    replies: RefCell<Vec<Reply<'a>>>,
    now: Cell<Duration>,
}

impl Platform for Script<'_> {
    async fn send(
        &self,
        request: HttpRequest,
        limit: Duration,
        _keep: Keep,
    ) -> Result<HttpResponse, TransportError> {
        let path = request.uri().path();
        if let Some(rest) = path.strip_prefix("/containers/") {
            let id = rest.split('/').next().unwrap_or_default();
            assert!(
                id.len() == 64 || rest == "create" || rest == "json",
                "{path}"
            );
        }
        let reply = self.replies.borrow_mut().pop();
        let (took, status, body) = reply.ok_or(TransportError::TimedOut)?;
        self.sleep(Duration::from_millis(took.into()).min(limit))
            .await;
        let mut response = Response::new(body.to_vec());
        *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
        let date = http::HeaderValue::from_static("Mon, 23 Nov 2026 01:10:00 GMT");
        response.headers_mut().insert("date", date);
        Ok(response)
    }

    fn now(&self) -> Duration {
        self.now.get()
    }

    async fn sleep(&self, duration: Duration) {
        self.now.set(self.now.get() + duration);
    }

    fn random(&self) -> u128 {
        0
    }
}

fuzz_target!(|input: (bool, &str, &[u8], Vec<Reply>)| {
    let (is_get, path, body, replies) = input;
    let request = Request::builder()
        .method(if is_get { "GET" } else { "POST" })
        .uri(path)
        .header("authorization", format!("Basic {SECRET}"));
    let Ok(request) = request.body(()) else {
        return;
    };
    let script = Script {
        replies: RefCell::new(replies),
        now: Cell::default(),
    };
    let head = request.into_parts().0;
    let answer = block_on(server::serve(
        &script,
        &variables("", ""),
        &head,
        async |_| Ok(body.to_vec()),
    ));
    assert!(script.now() <= Duration::from_secs(25));
    let is_empty = answer.response.status() == 204;
    assert!(is_empty || answer.response.body().starts_with(b"{"));
    assert!(answer.lines.iter().all(|line| !line.contains('\n')));
    if let Some(after) = answer.after {
        // No image of these variables is ever pulled.
        block_on(after.run(&script));
        assert!(script.now() <= Duration::from_secs(29));
    }
});
