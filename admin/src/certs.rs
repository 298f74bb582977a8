//! Makes the certificates for mutual TLS: one for an authority, one for the Engine, one for the component.
//!
//! The authority's key signs the other two and is not kept: nobody has to guard it, and nobody can sign a third.

use std::fs::{DirBuilder, File};
use std::io::Write;
use std::net::IpAddr;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose,
};
use rustls_pki_types::DnsName;
use tempfile::TempPath;
use time::{Duration, OffsetDateTime};

use crate::progress::{remark, say};

/// The component's common name, for authorisation plugins that look at it.
const CLIENT: &str = "dynamic-access";

/// The clock skew between both sides that new certificates allow.
const CLOCKS_APART: Duration = Duration::hours(1);

const CA: &str = "ca.pem";
const SERVER: &str = "server.pem";
const SERVER_KEY: &str = "server-key.pem";
const CLIENT_CERTIFICATE: &str = "client.pem";
const CLIENT_KEY: &str = "client-key.pem";
const RUNTIME_CONFIG: &str = "runtime-config.toml";

/// Where the instructions put the Engine's files, because this machine's paths mean nothing on the Engine's host.
const ENGINES_FOLDER: &str = "/etc/docker/certs";

/// Which certificates to make.
#[derive(Args)]
pub struct CertsArguments {
    /// The names and addresses under which the Engine is reached, without ports
    #[arg(required = true, value_name = "HOST")]
    hosts: Vec<String>,

    /// The folder for the files; existing files are never overwritten
    #[arg(long, value_name = "FOLDER", default_value = "certs")]
    out: PathBuf,

    /// How many days the certificates are valid
    #[arg(long, default_value_t = 365, value_parser = clap::value_parser!(u16).range(1..=3650))]
    days: u16,
}

/// Makes the certificates, and prints how to start the Engine and Spin with them.
///
/// # Errors
///
/// See [`make`].
pub fn certs(arguments: &CertsArguments) -> Result<()> {
    let expiry = make(&arguments.out, &arguments.hosts, arguments.days)?;
    let dir = std::path::absolute(&arguments.out)?;
    say(&format!(
        "certificates: {}, until {}",
        dir.display(),
        expiry.date()
    ));
    remark(
        "the key that signed them is not kept: nobody can sign more, and new certificates need a new folder",
    );
    println!("{}", instructions(&dir, &arguments.hosts));
    Ok(())
}

/// Makes all files in `dir`, for an Engine with these names, and returns when they expire. Only their owner can read
/// the keys.
///
/// # Errors
///
/// If Spin cannot reach a host, or a file already exists or cannot be written. Then no new file stays.
pub fn make(dir: &Path, hosts: &[String], days: u16) -> Result<OffsetDateTime> {
    for host in hosts {
        check_host(host)?;
    }
    let now = OffsetDateTime::now_utc();
    let (begin, expiry) = (now - CLOCKS_APART, now + Duration::days(days.into()));
    let certificate = |name: &str, hosts: &[String]| -> Result<CertificateParams> {
        let mut params = CertificateParams::new(hosts)?;
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        (params.not_before, params.not_after) = (begin, expiry);
        Ok(params)
    };
    let mut authority = certificate("dynamic-access authority", &[])?;
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;
    let sign = |name, hosts, usage| -> Result<(String, String)> {
        let key = KeyPair::generate()?;
        let mut params = certificate(name, hosts)?;
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![usage];
        let certificate = params.signed_by(&key, &authority)?;
        Ok((certificate.pem(), key.serialize_pem()))
    };
    let (server, server_key) = sign(&hosts[0], hosts, ExtendedKeyUsagePurpose::ServerAuth)?;
    let (client, client_key) = sign(CLIENT, &[], ExtendedKeyUsagePurpose::ClientAuth)?;
    write_new(
        dir,
        &[
            (CA, 0o644, authority.pem()),
            (SERVER, 0o644, server),
            (SERVER_KEY, 0o600, server_key),
            (CLIENT_CERTIFICATE, 0o644, client),
            (CLIENT_KEY, 0o600, client_key),
            (RUNTIME_CONFIG, 0o644, runtime_config(hosts)),
        ],
    )?;
    Ok(expiry)
}

