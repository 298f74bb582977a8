//! Who calls: a role, known from the variable that holds the secret.

use std::fmt;

/// A role of callers, by the variable that has their secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// `webhook_secret`: BastionZero, which calls the webhooks.
    Webhook,
    /// `api_secret`: a program that starts and stops targets.
    Api,
    /// `operator_secret`: a person or a scraper, who only reads.
    Operator,
}

impl Role {
    pub const ALL: [Self; 3] = [Self::Webhook, Self::Api, Self::Operator];

    pub fn variable(self) -> &'static str {
        match self {
            Self::Webhook => "webhook_secret",
            Self::Api => "api_secret",
            Self::Operator => "operator_secret",
        }
    }
}

/// Who calls: which secret of which variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller {
    pub role: Role,
    /// The secret's place in it, from 1.
    pub position: usize,
}

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.role.variable(), self.position)
    }
}
