//! Spin's variables interface, generated from `wit/variables.wit`.

#![allow(missing_docs, reason = "the code is generated")]

wasmtime::component::bindgen!({ path: "wit", world: "host" });
