//! Settings that are allowed but unsafe.

use super::Config;
use super::choosable::ImagePattern;
use super::values::TokenDelivery;
use crate::container::Isolation;

impl Config {
    /// One sentence for each unsafe setting. It names the variable and contains no
    /// secret.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.docker_url.is_plaintext_beyond_loopback() {
            warnings.push(
                "docker_plaintext is allow and docker_url is plain http: anyone between this server and the Engine can become root on the Engine's host; use https".to_owned(),
            );
        }
        if self.isolation == Isolation::GivenUp {
            warnings.push(
                "container_patch_unsafe is allow: a patch may give targets control of the Engine's host; set it to refuse".to_owned(),
            );
        }
        if self.token_delivery == TokenDelivery::Env {
            warnings.push(
                "token_delivery is env: anyone who may inspect a target's container can read its token; use file if the image can read one".to_owned(),
            );
        }
        for name in &self.allowed.capabilities {
            warnings.push(format!(
                "allow_capabilities has {name}, which an agent does not need: a patch may give it to targets; leave it out if no image needs it"
            ));
        }
        for name in &self.allowed.volumes {
            warnings.push(format!(
                "allow_volumes has {name}: targets that mount it read and change each other's files in it, which outlive the targets; leave it out if no patch mounts it"
            ));
        }
        // An image without a registry is only on the Engine, where nobody can push
        // another one under its name.
        for image in self.profiles.images() {
            if image.has_registry() && !image.has_digest() {
                warnings.push(format!(
                    "agent_image or environments: {image} has no digest, so anyone who may push to its registry decides what runs; add @sha256:…"
                ));
            }
        }
        let address = self.publication.address;
        let profiles = || self.profiles.all();
        if profiles().any(|profile| !profile.ports.is_empty()) && !address.is_loopback() {
            warnings.push(format!(
                "publish_address is {address}: ports of targets are open to everyone who reaches it, other targets included; restrict that with a firewall"
            ));
        }
        let patterns = profiles().flat_map(|profile| &profile.choosable.images);
        for pattern in patterns.filter_map(ImagePattern::without_digest) {
            warnings.push(format!(
                "images in environments: {pattern} has no digest, so anyone who may push to its registry decides what runs; end it with @sha256:*"
            ));
        }
        if profiles()
            .any(|profile| profile.body.publishes_all() && !profile.choosable.images.is_empty())
        {
            warnings.push(
                "container_patch or environments: PublishAllPorts is true where a caller may choose the image, so the image decides which ports of the host are open; use ports instead".to_owned(),
            );
        }
        if !profiles().all(|profile| profile.body.limits_processors()) {
            warnings.push(
                "container_patch or environments: NanoCpus is null and CpuQuota is not set, so one target can take every processor of the Engine's host; set one of them".to_owned(),
            );
        }
        warnings
    }
}
