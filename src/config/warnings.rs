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
        if self.profiles.publish() && !address.is_loopback() {
            warnings.push(format!(
                "publish_address is {address}: ports of targets are open to everyone who reaches it, other targets included; restrict that with a firewall"
            ));
        }
        let profiles = self.profiles.all();
        let patterns = profiles.flat_map(|profile| &profile.choosable.images);
        for pattern in patterns.filter_map(ImagePattern::without_digest) {
            warnings.push(format!(
                "images in environments: {pattern} has no digest, so anyone who may push to its registry decides what runs; end it with @sha256:*"
            ));
        }
        let mut profiles = self.profiles.all();
        if profiles
            .any(|profile| profile.body.publishes_all() && !profile.choosable.images.is_empty())
        {
            warnings.push(
                "container_patch or environments: PublishAllPorts is true where a caller may choose the image, so the image decides which ports of the host are open; use ports instead".to_owned(),
            );
        }
        if !self.profiles.limit_processors() {
            warnings.push(
                "container_patch or environments: NanoCpus is null and CpuQuota is not set, so one target can take every processor of the Engine's host; set one of them".to_owned(),
            );
        }
        warnings
    }
}

#[cfg(test)]
mod tests {
    use crate::config::tests::config;

    #[track_caller]
    fn check(changes: &[(&'static str, &'static str)], expected: &[&str]) {
        let warnings = config(changes).warnings();
        assert_eq!(warnings.len(), expected.len(), "{warnings:?}");
        for (warning, beginning) in warnings.iter().zip(expected) {
            assert!(warning.starts_with(beginning), "{warning}");
        }
    }

    #[test]
    fn safe_settings_cause_no_warning() {
        check(&[], &[]);
        check(
            &[
                ("docker_url", "https://engine.example.com:2376"),
                ("docker_plaintext", "allow"),
                ("agent_image", "r.example.com/agent@sha256:0123"),
            ],
            &[],
        );
    }

    #[test]
    fn each_unsafe_setting_is_named() {
        let plain = ("docker_plaintext", "allow");
        let far = ("docker_url", "http://192.0.2.1:2375");
        check(&[far, plain], &["docker_plaintext"]);
        let beyond = ("publish_address", "192.0.2.1");
        let ports = ("ports", r#"{"ssh":22}"#);
        check(&[beyond], &[]);
        check(&[ports], &[]);
        check(&[beyond, ports], &["publish_address is 192.0.2.1"]);
        let patch = |patch| ("container_patch", patch);
        let unlimited = patch(r#"{"HostConfig":{"NanoCpus":null}}"#);
        check(
            &[unlimited],
            &["container_patch or environments: NanoCpus "],
        );
        let quota = patch(r#"{"HostConfig":{"NanoCpus":null,"CpuQuota":50000}}"#);
        check(&[quota], &[]);
        check(&[("token_delivery", "env")], &["token_delivery is env"]);
        let permitted = ("container_patch_unsafe", "allow");
        check(&[permitted], &["container_patch_unsafe"]);
        let all = patch(r#"{"HostConfig":{"PublishAllPorts":true}}"#);
        let chosen = ("environments", r#"{"a":{"images":["local*"]}}"#);
        check(&[all], &[]);
        check(&[chosen], &[]);
        let published = "container_patch or environments: PublishAllPorts ";
        check(&[all, chosen], &[published]);
        let apart = r#"{"a":{"images":["local*"]},"b":{"container_patch":{"HostConfig":{"PublishAllPorts":true}}}}"#;
        check(&[("environments", apart)], &[]);
        check(
            &[
                ("allow_capabilities", "SYS_CHROOT CAP_FSETID"),
                ("allow_volumes", "pip-cache"),
            ],
            &[
                "allow_capabilities has SYS_CHROOT,",
                "allow_capabilities has FSETID,",
                "allow_volumes has pip-cache:",
            ],
        );
        let environments = r#"{"a":{"image":"r.example.com/other","images":["r.example.com/*","local*","r.example.com/*@sha256:*"]},"b":{"image":"local"}}"#;
        check(
            &[
                ("agent_image", "r.example.com/agent:1"),
                ("environments", environments),
            ],
            &[
                "agent_image or environments: r.example.com/agent:1 ",
                "agent_image or environments: r.example.com/other ",
                "images in environments: r.example.com/* ",
            ],
        );
    }
}
