//! What a visitor can and cannot find in a target.

use std::process::Command;

use test_support::prelude::*;

fn start(server: &Server, url: &str, token: &str) -> Answer {
    let body = start_body(token).replace("http://192.0.2.1:9", url);
    server.call("POST", "/start", &body)
}

fn wait_until_it_serves(engine: &RealEngine, id: &str) {
    wait_until("the agent to serve", || engine.log(id).contains("serving"));
}

/// The files that contain a text, at or below these places, which may be patterns of a shell.
fn files_with(text: &str, places: &str) -> Vec<String> {
    // It comes from a file; otherwise it would be found in this command line.
    let folder = Folder::new("pattern-");
    let pattern = folder.file("pattern", text);
    // `merged` is a view of other folders, which goes away with its container.
    let script = format!(
        "grep --files-with-matches --recursive --text --no-messages --fixed-strings \
         --exclude-dir=merged --file {} {places}",
        pattern.display()
    );
    let found = Command::new("bash").args(["-c", &script]).output();
    let found = found.expect("a shell").stdout;
    let found = String::from_utf8_lossy(&found).into_owned();
    found.lines().map(str::to_owned).collect()
}

#[test]
fn the_token_is_nowhere_once_the_agent_serves() {
    let deployment = Deployment::given();
    let engine = &deployment.engine;
    let service = FakeEngine::admitting(engine);
    let url = service.url();
    let server = deployment.server(&[("service_urls", &url)]);
    let token = unique("planted-token-");
    let answer = start(&server, &url, &token);
    let id = answer.unique_id();
    // A token that is repeated, in a body that is not JSON, or in the place of an id.
    let body = format!(r#"{{"activationToken":"{token}""#);
    let broken = server.call("POST", "/start", &body).check(400);
    let id_in_error = server.stop_target(&token).check(400);
    let repeated = start(&server, &url, &token).check(200);
    // A line is written after its answer.
    server.line_about(&broken);
    server.line_about(&id_in_error);
    wait_until_it_serves(engine, &id);
    assert_eq!(service.registrations().len(), 1);
    assert_eq!(service.registrations()[0]["activationToken"], token);

    // With its images and containers, wherever the Engine keeps them, and its logs.
    let home = engine.home().to_str().expect("a plain name");
    // Finding the id shows that the search was not cut short by other tests' removals.
    wait_until("a search to its end", || !files_with(&id, home).is_empty());
    assert_eq!(files_with(&token, home), Vec::<String>::new());
    // With those in containers.
    let processes = "/proc/[0-9]*/environ /proc/[0-9]*/cmdline";
    assert_eq!(files_with(&token, processes), Vec::<String>::new());
    let inspect = engine.inspect(&id);
    for text in [
        inspect.to_string(),
        engine.log(&id),
        format!("{answer:?} {repeated:?} {broken:?} {id_in_error:?}"),
        server.log().join("\n"),
        engine.shell(&id, "env; ls -laR /run/dynamic-access /etc/bzero"),
    ] {
        assert!(!text.contains(&token) && !text.contains(SECRET), "{text}");
    }
}

#[test]
fn an_agent_registers_with_a_read_only_root_and_with_its_token_in_the_environment() {
    let engine = RealEngine::given();
    let service = FakeEngine::admitting(&engine);
    let url = service.url();
    let read_only = json!({"HostConfig": {
        "ReadonlyRootfs": true,
        "Tmpfs": {"/run": "", "/etc/bzero": "", "/var/log/bzero": "", "/tmp": ""},
    }});
    // Older images expect the token in the environment.
    for variable in [
        ("container_patch", read_only.to_string().as_str()),
        ("token_delivery", "env"),
    ] {
        let deployment = Deployment::new(&engine);
        let server = deployment.server(&[("service_urls", &url), variable]);
        let id = start(&server, &url, &unique("token")).unique_id();
        wait_until_it_serves(&engine, &id);
    }
}

on_each_engine!(a_target_is_confined_by_default);

fn a_target_is_confined_by_default(engine: &RealEngine) {
    let deployment = Deployment::new(engine);
    let server = deployment.server(&[]);
    let id = server.started();
    let inspect = engine.inspect(&id);
    let host_config = &inspect["HostConfig"];
    let alike = json!({
        "Memory": 1_073_741_824,
        "NanoCpus": 1_000_000_000,
        "PidsLimit": 512,
        "Privileged": false,
        "RestartPolicy": {"Name": "no", "MaximumRetryCount": 0},
        "SecurityOpt": ["no-new-privileges"],
        "Init": true,
    });
    check_members(host_config, &alike);
    check_members(host_config, &shown_by(engine));
    // Podman shows the token's volume there.
    for bind in host_config["Binds"].as_array().into_iter().flatten() {
        let bind = bind.as_str().expect("text");
        let (volume, place) = bind.split_once(':').expect("two parts");
        assert!(!volume.contains('/'), "{bind}");
        assert!(place.starts_with("/run/dynamic-access:"), "{bind}");
    }
    // Whatever is shown, the kernel's word counts.
    for namespace in ["ipc", "pid", "net"] {
        let own = engine.shell(&id, &format!("readlink /proc/self/ns/{namespace}"));
        let init = given("TEST_ENGINE_INIT");
        let hosts = std::fs::read_link(format!("/proc/{init}/ns/{namespace}"));
        let hosts = hosts.expect("the Engine runs");
        assert_ne!(own.trim(), hosts.to_string_lossy(), "{namespace}");
    }
    let status = engine.shell(&id, "grep -E 'CapBnd|NoNewPrivs' /proc/1/status");
    // CHOWN, DAC_OVERRIDE, FOWNER, KILL, SETGID and SETUID: bits 0, 1, 3, 5, 6 and 7.
    assert!(status.contains("CapBnd:\t00000000000000eb"), "{status}");
    assert!(status.contains("NoNewPrivs:\t1"), "{status}");
}

/// The values that the two kinds of Engine show in their own ways.
fn shown_by(engine: &RealEngine) -> Value {
    let of_docker = json!({
        "Binds": null,
        "PortBindings": null,
        "NetworkMode": "dynamic-access",
        "IpcMode": "private",
        "PidMode": "",
        "CapDrop": ["ALL"],
    });
    // Of the capabilities, it lists those of its own defaults that are dropped.
    let of_podman = json!({
        "PortBindings": {},
        "NetworkMode": "none",
        "IpcMode": if engine.release() < (5, 0) { "shareable" } else { "private" },
        "PidMode": "private",
    });
    engine.either(of_docker, of_podman)
}
