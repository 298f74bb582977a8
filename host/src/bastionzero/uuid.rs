//! Makes the ids and tokens of BastionZero, which are UUIDs.

use std::fs::File;
use std::io::{self, Read};

/// A random UUID (RFC 9562, version 4).
///
/// # Errors
///
/// When the kernel gives no randomness.
pub fn uuid() -> io::Result<String> {
    let mut bytes = [0; 16];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(uuid_of(u128::from_be_bytes(bytes)))
}

fn uuid_of(bits: u128) -> String {
    let version = 0x4 << 76;
    let variant = 0x8 << 60;
    let bits = bits & !(0xf << 76) & !(0xc << 60) | version | variant;
    let digits = format!("{bits:032x}");
    [
        &digits[..8],
        &digits[8..12],
        &digits[12..16],
        &digits[16..20],
        &digits[20..],
    ]
    .join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_carries_its_version_and_variant() {
        assert_eq!(uuid_of(u128::MAX), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert_eq!(uuid_of(0), "00000000-0000-4000-8000-000000000000");
    }

    #[test]
    fn no_two_are_alike() {
        assert_ne!(uuid().unwrap(), uuid().unwrap());
    }
}
