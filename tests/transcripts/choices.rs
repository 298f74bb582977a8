//! Orders that choose more than an environment: they make the same calls, or are refused
//! after a look for a target of the same key, which may run all the same.

use crate::replies::SWARM;
use crate::rows::{check, transcripts};

const ALLOWED: &[(&str, &str)] = &[(
    "environments",
    r#"{"e":{"allow":["env","command"],"images":["r.example.com/*@sha256:*"],
        "max":{"memory":"4GiB","cpus":2},"container_patch":{"Env":["TZ=UTC"]}}}"#,
)];

/// A start that chooses everything.
const ALL: &str = concat!(
    r#"start {"environment":"e","secrets":{"a":{"value":"b","owner":1000}},"env":{"A":"b"},"#,
    r#""command":["sh"],"image":"r.example.com/a@sha256:0","resources":{"memory":"4GiB","cpus":2}}"#
);

#[test]
fn a_start_that_chooses_an_image_also_looks_at_its_user() {
    let row = "look up the image: as (1000 | runner); \
               create; list all: created; archive; start; inspect => 201
               look up the image: as; create; list all: created; archive; start; inspect => 201";
    check(ALLOWED, ALL, row);
}

#[test]
fn an_image_with_an_unfit_user_or_long_labels_is_refused_before_the_create() {
    let long = "x".repeat(64 * 1024);
    let row = |config: &str, words| {
        let image = format!(r#"200 {{"Id":"i","Config":{config}}}"#);
        format!("look up the image: {image}; list by name: none => 422 `{words}`\n")
    };
    let rows = [
        row(r#"{"User":"1001"}"#, "cannot read the secrets"),
        row(&format!(r#"{{"Labels":{{"a":"{long}"}}}}"#), "64 KiB"),
        row(&format!(r#"{{"Entrypoint":["{long}"]}}"#), "64 KiB"),
        row(&format!(r#"{{"Cmd":["{long}"]}}"#), "64 KiB"),
    ];
    check(ALLOWED, ALL, &rows.concat());
}

transcripts! { &[], "start":
    an_environment_allows_nothing_that_it_does_not_name
        r#"start {"environment":"e","env":{"A":"b"}} > list by name: none => not_allowed `does not allow env.`
           start {"environment":"e","command":["sh"]} > list by name: none
           => not_allowed `does not allow command.`
           start {"environment":"e","image":"dynamic-access-agent"} > list by name: none
           => not_allowed `does not allow the image.`
           start {"environment":"e","resources":({"memory":"8MiB"} | {"cpus":0.5})} >
           list by name: none => not_allowed `resources exceed`"#
}

transcripts! { ALLOWED, "start":
    an_order_chooses_nothing_beyond_what_its_environment_allows
        r#"start {"environment":"e","env":({"TZ":"Europe/Berlin"} |
           {"SERVICE_URL":"http://192.0.2.1"} | {"LD_PRELOAD":"/tmp/x.so"} |
           {"A":"b","PATH":"/tmp"})} > list by name: none => not_allowed `env has a name`
           start {"environment":"e","image":"r.example.com/(a | a/b@sha256:0)"} >
           list by name: none => not_allowed `does not allow the image.`
           start {"environment":"e","resources":({"memory":"4097MiB"} |
           {"memory":"4GiB","cpus":2.01})} > list by name: none => not_allowed `resources exceed`"#
}

#[test]
fn a_swarm_takes_shorter_variables_and_no_templates_and_no_tags() {
    let images =
        r#"{"e":{"allow":["env"],"images":["r.example.com/*","r.example.com/*@sha256:*"]}}"#;
    let on_swarm = [&SWARM[..], &[("environments", images)]].concat();
    let long = "x".repeat(4 * 1024);
    let rows = [
        (format!(r#""env":{{"A":"{long}"}}"#), "4 KiB"),
        (r#""env":{"A":"{{.Node.ID}}"}"#.to_owned(), "{{"),
        (r#""image":"r.example.com/a""#.to_owned(), "digest"),
    ];
    for (member, words) in rows {
        let request = format!(r#"start {{"environment":"e",{member}}}"#);
        let row = format!("find service by name: none; LOOKED: none => not_allowed `{words}`");
        check(&on_swarm, &request, &row);
    }
}
