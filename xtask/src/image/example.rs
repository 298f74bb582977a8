//! Builds the image of a folder in `examples/`, which has that folder's name.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use dev::docker::Docker;
use dynamic_access_admin::progress::timed;
use sha2::{Digest, Sha256};

use super::{base, docker_build};
use crate::machine::workspace;

/// An example: a folder with a Dockerfile, and with the environment that runs its image.
pub struct Example {
    /// The name of its folder, its image and its environment.
    pub name: String,
    dir: PathBuf,
}

impl Example {
    /// The example with this name.
    pub fn of(name: &str) -> Result<Self> {
        let dir = workspace::root().join("examples").join(name);
        if !dir.join("Dockerfile").is_file() {
            bail!(
                "examples/{name}/Dockerfile is missing; the examples are the folders that have one"
            );
        }
        Ok(Self {
            name: name.to_owned(),
            dir,
        })
    }

    /// Every example.
    pub fn all() -> Result<Vec<Self>> {
        let folders = fs::read_dir(workspace::root().join("examples"))?;
        let names = folders.filter_map(|folder| folder.ok()?.file_name().into_string().ok());
        Ok(names.filter_map(|name| Self::of(&name).ok()).collect())
    }

    /// The server's variable `environments` for it.
    pub fn environments(&self) -> Result<String> {
        let file = self.dir.join("environments.json");
        fs::read_to_string(&file).with_context(|| file.display().to_string())
    }

    /// Where a person reads on once the server runs.
    pub fn next_step(&self) -> String {
        format!(
            "examples/{}/README.md goes on from here, in another terminal. Its commands take the API's header from the file api-header.",
            self.name
        )
    }

    /// Builds the image, of which the Engine keeps what has not changed.
    pub fn ensure(&self, docker: &Docker) -> Result<()> {
        let base = base::ensure(docker)?;
        // A private Engine's bridge does not lead to Debian's packages.
        let options = ["--network", "host"];
        timed(&format!("example: build the image {}", self.name), || {
            docker_build(docker, &self.name, base, &options, &self.dir)
        })
        .with_context(|| format!("the image of examples/{} cannot be built", self.name))
    }

    /// Puts the image into an archive in `folder`, unless an earlier run has. The archive outlives the Engine, and its
    /// packages are downloaded once.
    pub fn keep(&self, docker: &Docker, folder: &Path) -> Result<()> {
        fs::create_dir_all(folder)?;
        let archive = folder.join(format!("{}.tar", self.name));
        let told = folder.join(format!("{}.inputs", self.name));
        let inputs = self.inputs()?;
        if archive.exists() && fs::read_to_string(&told).is_ok_and(|kept| kept == inputs) {
            return Ok(());
        }
        self.ensure(docker)?;
        // Renamed last, because a run may be killed, and another one may read it.
        let unfinished = archive.with_extension(std::process::id().to_string());
        let file = unfinished.to_str().context("the build folder's path")?;
        docker.save_image(&self.name, file)?;
        fs::rename(&unfinished, &archive)?;
        Ok(fs::write(&told, inputs)?)
    }

    /// A digest of the Dockerfile and of the files that it names.
    fn inputs(&self) -> Result<String> {
        let read = |file: &Path| fs::read(file).with_context(|| file.display().to_string());
        let dockerfile = read(&self.dir.join("Dockerfile"))?;
        let text = String::from_utf8_lossy(&dockerfile);
        let is_named = |file: &PathBuf| {
            let name = file.file_name().and_then(|name| name.to_str());
            name.is_some_and(|name| text.contains(name))
        };
        let files = fs::read_dir(&self.dir)?.flatten().map(|file| file.path());
        let mut files: Vec<_> = files.filter(is_named).collect();
        files.sort_unstable();
        // A digest of digests: no two lists of contents then share one.
        let mut digest = Sha256::new_with_prefix(Sha256::digest(&dockerfile));
        for file in &files {
            digest.update(Sha256::digest(read(file)?));
        }
        Ok(format!("{:x}", digest.finalize()))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn each_example_has_an_environment_that_runs_its_image() {
        let examples = Example::all().expect("the checkout has examples");
        assert!(!examples.is_empty());
        for example in examples {
            let text = example.environments().expect("a file");
            let environments: Value = serde_json::from_str(&text).expect("JSON");
            let environments = environments.as_object().expect("an object");
            let names: Vec<_> = environments.keys().collect();
            assert_eq!(names, [&example.name]);
            assert_eq!(environments[&example.name]["image"], *example.name);
        }
    }

    #[test]
    fn a_folder_without_a_dockerfile_is_no_example() {
        for name in ["no-such-example", "..", ""] {
            assert!(Example::of(name).is_err(), "{name}");
        }
    }
}
