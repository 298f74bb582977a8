//! Whole numbers as text.

use std::str::FromStr;

/// Parses a number of decimal digits only. The standard `parse` accepts a sign as well.
pub fn parse<T: FromStr>(digits: &str) -> Option<T> {
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| is_number)
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_number_has_digits_and_no_sign() {
        assert_eq!(super::parse("065535"), Some(65535_u16));
        for text in ["", "+1", "-1", " 1", "1 ", "1.0", "65536", "١"] {
            assert_eq!(super::parse::<u16>(text), None, "{text}");
        }
    }
}
