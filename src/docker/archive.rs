//! `PUT /containers/{id}/archive` (Engine API, PutContainerArchive).

use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method};

use super::call::{CHANGE, Call};
use super::{Reply, TargetId, query_encoded, request};
use crate::fault::Fault;
use crate::secret::Secret;

/// The folder of the secrets, an anonymous volume. Before the start an Engine cannot
/// write an archive into a tmpfs, and if the root file system is read-only, it can write
/// only into a volume.
pub const SECRETS_DIR: &str = "/run/dynamic-access";

/// The name of the file with the activation token.
pub const ACTIVATION_TOKEN: &str = "activation-token";

/// The owner may read a secret, and nobody may write it.
const MODE: u32 = 0o400;

/// A secret that a target gets as a file in [`SECRETS_DIR`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretFile {
    /// The file's name: lower-case letters, digits and dashes, at most 64.
    pub name: String,
    /// Its content.
    pub content: Secret,
    /// The id of the user who owns it, if it has an owner of its own.
    pub owner: Option<u32>,
}

/// The path of the activation token's file.
pub fn token_path() -> String {
    format!("{SECRETS_DIR}/{ACTIVATION_TOKEN}")
}

/// Writes secrets as files, which only their owner can read, into a container that has
/// not been started. `owner` owns those without an owner of their own.
///
/// A failed call may have written the files all the same. Only an empty 200 is a success:
/// any web server may answer 200.
pub fn write_secrets(id: &TargetId, secrets: &[SecretFile], owner: u32) -> Call<()> {
    let path = format!(
        "/containers/{}/archive?path={}",
        id.as_str(),
        query_encoded(SECRETS_DIR)
    );
    let mut request = request(Method::PUT, &path, archive(secrets, owner));
    request
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/x-tar"));
    Call::change("archive", request, CHANGE, written)
}

fn written(reply: &Reply) -> Result<(), Fault> {
    match reply.status() {
        200 if reply.body().is_empty() => Ok(()),
        _ => Err(reply.fault()),
    }
}

fn archive(secrets: &[SecretFile], owner: u32) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for secret in secrets {
        let content = secret.content.expose().as_bytes();
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        header.set_mode(MODE);
        header.set_uid(secret.owner.unwrap_or(owner).into());
        header.set_gid(0);
        header.set_mtime(0);
        archive
            .append_data(&mut header, &secret.name, content)
            .expect("a vector takes all that is written, and the name is short");
    }
    archive
        .into_inner()
        .expect("a vector takes all that is written")
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;
    use crate::docker::target::tests::id;

    #[test]
    fn the_archive_holds_each_secret_for_its_owner_to_read() {
        let longest = "x".repeat(64);
        // The last owner needs more digits than a header has.
        let expected = [
            (ACTIVATION_TOKEN, "a-token", 1000),
            (&longest, "", 0),
            ("last", "b", 2_147_483_647),
        ];
        let files = expected.map(|(name, content, owner)| SecretFile {
            name: name.to_owned(),
            content: Secret::new(content),
            owner: Some(owner).filter(|owner| *owner != 1000),
        });
        let request = write_secrets(&id(), &files, 1000).request;
        let mut archive = tar::Archive::new(request.body().as_slice());
        let found = archive.entries().expect("an archive").map(|entry| {
            let mut entry = entry.expect("whole");
            let mut content = String::new();
            entry.read_to_string(&mut content).expect("text");
            let (header, path) = (entry.header(), entry.path().expect("a path"));
            let rights = (header.mode().ok(), header.gid().ok());
            assert_eq!(rights, (Some(0o400), Some(0)));
            let owner = header.uid().expect("an owner");
            (path.to_string_lossy().into_owned(), content, owner as u32)
        });
        let expected = expected.map(|(name, content, owner)| (name.into(), content.into(), owner));
        assert_eq!(found.collect::<Vec<_>>(), expected);
    }
}
