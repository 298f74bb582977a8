//! A real Swarm of three managers, and what its API does.
//!
//! It runs only when it is named, `cargo xtask test --engine trixie -- --test swarm`, because the
//! Engine of Debian 12 is too old for it.

mod conformance;
mod nodes;
#[path = "../end_to_end/support/mod.rs"]
#[allow(dead_code, reason = "the other test binaries use the rest")]
mod support;
