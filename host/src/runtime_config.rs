//! Reads the part of Spin's runtime configuration that this host supports: `[[client_tls]]`, and `connection_pooling` of
//! `[outbound_http]`.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

/// One `[[client_tls]]` entry: the TLS settings for some hosts.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientTls {
    pub component_ids: Vec<String>,
    /// The hosts that it applies to, without ports.
    pub hosts: Vec<String>,
    /// A PEM file with the authorities to trust.
    pub ca_roots_file: Option<PathBuf>,
    /// A PEM file with the client's certificate chain.
    pub client_cert_file: Option<PathBuf>,
    /// A PEM file with the client's private key.
    pub client_private_key_file: Option<PathBuf>,
    ca_use_webpki_roots: Option<bool>,
}

/// The default is that of no file.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RuntimeConfig {
    pub client_tls: Vec<ClientTls>,
    outbound_http: Option<OutboundHttp>,
}

// As in Spin, pooling is off if the table is there without its key.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct OutboundHttp {
    connection_pooling: bool,
}

impl RuntimeConfig {
    /// Reads a runtime configuration; its paths are relative to `file`.
    pub fn read(file: &Path) -> Result<Self> {
        let read = std::fs::read_to_string(file).map_err(anyhow::Error::from);
        let folder = file.parent().unwrap_or(Path::new(""));
        read.and_then(|text| Self::parse(&text, folder))
            .with_context(|| format!("--runtime-config-file {}", file.display()))
    }

    fn parse(text: &str, folder: &Path) -> Result<Self> {
        let mut config: Self = toml::from_str(text)?;
        for entry in &mut config.client_tls {
            entry.check(folder).context("[[client_tls]]")?;
        }
        Ok(config)
    }

    /// Whether a connection is kept for the next request.
    pub fn pools(&self) -> bool {
        let outbound = self.outbound_http.as_ref();
        outbound.is_none_or(|outbound| outbound.connection_pooling)
    }
}

impl ClientTls {
    fn check(&mut self, folder: &Path) -> Result<()> {
        ensure!(!self.component_ids.is_empty(), "component_ids is empty");
        ensure!(!self.hosts.is_empty(), "hosts is empty");
        ensure!(
            self.client_cert_file.is_some() == self.client_private_key_file.is_some(),
            "client_cert_file and client_private_key_file come together"
        );
        let (roots, certificate) = (&mut self.ca_roots_file, &mut self.client_cert_file);
        for file in [roots, certificate, &mut self.client_private_key_file] {
            *file = file.take().map(|file| folder.join(file));
        }
        Ok(())
    }

    /// Whether the public authorities are trusted; by default, only if there is no `ca_roots_file`.
    pub fn trusts_public_roots(&self) -> bool {
        self.ca_use_webpki_roots
            .unwrap_or(self.ca_roots_file.is_none())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = r#"
        [[client_tls]]
        component_ids = ["web"]
        hosts = ["engine"]
        ca_roots_file = "certs/ca.pem"
        client_cert_file = "/etc/cert.pem"
        client_private_key_file = "key.pem"
    "#;

    fn parse(text: &str) -> Result<RuntimeConfig> {
        RuntimeConfig::parse(text, Path::new("/app"))
    }

    #[test]
    fn paths_are_relative_to_the_file() {
        let entry = &parse(WHOLE).unwrap().client_tls[0];
        let files = [&entry.ca_roots_file, &entry.client_cert_file];
        let expected = ["/app/certs/ca.pem", "/etc/cert.pem"].map(|path| Some(path.into()));
        assert_eq!(files, expected.each_ref());
    }

    #[test]
    fn public_authorities_are_trusted_without_a_file_of_others_or_if_the_entry_says_so() {
        let file = "ca_roots_file = \"certs/ca.pem\"";
        for (text, trusts) in [
            (WHOLE.to_owned(), false),
            (WHOLE.replace(file, ""), true),
            (format!("{WHOLE}\nca_use_webpki_roots = true"), true),
            (WHOLE.replace(file, "ca_use_webpki_roots = false"), false),
        ] {
            let config = parse(&text).unwrap();
            assert_eq!(config.client_tls[0].trusts_public_roots(), trusts, "{text}");
        }
    }

    #[test]
    fn what_is_unknown_or_not_whole_is_named() {
        let key = "client_private_key_file = \"key.pem\"";
        for (text, named) in [
            ("[outbound_http]\nmax_connections = 1", "max_connections"),
            ("[outbound_networking]\nx = 1", "outbound_networking"),
            (&format!("{WHOLE}\nca_root_file = \"x\""), "ca_root_file"),
            (&WHOLE.replace(key, ""), "client_private_key_file"),
            (&WHOLE.replace("[\"engine\"]", "[]"), "hosts"),
            (&WHOLE.replace("[\"web\"]", "[]"), "component_ids"),
        ] {
            let error = format!("{:#}", parse(text).unwrap_err());
            assert!(error.contains(named), "{text}");
        }
    }

    #[test]
    fn connections_are_pooled_unless_a_table_without_the_key_or_with_false_is_there() {
        for (text, pools) in [
            ("", true),
            (WHOLE, true),
            ("[outbound_http]\nconnection_pooling = true", true),
            ("[outbound_http]\nconnection_pooling = false", false),
            ("[outbound_http]", false),
        ] {
            assert_eq!(parse(text).unwrap().pools(), pools, "{text}");
        }
    }
}
