//! What is made on an Engine for targets, and removed again.

pub mod network;
pub mod own_containers;
