//! The contract of BastionZero's Dynamic Access Configurations: request bodies and
//! answers.
//!
//! It does not check who calls, and does not carry out any webhook.

pub mod answer;
pub mod body;
