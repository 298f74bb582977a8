//! Plays BastionZero's service for the agents of real containers.

use serde_json::Value;

use super::engine::RealEngine;
use super::fake_engine::{FakeEngine, Reply};

/// A service that agents register with; dropping it ends it.
pub struct Registration {
    service: FakeEngine,
}

impl Registration {
    /// A service that admits every agent.
    pub fn admitting(engine: &RealEngine) -> Self {
        Self::replying(engine, Reply::json("200 OK", "{}"))
    }

    /// A service that refuses every agent.
    pub fn refusing(engine: &RealEngine) -> Self {
        Self::replying(engine, Reply::json("403 Forbidden", "{}"))
    }

    /// A service that never answers.
    pub fn silent(engine: &RealEngine) -> Self {
        Self::replying(engine, Reply::Silence)
    }

    fn replying(engine: &RealEngine, reply: Reply) -> Self {
        Self {
            service: FakeEngine::start_at(&engine.gateway("bridge").to_string(), move |_| {
                reply.clone()
            }),
        }
    }

    /// The `serviceUrl` that reaches it from a container.
    pub fn url(&self) -> String {
        self.service.url()
    }

    /// The bodies of all registrations.
    pub fn seen(&self) -> Vec<Value> {
        let requests = self.service.requests().into_iter();
        requests
            .map(|request| {
                let (head, body) = request.split_once("\r\n\r\n").expect("it was read whole");
                assert!(head.starts_with("POST /api/v2/agent/register "), "{head}");
                serde_json::from_str(body).expect("the agent sends JSON")
            })
            .collect()
    }
}
