//! A provisioning server for BastionZero Dynamic Access Targets.
//!
//! Three webhooks make, remove and vouch for short-lived containers on a
//! Docker Engine. The crate is a pure core and one thin shell: the core turns
//! values into values and reaches the world through [`platform::Platform`]
//! alone; the shell, `component.rs`, exists only on WebAssembly.
//!
//! # Layout
//!
//! | module | knows |
//! |---|---|
//! | `component` | Spin and WASI: HTTP in and out, variables, clock (wasm only) |
//! | [`platform`] | what the core asks of the world, as one trait |
//! | [`server`] | the order in which one request is dealt with |
//! | [`tail`] | the work after an answer |
//! | [`webhook`] | routes, bodies in, answers out |
//! | [`auth`] | credentials |
//! | [`budget`] | how long things may take |
//! | [`config`] | variables → [`config::Config`], each problem named |
//! | [`container`] | what a target's container is made of |
//! | [`target`] | start, stop, health: every decision about containers |
//! | [`pull`] | which images are pulled, and what came of it |
//! | [`reaper`] | what may be removed without being asked, and why |
//! | [`pauses`] | the waits between one look and the next |
//! | [`engine`] | sends [`docker`]'s requests, within deadlines |
//! | [`fault`] | why a call to the Engine brought nothing, and whether it had an effect |
//! | [`docker`] | the Engine API as values |
//! | [`error`] | every error, its status, its two messages |
//! | [`record`] | the log lines |
//! | [`service_url`] | where agents may register |
//! | [`secret`] | text that is never shown and compared in constant time |
//!
//! # Invariants
//!
//! * Only `component.rs` names Spin or WASI; the core has no clock, sleep,
//!   randomness, environment or network of its own.
//! * All state lives in the Engine: nothing is remembered between requests.
//! * A [`docker::ContainerId`] is 64 lower-case hex digits, whoever sent it.
//! * A status code of failure is chosen in [`error`] and nowhere else.
//! * No input makes the core panic.

pub mod auth;
pub mod budget;
#[cfg(target_family = "wasm")]
mod component;
pub mod config;
pub mod container;
pub mod docker;
pub mod engine;
pub mod error;
pub mod fault;
pub mod pauses;
pub mod platform;
pub mod pull;
pub mod reaper;
pub mod record;
#[cfg(test)]
mod script;
pub mod secret;
pub mod server;
pub mod service_url;
pub mod tail;
pub mod target;
pub mod webhook;
