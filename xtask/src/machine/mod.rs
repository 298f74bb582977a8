//! This machine and the checkout on it: packages, and where files are.

pub mod setup;
pub mod workspace;
