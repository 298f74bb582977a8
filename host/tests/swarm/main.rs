//! A real Swarm of three managers, and what the component reads into the Engine API on it.
//!
//! It runs only when it is named, `cargo xtask test --engine trixie -- --test swarm`, since
//! Cargo's manifest keeps it out of the rest.

mod conformance;
mod nodes;
#[path = "../end_to_end/support/mod.rs"]
#[allow(dead_code, reason = "the other test binaries use the rest")]
mod support;
