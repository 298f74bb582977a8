//! `/health`.

use crate::rows::{check, transcripts};

transcripts! { &[], "health":
    health_looks_at_every_image_and_network_once
        r#"WELL => 200 `0 notes`
           look up the image: 200 {"Id":"i","Config":null}; look up the network => 200 `0 notes`
           [environments={"e1":{"image":"other"},"e2":{"image":"other"},"e3":
           {"container_patch":{"HostConfig":{"NetworkMode":"none"}}}}]
           look up the image; WELL => 200 `0 notes`
           look up the image; look up the network: dynamic-access-node null
           => 503 `docker network create`"#

    the_image_must_run_as_the_owner_of_the_secrets
        r#"[environments={"e":{"image":"dynamic-access-agent","secret_owner":1000}}]
           look up the image: as root; look up the network => 200 `0 notes`
           look up the image: as (1000 | runner | 1001)
           => 503 `only root can read the token's file`
           // The image of the defaults is another one.
           [environments={"e":{"image":"other","secret_owner":1000}}]
           look up the image; look up the image: as 1000:100; look up the network
           => 200 `0 notes`
           [environments={"e":{"image":"other","secret_owner":1000}}]
           look up the image; look up the image: as runner; look up the network
           => 200 `1 notes`
           [environments={"e":{"image":"other","secret_owner":1000}}]
           look up the image; look up the image: as 1001
           => 503 `root or the secret_owner 1000`"#

    health_pulls_an_image_that_is_not_there_and_says_what_comes_of_it
        r#"ABSENT => 503 `the Engine has no image`
           [PULLING] ABSENT; pull: 200 {"status":"Downloaded"}; WELL => 200 `0 notes`
           [PULLING] ABSENT; pull: 404 no matching manifest in the manifest list entries
           => 503 `no matching manifest in the manifest list entries`
           [PULLING] ABSENT; pull: 200 {"error":"no matching manifest in the manifest list entries"}
           => 503 `cannot be pulled from its registry`
           [PULLING] ABSENT; pull: 500 EOF => 503 `failed: EOF`
           [PULLING] ABSENT; pull: (hangs | cut short 0) => 503 `makes no progress`
           [PULLING] ABSENT;
           pull: cut short 1 {"status":"Pulling fs layer","progressDetail":{},"id":"a"}
           => 503 `outlasts the request`
           [PULLING] ABSENT;
           pull: cut short 10 {"status":"Pulling fs layer","progressDetail":{},"id":"a"}
           => 503 `makes no progress`
           [PULLING] ABSENT;
           pull: cut short 10 {"status":"Downloading","progressDetail":{"current":1,"total":9}}
           => 503 `outlasts the request`"#

    health_does_not_depend_on_the_targets_that_there_are
        "[max_targets=0] WELL => 200 `0 notes`"

    health_reads_as_whom_an_image_runs_where_the_token_is_a_file
        r#"look up the image: as nobody => 503 `runs as the user nobody`
           look up the image: as 0; look up the network => 200 `0 notes`
           [token_delivery=env] look up the image: as nobody; look up the network
           => 200 `0 notes`
           [container_patch={"User":"0:0"}] look up the image: as nobody; look up the network
           => 200 `0 notes`
           // The default profile leaves the user to the image, although one environment does not.
           [environments={"e":{"container_patch":{"User":"root"}}}] look up the image: as nobody
           => 503 `runs as`"#

    health_notes_a_network_that_does_not_isolate_targets
        r#"look up the image; look up the network: dynamic-access
           ({} | null | {"com.docker.network.bridge.enable_icc":"true"})
           => 200 `1 notes: ` `dynamic-access lets targets reach each other`"#

    health_notes_each_network_that_does_not_isolate_targets
        r#"[container_patch={"HostConfig":{"NetworkMode":"bridge"}}]
           look up the image; look up the network: bridge {} => 200 `1 notes`
           // Podman has it under another name.
           [container_patch={"HostConfig":{"NetworkMode":"bridge"}}]
           look up the image; look up the network: other {} => 200 `1 notes`
           [container_patch=
           {"NetworkingConfig":{"EndpointsConfig":{"second":{},"dynamic-access":{}}}}]
           WELL; look up the network: second {} => 200 `1 notes`
           [container_patch=
           {"NetworkingConfig":{"EndpointsConfig":{"second":{},"dynamic-access":{}}}}]
           WELL; look up the network: other {} => 503 `the Engine has no network second;`"#
}

#[test]
fn a_look_that_fails_is_no_outage_unless_it_fails_three_times() {
    let fails = r#"(lost | unreachable | hangs | 500 m | 200 <html> | 200 {} | 302 | 404 <html> |
                     404 {"error":"x"} | 409 <html> | 502 <html> |
                     408 dynamic-access engine proxy: this request did not come in time)"#;
    let rows = format!(
        "look up the image: {fails}; look up the image;
         look up the network: {fails}; look up the network => 200 `0 notes`
         look up the image: {fails} * 2; WELL => 200 `0 notes`
         look up the image: {fails} * 3 => 503 `unhealthy`"
    );
    check(&[], "health", &rows);
}
