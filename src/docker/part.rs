//! The parts in which a long list is read.

use serde_json::{Value, json};

use super::{DeploymentId, label};

/// A part of a deployment: the targets, tasks and secrets whose names have digits that
/// begin with these. The digits are those of a digest or of a random attempt, so parts
/// with the same number of digits are about the same size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part(String);

impl Part {
    /// The most digits. With 10,000 targets, a part then has less than one on average, and
    /// no target fills a reply.
    const DIGITS_MAX: usize = 4;

    /// All of it.
    pub fn whole() -> Self {
        Self(String::new())
    }

    /// Its sixteen parts; none if it cannot be divided further.
    pub fn parts(&self) -> Vec<Self> {
        let is_divisible = self.0.len() < Self::DIGITS_MAX;
        let digits = "0123456789abcdef".chars().filter(|_| is_divisible);
        digits
            .map(|digit| Self(format!("{}{digit}", self.0)))
            .collect()
    }

    /// The filter for its objects with these labels too. `before` stands before the
    /// beginning of their names: the filter of containers is a regular expression, others
    /// take beginnings. The label alone selects the whole.
    pub(super) fn filter(
        &self,
        deployment: &DeploymentId,
        more: &[(&str, &str)],
        before: &str,
    ) -> Value {
        let deployment = deployment.as_str();
        let mut filter = label::filter(&[&[(label::DEPLOYMENT, deployment)], more].concat());
        if !self.0.is_empty() {
            filter["name"] = json!([format!("{before}{deployment}-{}", self.0)]);
        }
        filter
    }
}
