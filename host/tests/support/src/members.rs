//! Parts of JSON that a test knows.

use serde_json::Value;

/// Checks that an object has these members with these values; it may have more.
#[track_caller]
pub fn check_members(shown: &Value, expected: &Value) {
    let expected = expected.as_object().expect("an object").iter();
    let wrong: Vec<_> = expected
        .filter(|(key, expected)| shown[*key] != **expected)
        .map(|(key, expected)| format!("{key}: {}, not {expected}", shown[key]))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?} in {shown}");
}