/// Writes new files, all or none.
fn write_new(dir: &Path, files: &[(&str, u32, String)]) -> Result<()> {
    let mut folder = DirBuilder::new();
    let made = folder.recursive(true).mode(0o700).create(dir);
    made.with_context(|| format!("failed to create {}", dir.display()))?;
    // No key is written in vain.
    let mut paths = files.iter().map(|(name, ..)| dir.join(name));
    if let Some(path) = paths.find(|path| path.exists()) {
        bail!(
            "{} exists and is not overwritten; choose another folder with --out",
            path.display()
        );
    }
    // Dropping them removes the files.
    let mut written = Vec::new();
    for (name, mode, content) in files {
        let path = dir.join(name);
        let mut options = File::options();
        let file = options.write(true).create_new(true).mode(*mode).open(&path);
        let mut file = file.with_context(|| format!("failed to create {}", path.display()))?;
        written.push(TempPath::try_from_path(&path)?);
        let filled = file.write_all(content.as_bytes());
        filled.with_context(|| format!("failed to write {}", path.display()))?;
    }
    for file in written {
        file.keep()?;
    }
    Ok(())
}

/// The options with which an Engine only accepts clients with a certificate from `dir`.
pub fn dockerd_options(dir: &Path) -> Vec<String> {
    let file = |name: &str| dir.join(name).display().to_string();
    vec![
        "--tlsverify".to_owned(),
        format!("--tlscacert={}", file(CA)),
        format!("--tlscert={}", file(SERVER)),
        format!("--tlskey={}", file(SERVER_KEY)),
    ]
}

/// The path of the runtime configuration in `dir`.
pub fn runtime_config_file(dir: &Path) -> PathBuf {
    dir.join(RUNTIME_CONFIG)
}

/// Checks that a host can be in both a certificate and `docker_url`.
fn check_host(host: &str) -> Result<()> {
    match host.parse() {
        Ok(IpAddr::V4(_)) => Ok(()),
        Ok(IpAddr::V6(_)) => bail!(
            "{host}: Spin cannot use TLS with an IPv6 address; give the Engine's host a name, in DNS or /etc/hosts"
        ),
        Err(_) if DnsName::try_from(host).is_ok() => Ok(()),
        Err(_) => bail!("{host}: must be a name or an address, without scheme or port"),
    }
}

/// The addition to the runtime configuration if the Engine's side offers HTTP/2.
const WITH_HTTP2: &str = "
# Docker, and the proxies of this project, offer HTTP/1.1 alone. If what docker_url names offers HTTP/2,
# remove the # from these two lines; Spin 3.4 or later knows them. Otherwise, when that connection dies
# without a word, every later request fails too, since Spin goes on using it.
# [outbound_http]
# connection_pooling = false
";

/// Its paths are relative to the file, so the folder can be moved. Its hosts are in lower case, like the host of
/// `docker_url` in the component; Spin does not lower-case them.
///
/// The table for HTTP/2 is a comment: Spin before 3.4 refuses it, and it costs a handshake for each request.
fn runtime_config(hosts: &[String]) -> String {
    let hosts: Vec<_> = hosts.iter().map(|host| host.to_ascii_lowercase()).collect();
    format!(
        "[[client_tls]]\ncomponent_ids = [\"webhooks\"]\nhosts = {hosts:?}\nca_roots_file = \"{CA}\"\nclient_cert_file = \"{CLIENT_CERTIFICATE}\"\nclient_private_key_file = \"{CLIENT_KEY}\"\n{WITH_HTTP2}"
    )
}

