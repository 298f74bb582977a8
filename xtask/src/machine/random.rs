//! Random values: secrets, and names that do not repeat.

use anyhow::{Context, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::machine::workspace::hex;

/// A shared secret as an administrator would type it: 32 random bytes in base64.
pub fn secret() -> Result<String> {
    Ok(STANDARD.encode(bytes::<32>()?))
}

/// Eight random hex digits, for a name of its own.
pub fn suffix() -> Result<String> {
    Ok(hex(&bytes::<4>()?))
}

/// Random bytes from the kernel.
pub fn bytes<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).context("the kernel gives no randomness")?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_differ_and_are_long_enough() {
        let secret_now = secret().expect("there is randomness");
        assert_eq!(secret_now.len(), 44);
        assert_ne!(secret_now, secret().expect("there is randomness"));
    }
}
