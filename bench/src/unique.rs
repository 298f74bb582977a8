//! Names that have not been used before.

/// Sixteen random hex digits.
pub fn digits() -> String {
    format!("{:016x}", fastrand::u64(..))
}

/// A name as long as `name`, with other digits at its end.
pub fn name_like(name: &str) -> String {
    let digits = digits();
    let kept = name.len().saturating_sub(digits.len());
    format!("{}{digits}", &name[..kept])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_differ_and_are_as_long_as_their_model() {
        let model = "bench-0123456789abcdef0123456789abcdef01234567";
        let (one, other) = (name_like(model), name_like(model));
        assert_ne!(one, other);
        assert_eq!(one.len(), model.len());
        assert!(one.starts_with("bench-"));
    }
}
