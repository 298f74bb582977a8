//! Plays BastionZero's service for the agents of real containers.

use serde_json::Value;

use super::engine::RealEngine;
use super::fake_engine::{FakeEngine, Reply};

/// A service that agents register with, which gives each of them this reply; dropping it ends it.
pub struct Registration(FakeEngine);

impl Registration {
    /// A service that admits every agent.
    pub fn admitting(engine: &RealEngine) -> Self {
        Self::replying(engine, Reply::json("200 OK", "{}"))
    }

    /// A service that gives every agent this reply.
    pub fn replying(engine: &RealEngine, reply: Reply) -> Self {
        let address = engine.gateway("bridge").to_string();
        Self(FakeEngine::start_at(&address, move |_, _| reply.clone()))
    }

    /// The `serviceUrl` that reaches it from a container.
    pub fn url(&self) -> String {
        self.0.url()
    }

    /// The bodies of all registrations.
    pub fn seen(&self) -> Vec<Value> {
        let body = |request: &String| {
            let (head, body) = request.split_once("\r\n\r\n").expect("it was read whole");
            assert!(head.starts_with("POST /api/v2/agent/register "), "{head}");
            serde_json::from_str(body).expect("the agent sends JSON")
        };
        self.0.requests().iter().map(body).collect()
    }
}
