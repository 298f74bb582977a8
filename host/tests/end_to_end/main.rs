//! The shipped component, black box: over HTTP, in the embedded host, against
//! a real Engine, and against a fake one for the faults that a real one does
//! not produce on demand.
//!
//! `cargo xtask test` makes the component, an Engine and the agent image, and
//! says where they are; a test that misses one fails and says so.

mod agent;
mod confinement;
mod conformance;
mod contract;
mod doctor;
mod engine_faults;
mod engine_proxy;
mod lifecycle;
mod lost_answers;
mod podman;
mod pull;
mod secrets;
mod spinkube;
mod story;
#[allow(dead_code, reason = "the other test binary uses the rest")]
mod support;
mod target;
mod tls;
