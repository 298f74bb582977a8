//! Targets as a resource, for callers other than BastionZero: the bodies and answers of
//! `/v1`.
//!
//! Neither checks who calls, nor does any work.

pub mod answer;
pub mod body;
