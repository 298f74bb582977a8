//! Mutual TLS with a real `dockerd --tlsverify`: the set-ups that work, and the log's words about
//! those that do not.

use std::path::{Path, PathBuf};
use std::process::Command;

use test_support::certificates::{Authority, Identity};
use test_support::engine::RealEngine;
use test_support::folder::Folder;
use test_support::given;
use test_support::own::Deployment;
use test_support::server::Server;
use test_support::tls_engine::TlsEngine;
use test_support::unique;

/// A runtime configuration for both of this machine's names.
fn runtime_config(folder: &Folder, ca: Option<&Path>, client: Option<&Identity>) -> PathBuf {
    let mut config =
        "[[client_tls]]\ncomponent_ids = [\"webhooks\"]\nhosts = [\"localhost\", \"127.0.0.1\"]\n"
            .to_owned();
    if let Some(ca) = ca {
        config.push_str(&format!("ca_roots_file = {ca:?}\n"));
    }
    if let Some(client) = client {
        let (certificate, key) = client.files(folder, "client");
        config.push_str(&format!("client_cert_file = {certificate:?}\n"));
        config.push_str(&format!("client_private_key_file = {key:?}\n"));
    }
    folder.file("runtime-config.toml", &config)
}

/// Checks the health of an Engine with this set-up, and starts a target. The Engine
/// lacks the image, which the component can only know if it has reached the Engine.
#[track_caller]
fn check(url: &str, runtime_config: &Path, expected: &str) {
    let server = Server::over_tls(&[("docker_url", url)], runtime_config);
    let answer = server.call("GET", "/health", "");
    assert_eq!(answer.status, 503, "{answer:?}");
    let error = server.line_about(&answer)["error"].to_string();
    assert!(error.contains(expected), "{error}");
    let answer = server.start_target("a-token");
    let is_spoken_with = expected == SPOKEN_WITH;
    assert_eq!(answer.status == 500, is_spoken_with, "{answer:?}");
    assert!(matches!(answer.status, 500 | 502 | 503), "{answer:?}");
    let error = server.line_about(&answer)["error"].to_string();
    assert!(error.contains(expected), "{error}");
}

const SPOKEN_WITH: &str = "the Engine has no image dynamic-access-agent";
const ABOUT_THE_SERVERS_CERTIFICATE: &str = "ca_roots_file";
const ABOUT_THE_CLIENTS_CERTIFICATE: &str = "client_cert_file";

#[test]
fn a_target_comes_and_goes_with_the_certificates_that_xtask_makes() {
    let engine = RealEngine::given();
    let deployment = Deployment::new(&engine);
    let server = Server::over_tls(
        &[
            ("docker_url", &given("TEST_DOCKER_TLS_URL")),
            ("deployment_id", &deployment.id),
        ],
        Path::new(&given("TEST_DOCKER_TLS_CONFIG")),
    );
    let health = server.call("GET", "/health", "");
    assert_eq!(health.status, 200, "{health:?}");
    let started = server.start_target(&unique("token-"));
    assert_eq!(started.status, 200, "{started:?}");
    let id = started.json()["uniqueId"]
        .as_str()
        .expect("an id")
        .to_owned();
    assert_eq!(engine.state(&id).as_deref(), Some("running"));
    let stopped = server.stop_target(&id);
    assert_eq!(stopped.status, 200, "{stopped:?}");
    assert_eq!(engine.state(&id), None);
}

#[test]
fn each_client_certificate_that_is_not_right_is_named_in_the_log() {
    let folder = Folder::new("tls-");
    let authority = Authority::new("authority");
    let ca = authority.file(&folder);
    let engine = TlsEngine::start(&authority.server(&["localhost"]), &ca);
    let with = |client: Option<&Identity>| {
        let folder = Folder::new("tls-client-");
        let config = runtime_config(&folder, Some(&ca), client);
        (folder, config)
    };
    let right = authority.client();
    let of_another = Authority::new("another").client();
    let expired = authority.expired_client();
    // Engines are written in Go, which checks the certificate's purpose too.
    let of_a_server = authority.server(&["localhost"]);
    for (client, expected) in [
        (Some(&right), SPOKEN_WITH),
        (None, ABOUT_THE_CLIENTS_CERTIFICATE),
        (Some(&of_another), ABOUT_THE_CLIENTS_CERTIFICATE),
        (Some(&expired), ABOUT_THE_CLIENTS_CERTIFICATE),
        (Some(&of_a_server), ABOUT_THE_CLIENTS_CERTIFICATE),
    ] {
        let (_folder, config) = with(client);
        check(&engine.url("localhost"), &config, expected);
    }
}

#[test]
fn each_server_certificate_that_is_not_right_is_named_in_the_log() {
    let folder = Folder::new("tls-");
    let authority = Authority::new("authority");
    let ca = authority.file(&folder);
    let other_ca = Authority::new("another").file(&folder);
    let client = authority.client();
    let config = runtime_config(&folder, Some(&ca), Some(&client));

    let by_name = TlsEngine::start(&authority.server(&["localhost"]), &ca);
    check(&by_name.url("localhost"), &config, SPOKEN_WITH);
    // Spin compares the host of a request with `hosts` of `[[client_tls]]` as text.
    check(&by_name.url("LocalHost"), &config, SPOKEN_WITH);
    check(
        &by_name.url("127.0.0.1"),
        &config,
        "subject alternative name",
    );
    let apart = Folder::new("tls-other-");
    let distrusting = runtime_config(&apart, Some(&other_ca), Some(&client));
    check(
        &by_name.url("localhost"),
        &distrusting,
        ABOUT_THE_SERVERS_CERTIFICATE,
    );
    // This happens when a host or a component is misspelt in the configuration.
    let apart = Folder::new("tls-none-");
    let public = runtime_config(&apart, None, None);
    check(
        &by_name.url("localhost"),
        &public,
        ABOUT_THE_SERVERS_CERTIFICATE,
    );
    check(
        &by_name.plain_url(),
        &config,
        "https if the Engine speaks TLS",
    );

    let by_address = TlsEngine::start(&authority.server(&["127.0.0.1"]), &ca);
    check(&by_address.url("127.0.0.1"), &config, SPOKEN_WITH);

    let expired = TlsEngine::start(&authority.expired_server(&["localhost"]), &ca);
    check(&expired.url("localhost"), &config, "has not expired");
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
    let run = Command::new("sh")
        .args(["-c", recipe])
        .current_dir(folder.path())
        .output()
        .expect("a shell");
    assert!(run.status.success(), "{run:?}");
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).expect("a file");
    let identity = |who: &str| Identity {
        certificate: read(&format!("{who}.pem")),
        key: read(&format!("{who}-key.pem")),
    };
    let ca = folder.path().join("ca.pem");
    let engine = TlsEngine::start(&identity("server"), &ca);
    let config = runtime_config(&folder, Some(&ca), Some(&identity("client")));
    for host in ["localhost", "127.0.0.1"] {
        check(&engine.url(host), &config, SPOKEN_WITH);
    }
}
