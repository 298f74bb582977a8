//! The core as transcripts: a request, its calls to the Engine, the Engine's replies, and
//! what comes of the request.
//!
//! Each test is one conversation, in the order of its calls. `tests/promise` explores
//! every order of several requests at once, and every fault.

mod choices;
mod health;
mod metrics;
mod page;
mod ports;
mod reap;
mod refusals;
mod renew;
mod replies;
mod requests;
mod rows;
mod script;
mod start;
mod stop;
mod swarm;
mod wait;
