//! Sends the server's own calls to an Engine, through the Docker CLI.
//!
//! `docker system dial-stdio` connects its standard input and output to the Engine, whatever leads
//! there: a socket, TLS, a context. So a call is tried exactly as the server would send it.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use dynamic_access::docker::Reply;
use dynamic_access::docker::call::Call;
use http::{Request, Response};

use crate::docker::Docker;
use crate::machine::process;

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
    let mut head = format!("{} {} HTTP/1.1\r\n", request.method(), request.uri());
    // The connection ends with the reply, which so has an end without being counted.
    head.push_str("Host: docker\r\nConnection: close\r\n");
    for (name, value) in request.headers() {
        head.push_str(&format!("{name}: {}\r\n", value.to_str()?));
    }
    head.push_str("\r\n");
    Ok([head.as_bytes(), request.body()].concat())
}

/// The reply in what came over the wire until its end; `None` if there is none.
fn read(text: &str) -> Result<Option<Response<Vec<u8>>>> {
    const FORM: &str = "the reply is not HTTP";
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return Ok(None);
    };
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1));
    let mut response = Response::builder().status(status.context(FORM)?);
    let mut is_chunked = false;
    for line in lines {
        let (name, value) = line.split_once(':').context(FORM)?;
        is_chunked |= name.eq_ignore_ascii_case("transfer-encoding");
        response = response.header(name, value.trim());
    }
    let body = match is_chunked {
        true => joined(body).context(FORM)?,
        false => body.to_owned(),
    };
    Ok(Some(response.body(body.into_bytes())?))
}

/// The content of a body in chunks.
fn joined(mut rest: &str) -> Option<String> {
    let mut body = String::new();
    loop {
        let (size, after) = rest.split_once("\r\n")?;
        match usize::from_str_radix(size.trim(), 16).ok()? {
            0 => return Some(body),
            size => {
                body.push_str(after.get(..size)?);
                rest = after.get(size..)?.strip_prefix("\r\n")?;
            }
        }
    }
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
            "POST /containers/create?name=n HTTP/1.1\r\nHost: docker\r\nConnection: close\r\ncontent-length: 2\r\n\r\n{}"
        );
    }

    #[track_caller]
    fn check(text: &str, status: u16, body: &str) {
        let response = read(text).expect(text).expect(text);
        assert_eq!(response.status(), status);
        assert_eq!(response.body(), body.as_bytes());
    }

    #[test]
    fn a_reply_is_read_in_either_form() {
        check("HTTP/1.1 204 No Content\r\nServer: Docker\r\n\r\n", 204, "");
        check(
            "HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}",
            201,
            "{}",
        );
        check(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n[1,\r\n2\r\n2]\r\n0\r\n\r\n",
            200,
            "[1,2]",
        );
    }

    #[test]
    fn what_is_no_reply_is_not_taken_for_one() {
        assert!(read("").expect("nothing").is_none());
        assert!(read("HTTP/1.1 200").expect("cut off").is_none());
        for text in [
            "\r\n\r\n",
            "SSH-2.0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nnone\r\n\r\n",
        ] {
            read(text).expect_err(text);
        }
        let cut_off = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n[1";
        read(cut_off).expect_err("cut off");
    }
}
