//! Sends the server's own calls to an Engine, through the Docker CLI.
//!
//! `docker system dial-stdio` connects its standard input and output to the Engine over a socket,
//! TLS or a context. So a call goes out exactly as the server would send it.

use std::time::Duration;

use anyhow::{Context, Result};
use dev::docker::Docker;
use dev::message::{Connection, Head};
use dev::process;
use dynamic_access::docker::Reply;
use dynamic_access::docker::call::Call;
use http::{Request, Response};

/// How long the CLI may take to connect, in addition to the call itself.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);

/// Makes a call and reads its reply.
pub fn send<T>(docker: &Docker, call: Call<T>) -> Result<T> {
    let mut command = docker.command();
    command.args(["system", "dial-stdio"]);
    let input = written(&call.request)?;
    let (printed, complained) =
        process::exchange(&mut command, input, CONNECT_WITHIN + call.limit)?;
    let message = Connection::new(printed.as_bytes()).message();
    let message =
        message.with_context(|| format!("the Engine sent no reply: {}", complained.trim()))?;
    call.read(&Reply::new(read(&message)?))
        .map_err(|fault| anyhow::anyhow!("{fault}"))
}

/// A request as it goes over the wire.
fn written(request: &Request<Vec<u8>>) -> Result<Vec<u8>> {
    // The reply to HTTP/1.0 is not in chunks: the server closes the connection at its end.
    let mut head = format!(
        "{} {} HTTP/1.0\r\nHost: docker\r\n",
        request.method(),
        request.uri()
    );
    for (name, value) in request.headers() {
        head.push_str(&format!("{name}: {}\r\n", value.to_str()?));
    }
    head.push_str("\r\n");
    Ok([head.as_bytes(), request.body()].concat())
}

fn read(message: &[u8]) -> Result<Response<Vec<u8>>> {
    let head = Head::of(message).context("a whole message has a head")?;
    let mut response = Response::builder().status(head.status().context("the reply is not HTTP")?);
    for (name, value) in head.headers() {
        response = response.header(name, value);
    }
    Ok(response.body(head.body())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_carries_its_headers_and_its_body() {
        let request = Request::post("/containers/create?name=n")
            .header("content-length", "2")
            .body(b"{}".to_vec())
            .expect("a request");
        assert_eq!(
            String::from_utf8(written(&request).expect("text")).expect("text"),
            "POST /containers/create?name=n HTTP/1.0\r\nHost: docker\r\ncontent-length: 2\r\n\r\n{}"
        );
    }

    #[test]
    fn a_reply_is_read_to_the_end_of_the_connection_and_nothing_else_taken_for_one() {
        let told = |text: &str| {
            let message = Connection::new(text.as_bytes()).message()?;
            let response = read(&message).ok()?;
            Some((response.status().as_u16(), response.into_body()))
        };
        let none = "HTTP/1.0 204 No Content\r\nServer: Docker\r\n\r\n";
        assert_eq!(told(none), Some((204, Vec::new())));
        let list = "HTTP/1.0 200 OK\r\n\r\n[1,2]";
        assert_eq!(told(list), Some((200, b"[1,2]".to_vec())));
        for text in ["", "HTTP/1.1 200", "\r\n\r\n", "SSH-2.0\r\n\r\n"] {
            assert_eq!(told(text), None, "{text}");
        }
    }
}
