//! `PUT /containers/{id}/archive` (Engine API, PutContainerArchive).
//!
//! A target gets its secrets this way, because everyone who may inspect a container can
//! read its configuration.

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

/// A tar archive of the files.
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
    use crate::docker::reply::tests::reply;
    use crate::docker::target::tests::{ID, id};

    #[test]
    fn the_archive_holds_each_secret_for_its_owner_to_read() {
        let file = |name: &str, content: &str, owner| SecretFile {
            name: name.to_owned(),
            content: Secret::new(content),
            owner,
        };
        let longest = "x".repeat(64);
        // The last one needs more digits than a header has.
        let files = [
            file(ACTIVATION_TOKEN, "a-token", None),
            file(&longest, "", Some(0)),
            file("last", "b", Some(2_147_483_647)),
        ];
        let request = write_secrets(&id(), &files, 1000).request;
        assert_eq!(request.method(), Method::PUT);
        let uri = format!("/containers/{ID}/archive?path=%2Frun%2Fdynamic-access");
        assert_eq!(request.uri().to_string(), uri);
        let length = request.body().len().to_string();
        assert_eq!(request.headers()["content-length"], length.as_str());
        let mut archive = tar::Archive::new(request.body().as_slice());
        let mut found = Vec::new();
        for entry in archive.entries().expect("an archive") {
            let mut entry = entry.expect("whole");
            assert_eq!(entry.header().mode().expect("a mode"), 0o400);
            let owner = entry.header().uid().expect("an owner");
            assert_eq!(entry.header().gid().expect("a group"), 0);
            let name = entry.path().expect("a path").to_string_lossy().into_owned();
            let mut content = String::new();
            entry.read_to_string(&mut content).expect("text");
            found.push((name, content, owner));
        }
        let expected = [
            (ACTIVATION_TOKEN, "a-token", 1000),
            (&longest, "", 0),
            ("last", "b", 2_147_483_647),
        ];
        let expected =
            expected.map(|(name, content, owner)| (name.to_owned(), content.to_owned(), owner));
        assert_eq!(found, expected);
    }

    #[test]
    fn only_a_200_says_that_it_is_written() {
        assert_eq!(written(&reply(200, "")), Ok(()));
        for (status, body) in [
            (200, "<html>"),
            (204, ""),
            (400, r#"{"message":"container rootfs is marked read-only"}"#),
            (404, r#"{"message":"No such container: x"}"#),
            (500, ""),
        ] {
            written(&reply(status, body)).expect_err(body);
        }
    }
}
