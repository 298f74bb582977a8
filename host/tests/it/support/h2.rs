//! HTTP/2 by hand (RFC 9113, RFC 7541), as far as one wrong request needs it.

use std::io::{Read, Write};

use super::tls_client::Client;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;

const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
const ACK: u8 = 1;

/// Sends a request of these fields, pseudo-headers first, and a body, and reads
/// the body of the answer; `None` if the server resets the stream or goes away.
pub fn ask(client: &Client, fields: &[(&str, &str)], body: &[u8]) -> Option<String> {
    let mut stream = client.connect("h2").ok()?;
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
    stream.write_all(&sent).ok()?;
    let mut answer = Vec::new();
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).ok()?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
        let mut payload = vec![0; length];
        stream.read_exact(&mut payload).ok()?;
        match (head[3], head[4]) {
            (SETTINGS, flags) if flags & ACK == 0 => {
                stream.write_all(&frame(SETTINGS, ACK, 0, &[])).ok()?;
            }
            (RST_STREAM | GOAWAY, _) => return None,
            (kind @ (DATA | HEADERS), flags) => {
                if kind == DATA {
                    answer.extend(payload);
                }
                if flags & END_STREAM != 0 {
                    return Some(String::from_utf8_lossy(&answer).into_owned());
                }
            }
            _ => {}
        }
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
