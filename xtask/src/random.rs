//! Makes what must not be guessed or must not repeat.

use std::fs::File;
use std::io::Read;

use anyhow::{Context, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::workspace::hex;

/// A shared secret as an administrator would type it: 32 random bytes in base64.
pub fn secret() -> Result<String> {
    Ok(STANDARD.encode(bytes::<32>()?))
}

/// A random UUID (RFC 9562, version 4).
pub fn uuid() -> Result<String> {
    Ok(uuid_of(bytes()?))
}

/// Eight random hex digits, to tell things apart.
pub fn suffix() -> Result<String> {
    Ok(hex(&bytes::<4>()?))
}

/// Random bytes from the kernel.
pub fn bytes<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut bytes))
        .context("failed to read /dev/urandom")?;
    Ok(bytes)
}

fn uuid_of(mut bytes: [u8; 16]) -> String {
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let digits = hex(&bytes);
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
        assert_eq!(uuid_of([0xff; 16]), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert_eq!(uuid_of([0; 16]), "00000000-0000-4000-8000-000000000000");
    }

    #[test]
    fn secrets_differ_and_are_long_enough() {
        let secret_now = secret().expect("there is randomness");
        assert_eq!(secret_now.len(), 44);
        assert_ne!(secret_now, secret().expect("there is randomness"));
    }
}
