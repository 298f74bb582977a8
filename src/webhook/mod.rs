//! The contract of BastionZero's Dynamic Access Configurations: request bodies and
//! answers.
//!
//! Neither checks who calls, nor carries out a webhook.

pub mod answer;
pub mod body;
