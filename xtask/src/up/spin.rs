//! The Spin CLI, if it is installed.

use std::process::Command;

use dev::process;

/// The oldest Spin that runs the component. Older ones accept only one or two versions in the name
/// of its export, `wasi:http/incoming-handler@0.2.…`.
const OLDEST: (u32, u32) = (3, 1);

/// Where to get one.
pub const INSTALL: &str = "https://spinframework.dev/install";

/// The version of the installed Spin, if there is one, or why it does not run the component.
pub type Spin = Result<Option<String>, String>;

/// Asks the Spin on the PATH for its version.
pub fn installed() -> Spin {
    let version = process::output(Command::new("spin").arg("--version"));
    version.map_or(Ok(None), |version| of_version(version.trim()))
}

/// The Spin with this version, such as `spin 3.0.0 (abcdef1 2024-11-08)`. One that cannot be
/// parsed counts as usable.
fn of_version(version: &str) -> Spin {
    let number = version.split(' ').nth(1).unwrap_or_default();
    let mut parts = number.split('.').map(|part| part.parse().ok());
    match (parts.next().flatten(), parts.next().flatten()) {
        (Some(major), Some(minor)) if (major, minor) < OLDEST => Err(format!(
            "{version} is older than {}.{} and does not load the component",
            OLDEST.0, OLDEST.1
        )),
        _ => Ok(Some(version.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spin_that_does_not_load_the_component_is_too_old() {
        for version in ["spin 2.7.0 (a111111 2024-08-14)", "spin 3.0.0 (b222222)"] {
            of_version(version).expect_err(version);
        }
        for version in [
            "spin 3.1.0 (c333333 2024-12-18)",
            "spin 3.10.1 (d444444)",
            "spin 4.1.0-pre0 (e555555)",
            "canary",
            "",
        ] {
            assert_eq!(of_version(version), Ok(Some(version.to_owned())));
        }
    }
}
