//! Links the component with a smaller stack than Rust's default of 1 MiB.
//!
//! Spin clears an instance's whole memory after each request, so a stack that nothing
//! uses costs time and stays in memory.

/// In bytes: twice what JSON at the greatest depth that `serde_json` reads (128) needs.
const STACK: usize = 160 * 1024;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_FAMILY").is_ok_and(|family| family == "wasm") {
        println!("cargo::rustc-link-arg-cdylib=-zstack-size={STACK}");
    }
}
