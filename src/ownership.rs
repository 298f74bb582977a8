//! The form of a target's owner and of its caller's labels.

const OWNER_CHARS_MAX: usize = 128;

const KEY_CHARS_MAX: usize = 63;
const VALUE_CHARS_MAX: usize = 256;

pub fn is_owner(text: &str) -> bool {
    !text.is_empty() && is_line(text, OWNER_CHARS_MAX)
}

/// Whether a text may be the key of a label. It has no `=`, which would end it in a
/// query.
pub fn is_key(text: &str) -> bool {
    let is_right = |byte: u8| byte.is_ascii_alphanumeric() || b"-._/".contains(&byte);
    (1..=KEY_CHARS_MAX).contains(&text.len()) && text.bytes().all(is_right)
}

pub fn is_value(text: &str) -> bool {
    is_line(text, VALUE_CHARS_MAX)
}

fn is_line(text: &str, max: usize) -> bool {
    text.chars().count() <= max && !text.contains(char::is_control)
}
