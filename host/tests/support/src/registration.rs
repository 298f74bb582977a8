//! Plays BastionZero's service for the agents of real containers.

use serde_json::Value;

use super::engine::RealEngine;
use super::fake_engine::{FakeEngine, Reply};

impl FakeEngine {
    /// A service that agents register with, and that admits every agent.
    pub fn admitting(engine: &RealEngine) -> Self {
        Self::registering(engine, Reply::json("200 OK", "{}"))
    }

    /// A service that gives every agent this reply. Its URL reaches it from a container.
    pub fn registering(engine: &RealEngine, reply: Reply) -> Self {
        let address = engine.gateway("bridge").to_string();
        Self::start_at(&address, move |_, _| reply.clone())
    }

    /// The bodies of all registrations.
    pub fn registrations(&self) -> Vec<Value> {
        let body = |request: &String| {
            let (head, body) = request.split_once("\r\n\r\n").expect("it was read whole");
            assert!(head.starts_with("POST /api/v2/agent/register "), "{head}");
            serde_json::from_str(body).expect("the agent sends JSON")
        };
        self.requests().iter().map(body).collect()
    }
}
