//! This machine and the checkout on it: packages, randomness, and where files are.

pub mod random;
pub mod setup;
pub mod workspace;
