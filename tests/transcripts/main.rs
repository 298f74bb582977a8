//! The core as transcripts: which calls a webhook makes to the Engine, what the
//! Engine replies, and how the webhook ends.
//!
//! Each test is one conversation, in the order of its calls. Every order of
//! several webhooks at once, and every fault, is explored in `tests/promise`.

mod choices;
mod health;
mod metrics;
mod page;
mod ports;
mod reap;
mod refusals;
mod renew;
mod script;
mod start;
mod starvation;
mod stop;
mod swarm;
mod wait;
