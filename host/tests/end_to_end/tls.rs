//! Mutual TLS with a real `dockerd --tlsverify`: the set-ups that work, and the log's words about
//! those that do not.

use std::path::Path;
use std::process::Command;

use dev::process;
use test_support::certificates::{Authority, Identity};
use test_support::prelude::*;
use test_support::tls_engine::TlsEngine;

/// Checks the health of an Engine, and starts a target, with a runtime configuration for both of
/// this machine's names that has this authority and this client. The Engine lacks the image, which
/// the component can only know if it has reached the Engine.
#[track_caller]
fn check(url: &str, ca: Option<&Path>, client: Option<&Identity>, expected: &str) {
    let folder = Folder::new("tls-client-");
    let config = Identity::runtime_config(&folder, ca, client, "");
    let server = Server::adjusted(&[("docker_url", url)], |options| {
        options.runtime_config = Some(config);
    });
    let answer = server.health();
    server.check_failed(&answer, 503, expected);
    let answer = server.start_target("a-token");
    let is_spoken_with = expected == SPOKEN_WITH;
    assert_eq!(answer.status == 500, is_spoken_with, "{answer:?}");
    assert!(matches!(answer.status, 500 | 502 | 503), "{answer:?}");
    server.check_failed(&answer, answer.status, expected);
}

const SPOKEN_WITH: &str = "the Engine has no image dynamic-access-agent";

#[test]
fn a_target_comes_and_goes_with_the_certificates_that_xtask_makes() {
    let deployment = Deployment::given();
    let engine = &deployment.engine;
    let url = given("TEST_DOCKER_TLS_URL");
    let variables = deployment.variables(&[("docker_url", &url)]);
    let server = Server::adjusted(&variables, |options| {
        options.runtime_config = Some(given("TEST_DOCKER_TLS_CONFIG").into());
    });
    server.health().check_done();
    let id = server.started();
    assert_eq!(engine.state(&id).as_deref(), Some("running"));
    server.stop_target(&id).check_done();
    assert_eq!(engine.state(&id), None);
}

#[test]
fn each_certificate_that_is_not_right_is_named_in_the_log() {
    const ABOUT_THE_CLIENTS: &str = "client_cert_file";
    const ABOUT_ITS_AUTHORITY: &str = "ca_roots_file";
    let folder = Folder::new("tls-");
    let (authority, another) = (Authority::new("authority"), Authority::new("another"));
    let (ca, other_ca) = (authority.file(&folder), another.file(&folder));
    let right = authority.client();
    let of = |identity: &Identity| TlsEngine::start(identity, &ca);
    let by_name = of(&authority.server(&["localhost"]));
    let by_address = of(&authority.server(&["127.0.0.1"]));
    let expired = of(&authority.expired_server(&["localhost"]));
    let url = by_name.url("localhost");
    for (client, expected) in [
        (Some(&right), SPOKEN_WITH),
        (None, ABOUT_THE_CLIENTS),
        (Some(&another.client()), ABOUT_THE_CLIENTS),
        (Some(&authority.expired_client()), ABOUT_THE_CLIENTS),
        // Engines are written in Go, which checks the certificate's purpose too.
        (Some(&authority.server(&["localhost"])), ABOUT_THE_CLIENTS),
    ] {
        check(&url, Some(&ca), client, expected);
    }
    let plain = by_name.plain_url();
    for (url, ca, expected) in [
        // Spin compares the host of a request with `hosts` of `[[client_tls]]` as text.
        (&by_name.url("LocalHost"), &ca, SPOKEN_WITH),
        (&by_name.url("127.0.0.1"), &ca, "subject alternative name"),
        (&url, &other_ca, ABOUT_ITS_AUTHORITY),
        (&plain, &ca, "https if the Engine speaks TLS"),
        (&by_address.url("127.0.0.1"), &ca, SPOKEN_WITH),
        (&expired.url("localhost"), &ca, "has not expired"),
    ] {
        check(url, Some(ca), Some(&right), expected);
    }
    // This happens when a host or a component is misspelt in the configuration.
    check(&url, None, None, ABOUT_ITS_AUTHORITY);
}

#[test]
fn rsa_certificates_by_dockers_own_recipe_work() {
    let folder = Folder::new("tls-rsa-");
    // docs.docker.com, "Protect the Docker daemon socket", with smaller keys.
    let recipe = r#"
        set -e
        openssl genrsa -out ca-key.pem 2048
        openssl req -new -x509 -days 2 -key ca-key.pem -sha256 -subj /CN=authority -out ca.pem
        for who in server client; do
            openssl genrsa -out $who-key.pem 2048
            openssl req -subj "/CN=$who" -sha256 -new -key $who-key.pem -out $who.csr
        done
        echo 'subjectAltName = DNS:localhost,IP:127.0.0.1' > server.cnf
        echo 'extendedKeyUsage = serverAuth' >> server.cnf
        echo 'extendedKeyUsage = clientAuth' > client.cnf
        for who in server client; do
            openssl x509 -req -days 1 -sha256 -in $who.csr -CA ca.pem -CAkey ca-key.pem \
                -CAcreateserial -out $who.pem -extfile $who.cnf
        done
    "#;
    let mut shell = Command::new("sh");
    shell.args(["-c", recipe]).current_dir(folder.path());
    process::output(&mut shell).expect("openssl");
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).expect("a file");
    let identity = |who: &str| Identity {
        certificate: read(&format!("{who}.pem")),
        key: read(&format!("{who}-key.pem")),
    };
    let ca = folder.path().join("ca.pem");
    let engine = TlsEngine::start(&identity("server"), &ca);
    let client = identity("client");
    for host in ["localhost", "127.0.0.1"] {
        check(&engine.url(host), Some(&ca), Some(&client), SPOKEN_WITH);
    }
}
