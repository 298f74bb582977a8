//! Builds the component, and installs a compiler for it if there is none.
//!
//! `rustup` installs the target if it can. Where only package registries can be
//! reached, Debian's own compiler builds the standard library for the target.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use dev::process;

use crate::machine::{setup, workspace};
use dynamic_access_admin::progress::{say, timed};

pub const TARGET: &str = "wasm32-wasip2";

const COMPONENT: &str = "dynamic-access";
const HELLO: &str = "dynamic-access-bench-hello";

/// The component as `spin.toml` names it.
pub fn component() -> PathBuf {
    built_in(&workspace::root().join("target"), COMPONENT)
}

/// Builds the component with the first compiler that is found.
pub fn build() -> Result<()> {
    build_package(COMPONENT, "component: build")
}

/// Builds the hello world that the bench measures beside the component.
pub fn build_hello() -> Result<()> {
    build_package(HELLO, "hello world: build")
}

fn build_package(package: &str, what: &str) -> Result<()> {
    let has_target = has_target() || can_add_target()?;
    timed(what, || {
        let target_dir = match has_target {
            true => build_with_rustup(package)?,
            false => build_with_debian(package)?,
        };
        put_in_place(&target_dir, package)
    })
}

/// Whether the default compiler has the target.
pub fn has_target() -> bool {
    process::output(Command::new("rustc").args(["--print", "target-libdir", "--target", TARGET]))
        .is_ok_and(|libdir| Path::new(libdir.trim()).is_dir())
}

/// Adds the target to the default compiler; false if only Debian's can build the component here.
fn can_add_target() -> Result<bool> {
    say(&format!("wasm target: rustup target add {TARGET}"));
    let added = process::output(Command::new("rustup").args(["target", "add", TARGET]));
    let Err(error) = added else {
        return Ok(true);
    };
    ensure!(
        process::program("apt-get").is_some(),
        "{error:#}\nwith network access, run: rustup target add {TARGET}"
    );
    say("wasm target: rustup cannot add it here; Debian's compiler builds the component");
    Ok(false)
}

fn build_with_rustup(package: &str) -> Result<PathBuf> {
    process::run(
        workspace::cargo()
            .args(["build", "--release", "--target", TARGET])
            .args(["--package", package]),
    )?;
    Ok(workspace::target_dir())
}

fn build_with_debian(package: &str) -> Result<PathBuf> {
    // Separate from the other compiler's output, which this one would otherwise rebuild each time.
    let folder = workspace::target_dir().join("debian");
    setup::run("wasm-build", [package.as_ref(), folder.as_os_str()])?;
    Ok(folder)
}

fn built_in(target_dir: &Path, package: &str) -> PathBuf {
    let folder = target_dir.join(TARGET).join("release");
    folder
        .join(package.replace('-', "_"))
        .with_extension("wasm")
}

/// A manifest names one path, whatever target folder Cargo uses.
fn put_in_place(target_dir: &Path, package: &str) -> Result<()> {
    let built = built_in(target_dir, package);
    let place = built_in(&workspace::root().join("target"), package);
    if built == place {
        return Ok(());
    }
    if let Some(dir) = place.parent() {
        fs::create_dir_all(dir)?;
    }
    // Through another name, because the existing file may be in use, or a hard link to a file
    // of Cargo's.
    let unfinished = place.with_extension("unfinished");
    fs::copy(&built, &unfinished)
        .and_then(|_| fs::rename(&unfinished, &place))
        .with_context(|| format!("failed to copy {} to {}", built.display(), place.display()))
}
