//! Certificates, valid or with one fault each.

use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose,
};
use time::{Duration, OffsetDateTime};

use super::folder::Folder;

pub struct Authority {
    name: &'static str,
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate signed by an [`Authority`], and its key, both in PEM.
pub struct Identity {
    pub certificate: String,
    pub key: String,
}

impl Authority {
    pub fn new(name: &'static str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let key = KeyPair::generate().expect("randomness");
        let issuer = CertifiedIssuer::self_signed(params, key).expect("it signs itself");
        Self { name, issuer }
    }

    /// Its own certificate in PEM.
    pub fn certificate(&self) -> String {
        self.issuer.pem()
    }

    /// A certificate for a server with these names and addresses.
    pub fn server(&self, names: &[&str]) -> Identity {
        self.sign(names, ExtendedKeyUsagePurpose::ServerAuth, false)
    }

    /// The same, expired a day ago.
    pub fn expired_server(&self, names: &[&str]) -> Identity {
        self.sign(names, ExtendedKeyUsagePurpose::ServerAuth, true)
    }

    pub fn client(&self) -> Identity {
        self.sign(&[], ExtendedKeyUsagePurpose::ClientAuth, false)
    }

    /// The same, expired a day ago.
    pub fn expired_client(&self) -> Identity {
        self.sign(&[], ExtendedKeyUsagePurpose::ClientAuth, true)
    }

    fn sign(&self, names: &[&str], usage: ExtendedKeyUsagePurpose, is_expired: bool) -> Identity {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let mut params = CertificateParams::new(names).expect("names");
        params.extended_key_usages = vec![usage];
        if is_expired {
            let now = OffsetDateTime::now_utc();
            params.not_before = now - Duration::days(2);
            params.not_after = now - Duration::days(1);
        }
        let key = KeyPair::generate().expect("randomness");
        let signed = params.signed_by(&key, &self.issuer);
        Identity {
            certificate: signed.expect("it signs").pem(),
            key: key.serialize_pem(),
        }
    }

    pub fn file(&self, folder: &Folder) -> PathBuf {
        folder.file(&format!("{}.pem", self.name), &self.certificate())
    }
}

impl Identity {
    /// The certificate and the key in files whose names begin with `name`, and the key once more
    /// where HAProxy looks for it.
    pub fn files(&self, folder: &Folder, name: &str) {
        folder.file(&format!("{name}.pem"), &self.certificate);
        folder.file(&format!("{name}-key.pem"), &self.key);
        folder.file(&format!("{name}.pem.key"), &self.key);
    }

    /// A runtime configuration with this authority and this client for the hosts `localhost` and
    /// `127.0.0.1`, and with more text.
    pub fn runtime_config(
        folder: &Folder,
        authority: Option<&Path>,
        client: Option<&Self>,
        more: &str,
    ) -> PathBuf {
        let mut text = "[[client_tls]]\ncomponent_ids = [\"webhooks\"]\n".to_owned();
        text += "hosts = [\"localhost\", \"127.0.0.1\"]\n";
        if let Some(authority) = authority {
            text += &format!("ca_roots_file = {authority:?}\n");
        }
        if let Some(client) = client {
            client.files(folder, "client");
            text += "client_cert_file = \"client.pem\"\n";
            text += "client_private_key_file = \"client-key.pem\"\n";
        }
        folder.file("runtime-config.toml", &(text + more))
    }
}
