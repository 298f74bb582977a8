//! Matches paths against a trigger's route.

use anyhow::{Result, ensure};

/// The route of a trigger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// One path, with or without a trailing slash.
    Exact(String),
    /// A path and everything below it: a route that ends in `/...`.
    Below(String),
}

impl Route {
    /// Reads a route; single-segment wildcards (`:name`) are not supported.
    pub fn parse(route: &str) -> Result<Self> {
        ensure!(
            route.starts_with('/'),
            "the route {route:?} does not begin with `/`"
        );
        ensure!(
            !route.split('/').any(|segment| segment.starts_with(':')),
            "the route {route:?} has a `:name` segment, which this host does not support"
        );
        Ok(match route.strip_suffix("/...") {
            Some(base) => Self::Below(base.to_owned()),
            None => Self::Exact(without_slash(route).to_owned()),
        })
    }

    /// Whether a request for `path` goes to the component.
    pub fn matches(&self, path: &str) -> bool {
        match self {
            Self::Exact(exact) => without_slash(path) == exact,
            Self::Below(base) => path
                .strip_prefix(base.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/')),
        }
    }
}

fn without_slash(path: &str) -> &str {
    path.strip_suffix('/').unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_wildcard_takes_every_path() {
        let route = Route::parse("/...").unwrap();
        for path in ["/", "/start", "/a/b", "/a/"] {
            assert!(route.matches(path), "{path}");
        }
    }

    #[test]
    fn a_wildcard_below_a_path_takes_that_path_and_what_is_below() {
        let route = Route::parse("/api/...").unwrap();
        assert!(route.matches("/api"));
        assert!(route.matches("/api/x"));
        assert!(!route.matches("/apix"));
        assert!(!route.matches("/"));
    }

    #[test]
    fn an_exact_route_takes_its_path_with_or_without_a_slash() {
        let route = Route::parse("/start").unwrap();
        assert!(route.matches("/start"));
        assert!(route.matches("/start/"));
        assert!(!route.matches("/start/x"));
        assert!(!route.matches("/Start"));
    }

    #[test]
    fn other_routes_are_refused() {
        assert!(Route::parse("start").is_err());
        assert!(Route::parse("/:name/x").is_err());
    }
}
