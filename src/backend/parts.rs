//! Lists in parts that fit into a reply.

use crate::docker::call::Call;
use crate::docker::part::Part;
use crate::engine::Engine;
use crate::fault::Fault;
use crate::platform::Platform;

/// Lists these parts, and divides each whose list is longer than a reply may be. The
/// length depends on patches, images and secrets, and on how many targets have ended or
/// were started before `max_targets` was lowered. A reap cannot shorten a list that it
/// cannot read.
pub(super) async fn listed<P: Platform, T>(
    engine: &Engine<'_, P>,
    mut parts: Vec<Part>,
    call: impl Fn(&Part) -> Call<T>,
) -> Result<Vec<T>, Fault> {
    let mut lists = Vec::new();
    while let Some(part) = parts.pop() {
        match engine.send(call(&part)).await {
            Err(fault @ Fault::TooLong { .. }) => match part.parts() {
                none if none.is_empty() => return Err(fault),
                divided => parts.extend(divided),
            },
            list => lists.push(list?),
        }
    }
    Ok(lists)
}
