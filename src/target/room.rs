//! Whether there is room for a target that is created already.
//!
//! Whoever starts a container has counted after creating it, so of those who
//! could exceed a limit together at least the last one sees it.
//!
//! An Engine takes 0.2 ms to list a container, so thousands of them take longer
//! than the start. Where there may be as many, one of the sixteen shares is
//! counted first: see [`share_max`].

use crate::config::Config;
use crate::docker::create::Container;
use crate::docker::label;
use crate::docker::list::Listed;
use crate::error::Error;
use crate::reaper::is_live;

/// Below this `max_targets` all targets are listed faster than a token is
/// written, and a share would say little.
const SHARES_FROM: usize = 1000;

/// How many shares there are: see [`label::SHARE`].
const SHARES: usize = 16;

/// How many targets there may be, and which of them are counted first.
pub struct Room<'a> {
    config: &'a Config,
    container: &'a Container<'a>,
    /// The most that the container's share may hold to show that there is
    /// room; `None` where a share cannot show it.
    share_max: Option<usize>,
}

impl<'a> Room<'a> {
    /// The room for a container.
    pub fn of(config: &'a Config, container: &'a Container<'a>) -> Self {
        // How many of an environment there are, a share does not tell.
        let is_shared = container.profile.max_targets.is_none();
        Self {
            config,
            container,
            share_max: share_max(config.max_targets).filter(|_| is_shared),
        }
    }

    /// The share that is counted first, or all.
    pub fn share(&self) -> Option<&'a str> {
        self.share_max.map(|_| self.container.name.share())
    }

    /// Whether the first list shows on its own that there is room.
    ///
    /// # Errors
    ///
    /// [`Error::TooManyTargets`], if that list was of all.
    pub fn is_shown_by(&self, listed: &[Listed]) -> Result<bool, Error> {
        match self.share_max {
            Some(most) => Ok(live(listed).count() <= most),
            None => self.check(listed).map(|()| true),
        }
    }

    /// Whether all that there are leave room.
    ///
    /// # Errors
    ///
    /// [`Error::TooManyTargets`].
    pub fn check(&self, all: &[Listed]) -> Result<(), Error> {
        let max = self.config.max_targets;
        if live(all).count() > max {
            return Err(Error::TooManyTargets {
                max,
                of: "of all environments",
            });
        }
        let environment = &self.container.order.environment_id;
        let neighbours = live(all)
            .filter(|found| found.label(label::ENVIRONMENT_ID) == Some(environment))
            .count();
        match self.container.profile.max_targets {
            Some(max) if neighbours > max => Err(Error::TooManyTargets {
                max,
                of: "of the environment",
            }),
            _ => Ok(()),
        }
    }
}

fn live(listed: &[Listed]) -> impl Iterator<Item = &Listed> {
    listed.iter().filter(|found| is_live(found))
}

/// The most that a share may hold and show that all are within `max`; `None`
/// if it cannot show that.
///
/// Shares are digits of a digest. Of more than `max` targets each holds a
/// sixteenth, give or take the root of that; that one holds less by five times
/// as much happens to less than four in a million (Chernoff's bound for the
/// lower tail, exp(-25/2)).
fn share_max(max: usize) -> Option<usize> {
    if max < SHARES_FROM {
        return None;
    }
    let expected = max / SHARES;
    // Rounded up, to be on the safe side.
    expected.checked_sub(5 * (expected.isqrt() + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_far_below_a_sixteenth_or_tells_nothing() {
        for (max, most) in [
            (1, None),
            (999, None),
            (1000, Some(22)),
            (3000, Some(117)),
            (5000, Some(222)),
        ] {
            assert_eq!(share_max(max), most, "{max}");
        }
    }
}
