//! Podman's Docker-compatible service.

use std::sync::Once;

use super::engine::RealEngine;
use super::given;

/// The service, with the agent image of the real Engine.
pub fn podman() -> RealEngine {
    static LOADED: Once = Once::new();
    let podman = RealEngine::podman();
    LOADED.call_once(|| {
        let path = format!("/images/{}/get", given("TEST_AGENT_IMAGE"));
        let image = RealEngine::given().call_with_bytes("GET", &path, b"");
        assert_eq!(image.status, 200);
        let loaded = podman.call_with_bytes("POST", "/images/load", &image.body);
        assert_eq!(loaded.status, 200);
    });
    podman
}
