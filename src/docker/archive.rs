//! `PUT /containers/{id}/archive` (Engine API, PutContainerArchive).
//!
//! A target gets its activation token this way, so that the token is not part of
//! the container's configuration, which everyone who may inspect it can read.

use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method};

use super::call::{CHANGE, Call};
use super::{ContainerId, Reply, query_encoded, request};
use crate::fault::Fault;
use crate::secret::Secret;

/// A folder of the container that is an anonymous volume. Before the start the
/// Engine cannot write an archive into a tmpfs, and with a read-only root file
/// system it can only write into a volume.
pub const TOKEN_DIR: &str = "/run/dynamic-access";

/// The name of the token's file in [`TOKEN_DIR`].
const TOKEN_FILE: &str = "activation-token";

/// Its owner may read it, and nobody may write it: it is read once.
const TOKEN_MODE: u32 = 0o400;

/// The path of the token's file.
pub fn token_path() -> String {
    format!("{TOKEN_DIR}/{TOKEN_FILE}")
}

/// Writes the token's file, which root alone can read, into a container that
/// has not been started.
///
/// A failed call may have written the file all the same. Only an empty 200 is
/// a success, since any web server answers 200 to something.
pub fn write_token(id: &ContainerId, token: &Secret) -> Call<()> {
    let path = format!(
        "/containers/{}/archive?path={}",
        id.as_str(),
        query_encoded(TOKEN_DIR)
    );
    let mut request = request(Method::PUT, &path, archive(token.expose().as_bytes()));
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

/// A tar archive of the one file.
fn archive(content: &[u8]) -> Vec<u8> {
    let mut header = tar::Header::new_ustar();
    header.set_size(content.len() as u64);
    header.set_mode(TOKEN_MODE);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    let mut archive = tar::Builder::new(Vec::new());
    archive
        .append_data(&mut header, TOKEN_FILE, content)
        .and_then(|()| archive.into_inner())
        .expect("a vector takes all that is written, and the name is short")
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;
    use crate::docker::reply::tests::reply;

    const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    #[test]
    fn the_archive_holds_the_token_for_root_to_read() {
        let id = ContainerId::parse(ID).expect("an id");
        let request = write_token(&id, &Secret::new("a-token")).request;
        assert_eq!(request.method(), Method::PUT);
        let uri = format!("/containers/{ID}/archive?path=%2Frun%2Fdynamic-access");
        assert_eq!(request.uri().to_string(), uri);
        let length = request.body().len().to_string();
        assert_eq!(request.headers()["content-length"], length.as_str());
        let mut archive = tar::Archive::new(request.body().as_slice());
        let mut entries = archive.entries().expect("an archive");
        let mut entry = entries.next().expect("an entry").expect("whole");
        assert_eq!(
            entry.path().expect("a path").to_str(),
            Some("activation-token")
        );
        let header = entry.header();
        assert_eq!(header.mode().expect("a mode"), 0o400);
        assert_eq!(header.uid().expect("an owner"), 0);
        let mut content = String::new();
        entry.read_to_string(&mut content).expect("text");
        assert_eq!(content, "a-token");
        assert!(entries.next().is_none());
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
