//! The ids of environments: which texts are valid, and which are the same.

use uuid::Uuid;

/// The longest id. BastionZero's ids have 36 characters.
const CHARS_MAX: usize = 128;

/// Whether a text can be an id in a request or a key of `environments`.
pub fn is_id(text: &str) -> bool {
    is_word(text, CHARS_MAX)
}

/// Whether two ids mean the same environment.
///
/// A UUID has several spellings: in capitals, without dashes, after `urn:uuid:` (RFC
/// 9562, section 4). No spelling may escape from the limits of its environment. For the
/// same reason, other ids, which callers choose, are compared without regard to case.
pub fn is_same(one: &str, other: &str) -> bool {
    canonical(one) == canonical(other)
}

/// One spelling for all ids that mean the same environment.
pub fn canonical(id: &str) -> String {
    let id = id.to_ascii_lowercase();
    match Uuid::try_parse(&id) {
        Ok(uuid) => uuid.to_string(),
        Err(_) => id,
    }
}

/// Whether the text has only letters, digits and the punctuation of tokens and ids. It
/// must begin with a letter or digit: a program would take a text that begins with a dash
/// for an option.
pub fn is_word(text: &str, chars_max: usize) -> bool {
    text.len() <= chars_max
        && text.starts_with(|first: char| first.is_ascii_alphanumeric())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/=:".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_the_same_in_every_spelling() {
        let id = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0";
        for same in [
            id,
            "0F1E2D3C-4B5A-6978-8796-A5B4C3D2E1F0",
            "0f1e2d3c-4B5A-6978-8796-a5b4c3d2e1F0",
            "0f1e2d3c4b5a69788796a5b4c3d2e1f0",
            "0F1E2D3C4B5A69788796A5B4C3D2E1F0",
            "urn:uuid:0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0",
            "URN:UUID:0F1E2D3C-4B5A-6978-8796-A5B4C3D2E1F0",
        ] {
            assert!(is_same(id, same) && is_same(same, id), "{same}");
        }
        assert!(is_same("Staging", "sTAGING"));
        for other in [
            "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f1",
            "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f",
            "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0x",
            "0f1e-2d3c4b5a-6978-8796-a5b4c3d2e1f0",
            "",
        ] {
            assert!(!is_same(id, other), "{other}");
        }
        assert!(!is_same("staging", "staging-2"));
    }
}
