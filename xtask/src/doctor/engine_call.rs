//! Sends the server's own calls to an Engine, through the Docker CLI.
//!
//! `docker system dial-stdio` connects its standard input and output to the Engine over a socket,
//! TLS or a context. So a call goes out exactly as the server would send it.

use std::time::Duration;

use anyhow::{Context, Result, bail};
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
    let Some(response) = read(&printed)? else {
        bail!("the Engine sent no reply: {}", complained.trim());
    };
    call.read(&Reply::new(response))
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

/// The reply in the received text; `None` if there is none.
fn read(text: &str) -> Result<Option<Response<Vec<u8>>>> {
    let Some(message) = Connection::new(text.as_bytes()).message() else {
        return Ok(None);
    };
    let head = Head::of(&message).context("a whole message has a head")?;
    let mut response = Response::builder().status(head.status().context("the reply is not HTTP")?);
    for (name, value) in head.headers() {
        response = response.header(name, value);
    }
    Ok(Some(response.body(head.body())?))
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
    fn a_reply_is_read_to_the_end_of_the_connection() {
        for (text, status, body) in [
            ("HTTP/1.0 204 No Content\r\nServer: Docker\r\n\r\n", 204, ""),
            ("HTTP/1.0 200 OK\r\n\r\n[1,2]", 200, "[1,2]"),
        ] {
            let response = read(text).expect(text).expect(text);
            assert_eq!(response.status(), status);
            assert_eq!(response.body(), body.as_bytes());
        }
    }

    #[test]
    fn what_is_no_reply_is_not_taken_for_one() {
        assert!(read("").expect("nothing").is_none());
        assert!(read("HTTP/1.1 200").expect("cut off").is_none());
        for text in ["\r\n\r\n", "SSH-2.0\r\n\r\n"] {
            read(text).expect_err(text);
        }
    }
}
