//! The worst that the shipped component could do: it has only the access that it is given.

use test_support::prelude::*;
use test_support::server::compiled;

#[test]
fn the_component_asks_for_no_file_system_and_no_socket() {
    // A component cannot call what it does not import, even a malicious one.
    const INTERFACES: [&str; 6] = [
        "fermyon:spin/variables@",
        "wasi:cli/",
        "wasi:clocks/",
        "wasi:http/",
        "wasi:io/",
        "wasi:random/",
    ];
    let [imports, _] = compiled().interfaces();
    assert!(!imports.is_empty());
    for import in imports {
        let is_known = INTERFACES.iter().any(|known| import.starts_with(known));
        assert!(is_known, "{import}");
    }
}

#[test]
fn the_export_is_one_that_spin_loads_from_the_version_on_that_the_documents_name() {
    let [_, exports] = compiled().interfaces();
    let [export] = exports.as_slice() else {
        panic!("{exports:?}");
    };
    let handler = export.strip_prefix("wasi:http/incoming-handler@");
    let version = handler.expect("it serves HTTP");
    let oldest = match version {
        // Spin compares with these two, and with 0.2.0 alone before 3.0.
        "0.2.0" | "0.2.1" => "Spin 3.0",
        // Since 3.1, the beginning is enough.
        _ if version.starts_with("0.2.") => "Spin 3.1",
        _ => panic!("{export}"),
    };
    let pages = ["README.md", "DESIGN.md", "deploy/spinkube/README.md"];
    for document in pages.into_iter().chain(["spin.toml"]) {
        let text = shipped(document);
        assert!(text.contains(oldest), "{document} names {oldest}");
        assert!(!text.contains("Spin 2."), "{document} names an older one");
    }
}

#[test]
fn the_component_reaches_no_host_but_docker_url() {
    const OWN: &str = "\ndocker_url = \"{{ docker_url }}\"\n";
    let [engine, other] = [(); 2].map(|()| FakeEngine::answering("200 OK", "[]"));
    // The manifest of a misled component, which may not reach its `docker_url`.
    let folder = Folder::new("confinement-");
    let misled = format!("\ndocker_url = \"{}\"\n", other.url());
    let manifest = shipped("spin.toml").replace(OWN, &misled);
    assert!(manifest.contains(&misled));
    let manifest = folder.file("spin.toml", &manifest);
    let server_of = |docker_url: &str| {
        Server::adjusted(&[("docker_url", docker_url)], |options| {
            options.manifest.clone_from(&manifest);
        })
    };
    let server = server_of(&engine.url());
    for (answer, status) in server.webhooks().iter().zip([500, 500, 503]) {
        server.check_failed(answer, status, "HttpRequestDenied");
        let line = server.check_failed(answer, status, "allowed_outbound_hosts");
        assert!(!line["error"].to_string().contains("running"), "{line}");
    }
    assert_eq!(other.requests(), [""; 0]);
    // The same component reaches it if the manifest allows that.
    server_of(&other.url()).webhooks();
    assert!(!other.requests().is_empty());
    assert_eq!(engine.requests(), [""; 0]);
}
