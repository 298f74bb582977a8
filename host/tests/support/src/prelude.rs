//! The names that most tests use.

pub use serde_json::{Value, json};

pub use super::at_once::at_once;
pub use super::engine::RealEngine;
pub use super::fake_engine::{FakeEngine, Reply};
pub use super::folder::Folder;
pub use super::http::Answer;
pub use super::members::check_members;
pub use super::own::{Deployment, Own};
pub use super::server::{API, OPERATOR, SECRET, Server, order, order_with, start_body};
pub use super::wait::{wait_for, wait_until, wait_within};
pub use super::{given, shipped, unique};
