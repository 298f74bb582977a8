//! Builds the image of a folder in `examples/`, which has that folder's name.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use dev::docker::Docker;
use dynamic_access_admin::progress::timed;

use super::{base, docker_build};
use crate::machine::workspace;

/// An example: a folder with a Dockerfile, and with the environment that runs its image.
pub struct Example {
    /// The name of its folder, its image and its environment.
    name: String,
    dir: PathBuf,
}

impl Example {
    pub fn of(name: &str) -> Result<Self> {
        let dir = workspace::root().join("examples").join(name);
        ensure!(
            dir.join("Dockerfile").is_file(),
            "examples/{name}/Dockerfile is missing; the examples are the folders that have one"
        );
        Ok(Self {
            name: name.to_owned(),
            dir,
        })
    }

    fn all() -> Result<Vec<Self>> {
        let folders = fs::read_dir(workspace::root().join("examples"))?;
        let names = folders.filter_map(|folder| folder.ok()?.file_name().into_string().ok());
        let mut examples: Vec<_> = names.filter_map(|name| Self::of(&name).ok()).collect();
        examples.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        Ok(examples)
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

    /// Builds the image; the Engine reuses the layers that have not changed.
    pub fn ensure(&self, docker: &Docker) -> Result<()> {
        let base = base::ensure(docker)?;
        // A private Engine's bridge does not lead to Debian's packages.
        let options = ["--network", "host"];
        timed(&format!("example: build the image {}", self.name), || {
            docker_build(docker, &self.name, base, &options, &self.dir)
        })
        .with_context(|| format!("the image of examples/{} cannot be built", self.name))
    }

    /// The contents of its files, without those for people.
    fn files(&self) -> Result<Vec<u8>> {
        let is_of_image =
            |file: &PathBuf| file.is_file() && file.extension() != Some("md".as_ref());
        let files = fs::read_dir(&self.dir)?.flatten().map(|file| file.path());
        let mut files: Vec<_> = files.filter(is_of_image).collect();
        files.sort_unstable();
        let contents = files.iter().map(fs::read).collect::<Result<Vec<_>, _>>()?;
        Ok(contents.concat())
    }
}

/// The folder that has, for each example, a folder with an archive of its image. They outlive the Engine, so packages are
/// downloaded once.
pub fn archives(docker: &Docker) -> Result<PathBuf> {
    const FOLDER: &str = "example-images";
    for example in Example::all()? {
        let folder = format!("{FOLDER}/{}", example.name);
        workspace::kept(&folder, &example.files()?, |folder| {
            example.ensure(docker)?;
            docker.save_image(&example.name, &folder.join("image.tar"))
        })?;
    }
    Ok(workspace::cache_dir().join(FOLDER))
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
