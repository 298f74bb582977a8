//! Chooses the TLS configuration for each host.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::runtime_config::ClientTls;

/// The TLS configurations of one component.
pub struct TlsConfigs {
    by_host: Vec<(Vec<String>, Arc<ClientConfig>)>,
    default: Arc<ClientConfig>,
}

impl TlsConfigs {
    /// Loads the certificates and keys that the entries for `component` name; the file `public`, if given, replaces the
    /// public authorities.
    pub fn load(component: &str, entries: &[ClientTls], public: Option<&Path>) -> Result<Self> {
        let mut by_host = Vec::new();
        let is_ours = |entry: &&ClientTls| entry.component_ids.iter().any(|id| id == component);
        for entry in entries.iter().filter(is_ours) {
            let config = Arc::new(configure(Some(entry), public)?);
            by_host.push((entry.hosts.clone(), config));
        }
        let default = Arc::new(configure(None, public)?);
        Ok(Self { by_host, default })
    }

    /// The configuration for `host`: that of the first entry that names it.
    pub fn for_host(&self, host: &str) -> Arc<ClientConfig> {
        self.by_host
            .iter()
            .find(|(hosts, _)| hosts.iter().any(|named| named == host))
            .map_or(&self.default, |(_, config)| config)
            .clone()
    }
}

fn configure(entry: Option<&ClientTls>, public: Option<&Path>) -> Result<ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots(entry, public)?);
    let client = entry.and_then(|entry| {
        let certificate = entry.client_cert_file.as_deref()?;
        Some((certificate, entry.client_private_key_file.as_deref()?))
    });
    let mut config = match client {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => builder
            .with_client_auth_cert(certificates(certificate)?, private_key(key)?)
            .with_context(|| {
                let (certificate, key) = (certificate.display(), key.display());
                format!("client_cert_file {certificate} with client_private_key_file {key}")
            })?,
    };
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

fn roots(entry: Option<&ClientTls>, public: Option<&Path>) -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    if let Some(file) = entry.and_then(|entry| entry.ca_roots_file.as_deref()) {
        add(&mut roots, file).context("ca_roots_file")?;
    }
    if entry.is_none_or(ClientTls::trusts_public_roots) {
        match public {
            Some(file) => add(&mut roots, file).context("the public roots")?,
            None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        }
    }
    Ok(roots)
}

fn add(roots: &mut RootCertStore, file: &Path) -> Result<()> {
    for certificate in certificates(file)? {
        roots
            .add(certificate)
            .with_context(|| file.display().to_string())?;
    }
    Ok(())
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let shown = file.display();
    let certificates: Vec<_> = CertificateDer::pem_file_iter(file)
        .and_then(Iterator::collect)
        .with_context(|| format!("cannot read certificates from {shown}"))?;
    ensure!(!certificates.is_empty(), "{shown} holds no certificate");
    Ok(certificates)
}

fn private_key(file: &Path) -> Result<PrivateKeyDer<'static>> {
    PrivateKeyDer::from_pem_file(file)
        .with_context(|| format!("cannot read a private key from {}", file.display()))
}
