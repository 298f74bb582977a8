//! Patches of the template of a service's task.

use std::net::Ipv4Addr;
use std::time::Duration;

use serde_json::json;

use super::{CONTAINER, Isolation, PerTarget, SERVICE, SecretsVolume, plain_target};
use crate::docker::ports::Port;

#[test]
fn the_template_passes_the_rules_and_limits_as_much_as_a_container() {
    let body = SERVICE.build(&[], Isolation::Kept).expect("a body");
    let container = CONTAINER.build(&[], Isolation::Kept).expect("a body");
    let host_config = &container.value()["HostConfig"];
    let limits = &body.value()["Resources"]["Limits"];
    assert_eq!(limits["MemoryBytes"], host_config["Memory"]);
    assert_eq!(limits["NanoCPUs"], host_config["NanoCpus"]);
    assert_eq!(limits["Pids"], host_config["PidsLimit"]);
    assert_eq!(body.networks(), ["dynamic-access"]);
    assert!(body.limits_processors() && body.user().is_empty() && !body.permits_managers());
    // The rules leave it to a patch.
    assert_eq!(body.value()["ContainerSpec"]["Init"], true);
}

#[test]
fn a_named_port_is_published_by_the_node_alone_and_is_no_part_of_the_template() {
    let port = Port::parse("dns", "53/udp").expect("a port");
    let any = Ipv4Addr::UNSPECIFIED.into();
    let body = SERVICE.build(&[], Isolation::Kept).expect("a body");
    let body = body.publishing(&[port], any).expect("a body");
    let whole = body.with(&plain_target());
    let expected = json!({
        "Mode": "dnsrr",
        "Ports": [{"Protocol": "udp", "TargetPort": 53, "PublishMode": "host"}],
    });
    assert_eq!(whole["EndpointSpec"], expected);
    assert!(!whole["TaskTemplate"].to_string().contains("Port"));
}

#[test]
fn a_service_has_no_task_until_it_is_started() {
    let patch = json!({"ContainerSpec": {"Env": ["A=1"], "Labels": {"team": "blue"}}});
    let body = SERVICE.build(&[patch], Isolation::Kept).expect("a body");
    let body = body.with(&PerTarget {
        stop_grace: Duration::from_secs(3),
        env: &["ENVIRONMENT_ID=e".to_owned()],
        labels: &[
            ("dynamic-access.deployment", "da"),
            ("dynamic-access.name", "own"),
            ("dynamic-access.attempt", "a"),
            ("dynamic-access.environment-id", "e"),
        ],
        volume: SecretsVolume::LikeImage,
        ..plain_target()
    });
    assert_eq!(body["Name"], "own");
    assert_eq!(body["Labels"]["dynamic-access.vouched"], "false");
    assert_eq!(body["Labels"]["dynamic-access.attempt"], "a");
    assert_eq!(body["Mode"], json!({"Replicated": {"Replicas": 0}}));
    let container = &body["TaskTemplate"]["ContainerSpec"];
    assert_eq!(container["Image"], "agent@sha256:0123");
    assert_eq!(container["Env"], json!(["ENVIRONMENT_ID=e", "A=1"]));
    // By these a task is counted without its service.
    let labels = json!({
        "dynamic-access.deployment": "da",
        "dynamic-access.name": "own",
        "dynamic-access.environment-id": "e",
        "team": "blue",
    });
    assert_eq!(container["Labels"], labels);
    assert_eq!(container["StopGracePeriod"], 3_000_000_000_u64);
    assert!(container.get("Volumes").is_none());
}

#[test]
fn a_patch_may_set_what_is_safe_and_not_weaken_the_isolation() {
    SERVICE.check(r#"
        + Placement.Constraints ["node.labels.targets == true"]
        + Networks [{"Target": "targets"}]
        + Resources.Limits {"NanoCPUs": null, "MemoryBytes": 5000000}
        + Resources.Reservations null
        + LogDriver {"Name": "local"}
        + ContainerSpec {"Command": ["a"], "Args": ["b"], "ReadOnly": true}
        + ContainerSpec.CapabilityAdd []
        + ContainerSpec.Mounts [{"Type": "tmpfs", "Target": "/tmp"}]
        + ContainerSpec.Hosts ["192.0.2.1 registry r"]
        + ContainerSpec.DNSConfig {"Nameservers": ["192.0.2.1"]}
        - Runtime "plugin"
        - ForceUpdate 1
        - Networks [] | null | [{"Target": "host"}] | [{"Target": "0123"}]
        - Networks [{"Target": "a"}, {"Target": "b"}] | [{"Target": "a", "DriverOpts": {}}]
        - Placement {"Constraints": ["a\nb"]} | {"MaxReplicas": 1}
        - LogDriver {"Name": "syslog"} | {"Options": {"max-size": null}}
        - Resources.Limits null | {"Pids": 0}
        - Resources.Reservations {"GenericResources": []}
        - ContainerSpec.Privileges {"NoNewPrivileges": false} | {"Seccomp": {"Mode": "unconfined"}}
        - ContainerSpec.CapabilityAdd ["CAP_SYS_ADMIN"]
        - ContainerSpec.CapabilityDrop null
        - ContainerSpec.Mounts [{"Type": "bind", "Source": "/", "Target": "/host"}]
        - ContainerSpec.Mounts [{"Type": "tmpfs", "Target": "/sys/x"}] | [{"Type": "tmpfs", "Target": "/"}]
        - ContainerSpec.Isolation "process"
    "#);
}

#[test]
fn nothing_permits_a_patch_of_what_the_server_relies_on() {
    SERVICE.check(
        r#"
        ! RestartPolicy null | {"Condition": "any"}
        ! restartPolicy {"Condition": "any"}
        ! ContainerSpec.Image "a"
        ! ContainerSpec.image "a"
        ! ContainerSpec.ſecrets []
        ! ContainerSpec.Secrets []
        ! ContainerSpec.Configs []
        ! ContainerSpec.Volumes {"/a": {}}
        ! ContainerSpec.Env ["SERVICE_URL=a"] -> Env
        ! ContainerSpec.Labels {"dynamic-access.name": "a"} -> Labels.
        ! ContainerSpec.Mounts [{"Type": "tmpfs", "Target": "/run/dynamic-access"}]
    "#,
    );
    // Their limits and guards are gone with them.
    for patch in [json!({"ContainerSpec": null}), json!({"Resources": null})] {
        let problems = SERVICE.build(&[patch], Isolation::GivenUp);
        let says = "ContainerSpec and Resources cannot be removed".to_owned();
        assert!(problems.expect_err("nothing to guard").contains(&says));
    }
}
