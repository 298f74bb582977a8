//! Randomness from the kernel, for secrets, and for names that do not repeat.

use anyhow::{Context, Result};

/// Random bytes.
///
/// # Errors
///
/// If the kernel gives none.
pub fn bytes<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).context("the kernel gives no randomness")?;
    Ok(bytes)
}

/// As many random bytes, as hex digits in lower case.
///
/// # Errors
///
/// See [`bytes`].
pub fn hex<const N: usize>() -> Result<String> {
    let bytes = bytes::<N>()?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
