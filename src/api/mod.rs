//! Targets as a resource, for callers other than BastionZero: bodies and answers of
//! `/v1`.
//!
//! It does not check who calls, and does not carry out anything.

pub mod answer;
pub mod body;
