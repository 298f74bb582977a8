//! The findings of a doctor, and their output. This crate examines a deployed server, and `cargo xtask doctor` a machine
//! and its Engine.

pub mod answers;
pub mod remote;
mod webhook;

use std::process::ExitCode;

use clap::Args;

/// The environment of a target that gets the defaults of the server's variables.
pub const NO_ENVIRONMENT: &str = "dynamic-access-doctor";

/// Where BastionZero's agents register.
pub const SERVICE_URL: &str = "https://cloud.bastionzero.com";

/// Whether to start a target, and with which order.
#[derive(Args)]
pub struct StartArguments {
    /// Start a target, with a token that no service knows, and remove it
    #[arg(long)]
    pub start: bool,
    /// Where the agent of that target tries to register
    #[arg(long, value_name = "URL", requires = "start", default_value = SERVICE_URL)]
    pub service_url: String,
    /// Start the target in this environment, with its entry in `environments`
    #[arg(long, value_name = "ID")]
    pub environment_id: Option<String>,
}

/// The finding of one check.
#[derive(Debug, PartialEq, Eq)]
pub struct Finding {
    /// The result.
    pub state: State,
    /// What was found.
    pub text: String,
    /// How to fix it; empty if all is fine.
    pub fix: String,
}

/// The result of a check, by what the reader has to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// All is well.
    Fine,
    /// It is missing, but not needed here, or set up when needed.
    Absent,
    /// It is missing.
    Missing,
    /// It cannot be judged from here, or is only partly right: a person should look.
    Unsure,
    /// It is wrong.
    Wrong,
}

impl State {
    /// The finding of a check with this result.
    pub fn finding(self, text: impl Into<String>, fix: impl Into<String>) -> Finding {
        Finding {
            state: self,
            text: text.into(),
            fix: fix.into(),
        }
    }
}

impl Finding {
    /// The finding of a check that found no fault.
    pub fn fine(text: impl Into<String>) -> Self {
        State::Fine.finding(text, "")
    }

    fn print(&self) {
        let word = match self.state {
            State::Fine => "ok",
            State::Absent => "absent",
            State::Missing => "MISSING",
            State::Unsure => "unsure",
            State::Wrong => "WRONG",
        };
        println!("{word:8} {}", self.text);
        if self.state != State::Fine {
            println!("         {}", self.fix);
        }
    }
}

/// Prints findings, and fails if anything is missing or wrong.
#[must_use]
pub fn tell(findings: &[Finding]) -> ExitCode {
    findings.iter().for_each(Finding::print);
    let mut states = findings.iter().map(|finding| finding.state);
    match states.any(|state| matches!(state, State::Missing | State::Wrong)) {
        true => ExitCode::FAILURE,
        false => ExitCode::SUCCESS,
    }
}

/// The first of a caller's secrets: while they are rotated, there are several, separated by spaces.
#[must_use]
pub fn first_secret(secrets: &str) -> &str {
    secrets.split_whitespace().next().unwrap_or_default()
}

/// The command that removes a container that a doctor has left.
#[must_use]
pub fn how_to_remove(id: &str) -> String {
    format!("docker rm --force --volumes {id}")
}
