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
        let upper = id.to_uppercase();
        let plain = upper.replace('-', "");
        let mixed = "0f1e2d3c-4B5A-6978-8796-a5b4c3d2e1F0";
        for same in [id, &upper, &plain, &plain.to_lowercase(), mixed] {
            assert!(is_same(id, same) && is_same(same, id), "{same}");
        }
        for prefix in ["urn:uuid:", "URN:UUID:"] {
            assert!(is_same(id, &format!("{prefix}{upper}")), "{prefix}");
        }
        assert!(is_same("Staging", "sTAGING") && !is_same("staging", "staging-2"));
        let (shorter, longer) = (&id[..35], format!("{id}x"));
        let (last, moved) = (
            format!("{shorter}1"),
            "0f1e-2d3c4b5a-6978-8796-a5b4c3d2e1f0",
        );
        for other in [shorter, &longer, &last, moved, ""] {
            assert!(!is_same(id, other), "{other}");
        }
    }
}
