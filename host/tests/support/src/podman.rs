//! Podman's Docker-compatible service.

use std::sync::Once;

use super::engine::RealEngine;
use super::folder::Folder;
use super::given;

/// The service, with the agent image of the real Engine.
pub fn podman() -> RealEngine {
    static LOADED: Once = Once::new();
    let podman = RealEngine::podman();
    LOADED.call_once(|| {
        let folder = Folder::new("image-");
        let file = folder.path().join("image.tar").display().to_string();
        let saved = RealEngine::given()
            .docker()
            .save_image(&given("TEST_AGENT_IMAGE"), &file);
        let loaded = saved.and_then(|()| podman.docker().load_image(&file));
        loaded.expect("both have a CLI");
    });
    podman
}
