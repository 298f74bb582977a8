//! Tests the shipped component as a black box: over HTTP, in the embedded host,
//! against a real Engine, and against a fake one for faults that a real Engine
//! does not produce on demand.
//!
//! `cargo xtask test` builds the component and the agent image, starts an Engine,
//! and passes them in environment variables. A test without them fails and names
//! the missing variable.

#[macro_use]
mod each_engine;

mod agent;
mod allowed;
mod choices;
mod confinement;
mod conformance;
mod contract;
mod dead_connection;
mod doctor;
mod engine_faults;
mod engine_proxy;
mod examples;
mod hosted;
mod kept_connection;
mod lifecycle;
mod lost_answers;
mod metrics;
mod openapi;
mod page;
mod portal;
mod ports;
mod pull;
mod renew;
mod spinkube;
mod story;
mod systemd;
mod target;
mod targets;
mod tls;
mod wait;