/// The next steps, as commands to copy.
fn instructions(dir: &Path, hosts: &[String]) -> String {
    let host = hosts[0].to_ascii_lowercase();
    let options = dockerd_options(Path::new(ENGINES_FOLDER)).join(" \\\n    ");
    let config = runtime_config_file(dir);
    format!(
        "
On the Engine's host, copy {CA}, {SERVER} and {SERVER_KEY} from {} to {ENGINES_FOLDER}, which only root may read, and start:

dockerd --host=unix:///var/run/docker.sock --host=tcp://0.0.0.0:2376 \\
    {options}

Where Spin runs, keep {RUNTIME_CONFIG}, {CA}, {CLIENT_CERTIFICATE} and {CLIENT_KEY} in one folder, and start:

SPIN_VARIABLE_WEBHOOK_SECRET=\"$(openssl rand -base64 32)\" \\
    spin up -f spin.toml --runtime-config-file {} \\
    --variable docker_url=https://{host}:2376

{RUNTIME_CONFIG}; its paths are relative to itself:

{}",
        dir.display(),
        config.display(),
        runtime_config(hosts)
    )
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn hosts(all: &[&str]) -> Vec<String> {
        all.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn keys_are_for_their_owner_alone_and_the_authoritys_is_not_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        make(folder.path(), &hosts(&["engine.test", "192.0.2.7"]), 1).expect("certificates");
        let mut keys = 0;
        for entry in fs::read_dir(folder.path()).expect("a folder").flatten() {
            let content = fs::read_to_string(entry.path()).expect("text");
            if content.contains("PRIVATE KEY") {
                keys += 1;
                let mode = entry.metadata().expect("a file").permissions().mode();
                assert_eq!(mode & 0o777, 0o600, "{:?}", entry.path());
            }
        }
        assert_eq!(keys, 2);
    }

    #[test]
    fn nothing_is_overwritten_and_of_files_that_cannot_all_be_written_none_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let theirs = folder.path().join(CLIENT_KEY);
        fs::write(&theirs, "theirs").expect("a file");
        let error = make(folder.path(), &hosts(&["engine.test"]), 1).expect_err("it is there");
        let told = error.to_string();
        assert!(
            told.contains(CLIENT_KEY) && told.contains("is not overwritten"),
            "{told}"
        );
        assert_eq!(fs::read_to_string(&theirs).expect("a file"), "theirs");
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
    }

    #[test]
    fn the_runtime_configuration_has_hosts_in_lower_case_and_advice_about_http2() {
        let hosts = hosts(&["Engine.Test", "192.0.2.7"]);
        let config = runtime_config(&hosts);
        let (start, about_http2) = config.split_once(CLIENT_KEY).expect("the last file");
        assert!(
            start.contains("hosts = [\"engine.test\", \"192.0.2.7\"]"),
            "{config}"
        );
        let table = "\n# [outbound_http]\n# connection_pooling = false\n";
        assert!(about_http2.ends_with(table), "{config}");
        let text = instructions(Path::new("/here/certs"), &hosts);
        assert!(text.contains("https://engine.test:2376"), "{text}");
    }

    #[test]
    fn the_instructions_name_what_each_machine_has() {
        let text = instructions(Path::new("/here/certs"), &hosts(&["engine.test"]));
        let (engine, spin) = text.split_once("Where Spin runs").expect("two machines");
        let (files, command) = engine.split_once("\n\n").expect("a command");
        for file in [CA, SERVER, SERVER_KEY] {
            assert!(files.contains(file), "{files}");
            assert!(command.contains(&format!("=/etc/docker/certs/{file}")));
        }
        assert!(!command.contains("/here"), "{command}");
        assert!(spin.contains("SPIN_VARIABLE_WEBHOOK_SECRET=\"$("), "{spin}");
        assert!(spin.contains(" /here/certs/runtime-config.toml "), "{spin}");
        // A release has no source to build.
        assert!(spin.contains("spin up -f spin.toml"), "{spin}");
        assert!(!spin.contains("--build"), "{spin}");
    }

    #[test]
    fn a_host_is_what_spin_can_reach_and_no_url() {
        for host in ["localhost", "engine.example.com", "192.0.2.7"] {
            check_host(host).expect(host);
        }
        for host in [
            "",
            "https://engine",
            "engine:2376",
            "::1",
            "[::1]",
            "a b",
            "*.example.com",
        ] {
            check_host(host).expect_err(host);
        }
    }
}
