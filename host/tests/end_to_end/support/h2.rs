//! HTTP/2 by hand (RFC 9113, RFC 7541), as far as one wrong request needs it.

use std::io::{ErrorKind, Read, Write};

use super::tls_client::Client;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;

const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
const ACK: u8 = 1;

/// An answer, as far as a test looks at it.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its body.
    pub body: String,
}

/// Sends a request of these fields, pseudo-headers first, and a body, and reads
/// the answer; `None` if the server resets the stream or goes away.
///
/// What is no fault of the request's, as a server that speaks another protocol
/// or is silent, is nobody's refusal and panics.
#[track_caller]
pub fn ask(client: &Client, fields: &[(&str, &str)], body: &[u8]) -> Option<Answer> {
    let mut stream = client.connect("h2").expect("a connection");
    assert_eq!(stream.conn.alpn_protocol(), Some(&b"h2"[..]));
    // A server that answers before it has read all may hang up on the rest.
    let _ = stream.write_all(&request(client, fields, body));
    let mut status = None;
    let mut answer = Vec::new();
    loop {
        let (kind, flags, payload) = read_frame(&mut stream)?;
        match kind {
            SETTINGS if flags & ACK == 0 => {
                let _ = stream.write_all(&frame(SETTINGS, ACK, 0, &[]));
            }
            RST_STREAM | GOAWAY => return None,
            HEADERS => status = status.or(Some(status_in(&payload))),
            DATA => answer.extend(payload),
            _ => {}
        }
        if matches!(kind, DATA | HEADERS) && flags & END_STREAM != 0 {
            return Some(Answer {
                status: status.expect("a head comes first"),
                body: String::from_utf8_lossy(&answer).into_owned(),
            });
        }
    }
}

/// All that a client sends for one request.
fn request(client: &Client, fields: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut sent = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    sent.extend(frame(SETTINGS, 0, 0, &[]));
    let mut block = Vec::new();
    for (name, value) in fields {
        field(&mut block, name, value);
    }
    for line in client.headers().lines() {
        let (name, value) = line.split_once(": ").expect("a header");
        field(&mut block, name, value);
    }
    let end = if body.is_empty() { END_STREAM } else { 0 };
    sent.extend(frame(HEADERS, END_HEADERS | end, 1, &block));
    if !body.is_empty() {
        sent.extend(frame(DATA, END_STREAM, 1, body));
    }
    sent
}

/// The kind, the flags and the payload of a frame; `None` if the server hangs up.
#[track_caller]
fn read_frame(stream: &mut impl Read) -> Option<(u8, u8, Vec<u8>)> {
    let mut head = [0; 9];
    read_all(stream, &mut head)?;
    let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
    let mut payload = vec![0; length];
    read_all(stream, &mut payload)?;
    Some((head[3], head[4], payload))
}

#[track_caller]
fn read_all(stream: &mut impl Read, bytes: &mut [u8]) -> Option<()> {
    let read = stream.read_exact(bytes);
    if let Err(error) = &read {
        let is_silence = matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut);
        assert!(!is_silence, "the server is silent");
    }
    read.ok()
}

/// The status, which comes first in a block of headers: one of the table's own,
/// or three digits for the name in it.
#[track_caller]
fn status_in(block: &[u8]) -> u16 {
    const USUAL: [u16; 7] = [200, 204, 206, 304, 400, 404, 500];
    match *block {
        [index @ 0x88..=0x8e, ..] => USUAL[usize::from(index - 0x88)],
        [0x08..=0x0e | 0x48..=0x4e, 3, a, b, c, ..] => [a, b, c]
            .iter()
            .fold(0, |status, digit| status * 10 + u16::from(digit - b'0')),
        _ => panic!("a status is expected first: {block:02x?}"),
    }
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a small frame");
    let mut frame = length.to_be_bytes()[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// A literal field without indexing, with a new name.
fn field(block: &mut Vec<u8>, name: &str, value: &str) {
    block.push(0);
    for text in [name, value] {
        integer(block, text.len());
        block.extend(text.as_bytes());
    }
}

/// An integer with a prefix of seven bits.
fn integer(block: &mut Vec<u8>, value: usize) {
    if value < 127 {
        block.push(value as u8);
        return;
    }
    block.push(127);
    let mut rest = value - 127;
    while rest >= 128 {
        block.push((rest % 128) as u8 | 128);
        rest /= 128;
    }
    block.push(rest as u8);
}
