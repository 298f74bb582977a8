//! Whole numbers as text.

use std::str::FromStr;

/// Parses a number of decimal digits only. The standard `parse` accepts a sign as well.
pub fn parse<T: FromStr>(digits: &str) -> Option<T> {
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| is_number)
}
