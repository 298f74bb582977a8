//! This machine and the checkout on it: programs, packages, processes, addresses, and where files are.

pub mod interrupt;
pub mod ports;
pub mod process;
pub mod random;
pub mod setup;
pub mod workspace;
