//! Renewals on a real Engine: `POST /v1/targets/{id}/renew`, and what holds them.

use std::time::Duration;

use test_support::engine::filtered;
use test_support::own::removal_of;
use test_support::prelude::*;

/// The lifetime of targets without a renewal: longer than a renewal needs.
const LIFETIME: Duration = Duration::from_secs(50);

/// The names of the volumes of a deployment.
fn volumes(deployment: &Deployment) -> Vec<String> {
    let label = format!("dynamic-access.deployment={}", deployment.id);
    let path = filtered("volumes", &json!({"label": [label]}));
    let list = deployment.engine.call("GET", &path, None).json();
    let all = list["Volumes"].as_array().cloned().unwrap_or_default();
    let name = |volume: &Value| volume["Name"].as_str().expect("a name").to_owned();
    all.iter().map(name).collect()
}

/// A target that runs, of a deployment, with a lifetime of [`LIFETIME`].
fn short_lived(deployment: &Deployment) -> Own {
    deployment.running(json!({
        "dynamic-access.max-lifetime": LIFETIME.as_secs().to_string(),
        "dynamic-access.max-renewed": "7200",
    }))
}

on_each_engine!(a_renewed_target_outlives_its_lifetime_and_a_pruned_renewal_does_not_count);

fn a_renewed_target_outlives_its_lifetime_and_a_pruned_renewal_does_not_count(engine: &RealEngine) {
    let deployment = Deployment::new(engine);
    let server = deployment.server(&[]);
    let [renewed, pruned, gone] = ["30m", "1h", "1h"].map(|lifetime| {
        let target = short_lived(&deployment);
        server.renew(&target.id, lifetime).check(200);
        target
    });
    server.renew(&renewed.id, "1h").check(200);
    // Created last, it is the last to expire.
    let twin = short_lived(&deployment);
    // One for each, and one that is replaced and stays for two minutes.
    let written = volumes(&deployment);
    assert_eq!(written.len(), 4, "{written:?}");
    engine
        .call("DELETE", &removal_of(&gone.id), None)
        .check(204);
    // Somebody prunes the renewal of one of them.
    let name = written.iter().find(|name| name.contains(&pruned.id));
    let path = format!("/volumes/{}", name.expect("it was renewed"));
    engine.call("DELETE", &path, None).check(204);
    let patience = LIFETIME + Duration::from_secs(30);
    wait_within(patience, "the end of the lifetimes", || {
        let due = server.reaped_ids("/reap?dry_run=1");
        due.contains(&twin.id).then_some(())
    });
    let mut removed = server.reaped_ids("/reap");
    removed.sort_unstable();
    let mut expected = [&pruned, &twin].map(|target| target.id.clone());
    expected.sort_unstable();
    assert_eq!(removed, expected);
    assert_eq!(engine.state(&renewed.id).as_deref(), Some("running"));
    // The leftovers went with the reap.
    let left = volumes(&deployment);
    assert!(
        !left.is_empty() && left.iter().all(|one| one.contains(&renewed.id)),
        "{left:?}"
    );
    server.target("DELETE", &renewed.id).check(204);
    assert_eq!(server.reaped_ids("/reap"), Vec::<String>::new());
    assert_eq!(volumes(&deployment), Vec::<String>::new());
}
