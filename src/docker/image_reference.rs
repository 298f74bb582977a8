//! References to images. A value of this type is valid in a path of the Engine API.

use std::fmt;

/// `agent_image`: a reference to an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageReference(String);

impl ImageReference {
    /// The longest name that a registry accepts, with a tag and a digest.
    const CHARS_MAX: usize = 255 + 128 + 72;

    /// Parses `[host[:port]/]name[:tag][@digest]`, or an image's id.
    ///
    /// Only checks for characters that could break out of a path of the Engine API; the
    /// Engine checks the rest of the grammar.
    pub fn parse(text: &str) -> Result<Self, String> {
        let parts_are_whole = text.split('/').all(|part| {
            part.starts_with(|first: char| first.is_ascii_alphanumeric()) && !part.contains("..")
        });
        // The Engine would read an empty tag as all tags.
        let is_reference = text.len() <= Self::CHARS_MAX
            && parts_are_whole
            && !text.ends_with([':', '@'])
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"._-/:@".contains(&byte));
        let problem = "is not an image reference such as registry.example.com/agent:1.2";
        let image = is_reference.then(|| Self(text.to_owned()));
        image.ok_or_else(|| problem.to_owned())
    }

    /// The reference, as in a path.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the reference names a registry: `localhost`, or a host with a dot or a
    /// port. Without one, the Engine would ask a public registry, where anybody can
    /// publish under any name. Newer Engines also take a first part with a capital for a
    /// registry (distribution, `splitDockerDomain`); such an image is not pulled.
    pub fn has_registry(&self) -> bool {
        self.registry().is_some()
    }

    /// The registry that the reference names, if it does.
    pub fn registry(&self) -> Option<&str> {
        let (host, _) = self.0.split_once('/')?;
        (host == "localhost" || host.contains(['.', ':'])).then_some(host)
    }

    /// Whether the reference has a digest, which always names the same content; a
    /// tag can be moved.
    pub fn has_digest(&self) -> bool {
        self.0.contains('@')
    }

    /// Whether the reference names the same content everywhere: by a digest, or as the id
    /// of an image, `sha256:` and 64 digits.
    pub fn is_pinned(&self) -> bool {
        let is_id = self.0.strip_prefix("sha256:").is_some_and(|digits| {
            digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
        });
        self.has_digest() || is_id
    }

    /// The repository, and its digest or tag; the default tag is `latest`, as everywhere
    /// in Docker.
    pub fn repository_and_tag(&self) -> (&str, &str) {
        let (tagged, digest) = match self.0.split_once('@') {
            Some((tagged, digest)) => (tagged, Some(digest)),
            None => (self.0.as_str(), None),
        };
        // A colon before the last slash belongs to the registry's port.
        let name_at = tagged.rfind('/').map_or(0, |slash| slash + 1);
        let (repository, tag) = match tagged[name_at..].find(':') {
            Some(colon) => (&tagged[..name_at + colon], &tagged[name_at + colon + 1..]),
            None => (tagged, "latest"),
        };
        (repository, digest.unwrap_or(tag))
    }
}

impl fmt::Display for ImageReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_reference_has_no_empty_part_and_nothing_that_leaves_its_place_in_a_path() {
        let long = "a".repeat(456);
        for text in [
            "", "a/", "/a", "a//b", "a/../b", "a:", "r:50/a@", "a?b", "é", &long,
        ] {
            ImageReference::parse(text).expect_err(text);
        }
    }

    #[test]
    fn a_registry_is_a_host_before_the_first_slash() {
        let has = |text| ImageReference::parse(text).expect(text).has_registry();
        for text in ["agent", "agent:1", "team/agent", "agent@sha256:00"] {
            assert!(!has(text), "{text}");
        }
        for text in [
            "localhost/agent",
            "registry:5000/agent",
            "r.example.com/agent",
        ] {
            assert!(has(text), "{text}");
        }
    }

    #[test]
    fn a_reference_is_taken_apart_at_its_tag_and_digest() {
        for (text, expected) in [
            ("a", ("a", "latest")),
            ("a:1", ("a", "1")),
            ("r:5000/a", ("r:5000/a", "latest")),
            ("r:5000/a:1", ("r:5000/a", "1")),
            ("r/a@sha256:00", ("r/a", "sha256:00")),
            ("r/a:1@sha256:00", ("r/a", "sha256:00")),
        ] {
            let image = ImageReference::parse(text).expect(text);
            assert_eq!(image.repository_and_tag(), expected, "{text}");
        }
    }
}
