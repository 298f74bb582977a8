//! `GET /containers/{id}/stats` (Engine API, ContainerStats).
//!
//! The numbers come from the kernel. They show the end of a container as soon as its
//! processes are gone, even while Docker still has to take down its network.

use http::Method;
use serde_json::Value;

use super::call::Call;
use super::{Reply, TargetId, bodiless};
use crate::fault::Fault;

/// The first Docker that reads the numbers at once. An earlier one waits up to a second
/// for its next sample (moby, "Make one-shot stats faster").
const PROMPT_DOCKER: u32 = 25;

/// Whether an Engine with this name and version, as [`Reply::engine`] tells them, answers
/// at once.
pub fn is_prompt(engine: &str) -> bool {
    match engine.split_once(' ') {
        Some(("Podman", _)) => true,
        Some(("Docker", version)) => {
            let major = version.split('.').next().unwrap_or_default();
            major.parse().is_ok_and(|major: u32| major >= PROMPT_DOCKER)
        }
        _ => false,
    }
}

/// Asks how many processes and threads a container has: none once it has ended. A failure
/// is not repeated, because a second try would cost more than the count saves.
pub fn count(id: &TargetId) -> Call<u64> {
    let path = format!(
        "/containers/{}/stats?one-shot=true&stream=false",
        id.as_str()
    );
    Call {
        is_look: false,
        ..Call::look("stats", bodiless(Method::GET, &path), counted)
    }
}

fn counted(reply: &Reply) -> Result<u64, Fault> {
    if reply.status() != 200 {
        return Err(reply.fault());
    }
    // An Engine leaves the count out once nothing is left to count.
    let stats: Value = reply.json()?;
    Ok(stats["pids_stats"]["current"].as_u64().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn docker_answers_at_once_from_25_on_and_podman_always() {
        for engine in ["Docker 25.0.0", "Docker 28.5.2", "Podman 4.3.1"] {
            assert!(is_prompt(engine), "{engine}");
        }
        for engine in ["Docker 24.0.9", "Docker dev", "nginx 1.26", ""] {
            assert!(!is_prompt(engine), "{engine}");
        }
    }
}
