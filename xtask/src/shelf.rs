//! Keeps the agent image beside the build output: a private Engine starts out empty each time, and
//! reading the image back takes a third of the time that building it does.

use std::fs;
use std::path::PathBuf;

use anyhow::Result;

use crate::docker::Docker;
use crate::process;
use crate::workspace;

/// How a kept image's file is called, before the digest of what it was built from.
const PREFIX: &str = "agent-image-";

/// Gives the Engine the image that was built from these inputs, and says whether it was kept.
pub fn take(docker: &Docker, inputs: &str) -> bool {
    let path = path(inputs);
    let mut command = docker.command();
    command.args(["load", "--quiet", "--input"]).arg(&path);
    // A file that cannot be read back is as good as none: the image is built.
    path.exists() && process::output(&mut command).is_ok()
}

/// Keeps an image, in the place of the one that was kept before.
pub fn keep(docker: &Docker, image: &str, inputs: &str) -> Result<()> {
    let dir = workspace::cache_dir();
    fs::create_dir_all(&dir)?;
    for entry in fs::read_dir(&dir)?.flatten() {
        if entry.file_name().to_string_lossy().starts_with(PREFIX) {
            fs::remove_file(entry.path())?;
        }
    }
    // Under another name first: a run that is cut short must leave no half of an image.
    let unfinished = dir.join(format!("{PREFIX}unfinished"));
    let mut command = docker.command();
    command
        .args(["save", "--output"])
        .arg(&unfinished)
        .arg(image);
    process::output(&mut command)?;
    fs::rename(unfinished, path(inputs))?;
    Ok(())
}

fn path(inputs: &str) -> PathBuf {
    workspace::cache_dir().join(format!("{PREFIX}{inputs}.tar"))
}
