//! Builds the component, and installs a compiler for it if there is none.
//!
//! `rustup` installs the target if it can. Where only package registries can be
//! reached, Debian's own compiler builds the standard library for the target.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use dev::process;

use crate::machine::{setup, workspace};
use dynamic_access_admin::progress::{say, timed};

/// The target of the component.
pub const TARGET: &str = "wasm32-wasip2";

/// A package that is built into a component.
#[derive(Debug, Clone, Copy)]
struct Package {
    name: &'static str,
    file: &'static str,
}

const COMPONENT: Package = Package {
    name: "dynamic-access",
    file: "dynamic_access.wasm",
};

const HELLO: Package = Package {
    name: "dynamic-access-bench-hello",
    file: "dynamic_access_bench_hello.wasm",
};

/// The component as `spin.toml` names it.
pub fn component() -> PathBuf {
    COMPONENT.place()
}

/// Builds the component with the first compiler that is found.
pub fn build() -> Result<()> {
    build_package(COMPONENT, "component: build")
}

/// Builds the hello world that the bench measures beside the component.
pub fn build_hello() -> Result<()> {
    build_package(HELLO, "hello world: build")
}

fn build_package(package: Package, what: &str) -> Result<()> {
    let has_target = has_target() || can_add_target()?;
    timed(what, || {
        let target_dir = match has_target {
            true => build_with_rustup(package)?,
            false => build_with_debian(package)?,
        };
        package.put_in_place(&target_dir)
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
    if process::program("apt-get").is_none() {
        bail!("{error:#}\nwith network access, run: rustup target add {TARGET}");
    }
    say("wasm target: rustup cannot add it here; Debian's compiler builds the component");
    Ok(false)
}

fn build_with_rustup(package: Package) -> Result<PathBuf> {
    process::run(
        workspace::cargo()
            .args(["build", "--release", "--target", TARGET])
            .args(["--package", package.name]),
    )?;
    Ok(workspace::target_dir())
}

fn build_with_debian(package: Package) -> Result<PathBuf> {
    // Separate from the other compiler's output, which this one would otherwise rebuild each time.
    let folder = workspace::target_dir().join("debian");
    setup::run("wasm-build", [package.name.as_ref(), folder.as_os_str()])?;
    Ok(folder)
}

impl Package {
    /// Where `spin.toml` expects it.
    fn place(self) -> PathBuf {
        self.built_in(&workspace::root().join("target"))
    }

    fn built_in(self, target_dir: &Path) -> PathBuf {
        target_dir.join(TARGET).join("release").join(self.file)
    }

    /// A manifest names one path, whatever target folder Cargo uses.
    fn put_in_place(self, target_dir: &Path) -> Result<()> {
        let built = self.built_in(target_dir);
        let place = self.place();
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
            .with_context(|| {
                format!("failed to copy {} to {}", built.display(), place.display())
            })?;
        Ok(())
    }
}
