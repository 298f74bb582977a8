//! The lines that `cargo xtask up` prints for trying out the server.

use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;
use tempfile::{NamedTempFile, TempPath};

/// Three lines for a shell: health, start, stop. The server listens at the address, and accepts the secret.
pub fn lines(address: SocketAddr, secret: &str, order: &Value) -> String {
    let header = quoted(&format!("Authorization: Basic {secret}"));
    let curl = format!("curl -sS -H {header}");
    let json = "-H 'Content-Type: application/json'";
    let order = quoted(&order.to_string());
    format!(
        "{curl} http://{address}/health\n\
         id=$({curl} {json} -d {order} http://{address}/start | \
         sed 's/.*\"uniqueId\":\"\\([0-9a-z]*\\)\".*/\\1/'); echo \"$id\"\n\
         {curl} {json} -d \"{{\\\"uniqueId\\\":\\\"$id\\\"}}\" http://{address}/stop\n"
    )
}

/// Writes the header of requests to `/v1` into the file of a folder that the commands in the documentation name;
/// dropping the path removes it.
pub fn write_header(folder: &Path, api_secret: &str) -> Result<TempPath> {
    let path = folder.join("api-header");
    // Only this user can read it.
    let mut file = NamedTempFile::new_in(folder)?;
    let secret = first_secret(api_secret);
    write!(file, "Authorization: Bearer {secret}")?;
    file.persist(&path)
        .map_err(|failed| failed.error)
        .with_context(|| path.display().to_string())?;
    Ok(TempPath::try_from_path(path)?)
}

/// The first secret; there are several, separated by spaces, while they are rotated.
pub fn first_secret(secrets: &str) -> &str {
    secrets.split_whitespace().next().unwrap_or_default()
}

/// Quotes a word for a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::process::Command;

    use serde_json::json;

    use super::*;

    /// Runs the lines in a shell with a `curl` that prints its arguments, one a line.
    fn run(secret: &str) -> String {
        let dir = tempfile::tempdir().expect("a folder");
        let dir = dir.path();
        let curl = dir.join("curl");
        let script = "#!/bin/sh\nprintf '<%s>\\n' \"$@\" >&2\necho '{\"uniqueId\":\"0a1z\"}'\n";
        fs::write(&curl, script).expect("the folder is ours");
        fs::set_permissions(&curl, fs::Permissions::from_mode(0o755)).expect("the file is ours");
        let address = "127.0.0.1:3000".parse().expect("an address");
        let path = std::env::var("PATH").expect("a path");
        let output = Command::new("bash")
            .arg("-c")
            .arg(lines(
                address,
                secret,
                &json!({"serviceUrl": "http://10.0.0.1:5"}),
            ))
            .env("PATH", format!("{}:{path}", dir.display()))
            .output()
            .expect("bash runs");
        String::from_utf8(output.stderr).expect("text")
    }

    #[test]
    fn the_lines_work_in_a_shell_as_they_stand() {
        let calls = run("c2VjcmV0");
        assert_eq!(
            calls.matches("<Authorization: Basic c2VjcmV0>\n").count(),
            3
        );
        assert!(calls.contains("<http://127.0.0.1:3000/health>\n"));
        assert!(
            calls.contains(
                "<{\"serviceUrl\":\"http://10.0.0.1:5\"}>\n<http://127.0.0.1:3000/start>\n"
            )
        );
        assert!(calls.contains("<{\"uniqueId\":\"0a1z\"}>\n<http://127.0.0.1:3000/stop>\n"));
    }

    #[test]
    fn a_secret_with_a_quote_stays_one_word() {
        assert!(run("it's $HOME").contains("<Authorization: Basic it's $HOME>\n"));
    }

    #[test]
    fn the_header_is_for_its_owner_alone_and_goes_with_the_run() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = write_header(folder.path(), "new old").expect("a file");
        let mode = fs::metadata(&path).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let text = fs::read_to_string(&path).expect("a file");
        assert_eq!(text, "Authorization: Bearer new");
        let place = path.to_path_buf();
        drop(path);
        assert!(!place.exists());
    }

    #[test]
    fn of_several_secrets_the_first_is_shown() {
        assert_eq!(first_secret(" new old"), "new");
        assert_eq!(first_secret(""), "");
    }
}
