//! A component that answers every request with hello, in one piece as the server's
//! answers are.

#![cfg(target_family = "wasm")]

use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::types::{
    Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam,
};

struct Hello;

wasip2::http::proxy::export!(Hello);

impl Guest for Hello {
    fn handle(_: IncomingRequest, out: ResponseOutparam) {
        let fields = Fields::new();
        let _ = fields.append("content-length", b"6");
        let response = OutgoingResponse::new(fields);
        // The body is complete before the head is handed over, so both leave in one packet.
        if let Ok(body) = response.body() {
            if let Ok(stream) = body.write() {
                // A stream may only be written to after it was asked how much it takes.
                let _ = stream.check_write();
                let _ = stream.write(b"hello\n");
            }
            let _ = OutgoingBody::finish(body, None);
        }
        ResponseOutparam::set(out, Ok(response));
    }
}
