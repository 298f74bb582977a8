//! The settings in `deploy/swarm/README.md`.

use dynamic_access::container::{Allowed, Body, Isolation, Of, Patch};

#[test]
fn the_patch_on_the_page_is_one_that_a_swarms_targets_may_have() {
    let page = include_str!("../../deploy/swarm/README.md");
    let (_, after) = page
        .split_once("SPIN_VARIABLE_CONTAINER_PATCH='")
        .expect("a patch");
    let (patch, _) = after.split_once('\'').expect("its end");
    let patch = Patch::parse(patch).expect("an object");
    let body = Body::new(Of::Service, &[&patch], Isolation::Kept, &Allowed::default())
        .expect("a safe patch");
    assert!(!body.permits_managers());
    assert!(body.limits_processors());
}
