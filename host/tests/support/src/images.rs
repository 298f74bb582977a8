//! The images of a real Engine.

use bollard::body_full;
use bollard::errors::Error;
use bollard::models::ContainerConfig;
use bollard::query_parameters::{
    CommitContainerOptionsBuilder, CreateImageOptionsBuilder, PushImageOptionsBuilder,
    RemoveImageOptionsBuilder,
};
use futures_util::TryStreamExt;

use super::engine::RealEngine;
use super::registry::Registry;

impl RealEngine {
    /// Makes an image with the tag `1` of a root file system, which is an archive.
    #[track_caller]
    pub fn import_image(&self, repository: &str, archive: Vec<u8>) {
        let options = CreateImageOptionsBuilder::new()
            .from_src("-")
            .repo(repository)
            .tag("1")
            .build();
        let archive = Some(body_full(archive.into()));
        let create = async |docker: &bollard::Docker| {
            let told = docker.create_image(Some(options), archive, None);
            told.try_collect::<Vec<_>>().await
        };
        self.ask(create);
    }

    /// Makes an image of a container, with this entrypoint and changed by lines of a Dockerfile, if
    /// there are any, and returns its id.
    #[track_caller]
    pub fn commit(
        &self,
        container: &str,
        repository: &str,
        entrypoint: &[&str],
        line: &str,
    ) -> String {
        let entrypoint: Vec<_> = entrypoint.iter().map(ToString::to_string).collect();
        let config = ContainerConfig {
            entrypoint: (!entrypoint.is_empty()).then_some(entrypoint),
            ..ContainerConfig::default()
        };
        let mut options = CommitContainerOptionsBuilder::new()
            .container(container)
            .repo(repository);
        if !line.is_empty() {
            options = options.changes(line);
        }
        let options = options.build();
        self.ask(async |docker| docker.commit_container(options, config).await)
            .id
    }

    /// Pushes the tag `1` of a repository, and returns its digest.
    ///
    /// A push shows it in words, wherever the Engine keeps its images:
    /// `1: digest: sha256:… size: …`.
    #[track_caller]
    pub fn push_image(&self, repository: &str, registry: &Registry) -> String {
        let options = PushImageOptionsBuilder::new().tag("1").build();
        let credentials = Some(registry.credentials());
        let told = self.ask(async |docker| {
            let told = docker.push_image(repository, Some(options), credentials);
            told.try_collect::<Vec<_>>().await
        });
        let digest = told.iter().find_map(|told| {
            let (_, rest) = told.status.as_ref()?.split_once("digest: ")?;
            rest.split(' ').next()
        });
        digest.unwrap_or_else(|| panic!("{told:?}")).to_owned()
    }

    /// Removes an image, whoever uses it.
    pub fn try_remove_image(&self, name: &str) -> Result<(), Error> {
        let options = Some(RemoveImageOptionsBuilder::new().force(true).build());
        self.try_ask(async |docker| docker.remove_image(name, options, None).await)
            .map(drop)
    }
}
