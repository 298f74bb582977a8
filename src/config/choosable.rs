//! The choices that an environment leaves to its orders: `allow`, `images` and `max`.

use serde_json::Value;

use crate::container::Resources;
use crate::docker::ImageReference;

/// The most patterns of an environment. Each order with an image is compared with all of
/// them.
const PATTERNS_MAX: usize = 64;

/// What an order may choose; nothing by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choosable {
    /// Environment variables.
    pub env: bool,
    /// The command.
    pub command: bool,
    /// The images.
    pub images: Vec<ImagePattern>,
    /// The highest limits. A limit that is absent may not be chosen.
    pub max: Resources,
}

/// Which images an order may choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImagePattern(String);

impl Choosable {
    /// Takes `allow`: a list of words.
    pub fn set_members(&mut self, value: &Value) -> Result<(), String> {
        let problem = || "must be a list of env and command".to_owned();
        for word in value.as_array().ok_or_else(problem)? {
            match word.as_str() {
                Some("env") => self.env = true,
                Some("command") => self.command = true,
                _ => return Err(problem()),
            }
        }
        Ok(())
    }

    /// Takes `images`: a list of patterns.
    pub fn set_images(&mut self, value: &Value) -> Result<(), String> {
        let problem = || {
            format!(
                "must be a list of at most {PATTERNS_MAX} image references, in which * stands for a part without /, : and @, and no registry has a *"
            )
        };
        let entries = value.as_array().filter(|all| all.len() <= PATTERNS_MAX);
        let patterns = entries.ok_or_else(problem)?.iter().map(|entry| {
            let pattern = entry.as_str()?;
            // With a star there, callers could name a registry of their own.
            let first = pattern.split_once('/').map_or("", |(first, _)| first);
            if first.contains('*') {
                return None;
            }
            // A reference of the same form, without stars.
            let example = pattern.replace('*', "x");
            ImageReference::parse(&example).ok()?;
            Some(ImagePattern(pattern.to_owned()))
        });
        self.images = patterns.collect::<Option<_>>().ok_or_else(problem)?;
        Ok(())
    }

    /// Whether an order may choose this image. A star matches no id, because an id can be
    /// that of any image on the Engine. An Engine takes a word of hex digits for the
    /// beginning of an id if no image has that name.
    pub fn has_image(&self, image: &ImageReference) -> bool {
        let text = image.as_str();
        let may_be_id =
            text.starts_with("sha256:") || text.bytes().all(|byte| byte.is_ascii_hexdigit());
        self.images.iter().any(|pattern| match may_be_id {
            true => pattern.0 == text,
            false => pattern.matches(image),
        })
    }
}

impl ImagePattern {
    /// The operator's pattern, if it lets anyone who may push to the registry decide what
    /// runs.
    pub fn without_digest(&self) -> Option<&str> {
        let example = ImageReference::parse(&self.0.replace('*', "x")).ok()?;
        (example.has_registry() && !example.has_digest()).then_some(&*self.0)
    }

    /// Whether a whole reference has this form. A star stands for any characters except
    /// `/`, `:` and `@`, so never for another registry, folder, tag or digest.
    fn matches(&self, image: &ImageReference) -> bool {
        let (pattern, text) = (self.0.as_bytes(), image.as_str().as_bytes());
        let (mut at, mut read) = (0, 0);
        // After a mismatch, the last star takes one more character. An earlier star need
        // not: the text after it was matched as early as possible.
        let mut last_star = None;
        while read < text.len() {
            match pattern.get(at) {
                Some(b'*') => {
                    at += 1;
                    last_star = Some((at, read));
                }
                Some(byte) if *byte == text[read] => {
                    at += 1;
                    read += 1;
                }
                _ => match last_star {
                    Some((after, taken)) if !b"/:@".contains(&text[taken]) => {
                        (at, read) = (after, taken + 1);
                        last_star = Some((after, read));
                    }
                    _ => return false,
                },
            }
        }
        pattern[at..].iter().all(|byte| *byte == b'*')
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Checks which images a pattern takes and refuses; spaces separate them.
    #[track_caller]
    fn check(pattern: &str, taken: &str, refused: &str) {
        let mut choosable = Choosable::default();
        choosable.set_images(&json!([pattern])).expect("a pattern");
        for (images, expected) in [(taken, true), (refused, false)] {
            for image in images.split_whitespace() {
                let reference = ImageReference::parse(image).expect("an image");
                let found = choosable.has_image(&reference);
                assert_eq!(found, expected, "{pattern} {image}");
            }
        }
    }

    #[test]
    fn a_pattern_is_compared_with_the_whole_reference() {
        check(
            "r.test/team/*@sha256:*",
            "r.test/team/a@sha256:01 r.test/team/a-b.c@sha256:f",
            "r.test/team/a r.test/team/a:1@sha256:01 r.test/team/a/b@sha256:01
             r.test/team2/a@sha256:01 r.test/team/a@sha512:01 R.test/team/a@sha256:01
             evil.test/r.test/team/a@sha256:01 r.test:5000/team/a@sha256:01",
        );
        check("r.test/a", "r.test/a", "r.test/ab r.test/a:1");
        check("r.test/a:1.*", "r.test/a:1.2", "r.test/a:12 r.test/a");
        check("local-*", "local-1", "local r.test/local-1 local-1:2");
        check("x*y*z", "xyz xAyByz xyyzz", "xy xzy xyzd x/yz xy/z");
        check("x/*:*", "x/b:c", "x/b y/b:c x/b/c:d");
        let id = format!("sha256:{}", "0123456789abcdef".repeat(4));
        check("*:*", "a:1", &id);
        check(&id, &id, "a:1");
        // An Engine also finds an image by its id without `sha256:`, and by its beginning.
        check("*", "a1-x", &format!("f00dfeed1234 {}", &id[7..]));
        check("f00d*", "f00d-x", "f00dfeed1234");
        check("f00d", "f00d", "f00");
    }
}
