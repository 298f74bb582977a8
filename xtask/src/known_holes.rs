//! Known holes of Engines in what this server uses.
//!
//! An Engine is judged by the version that it tells, and by nothing else. So this is a reason to look, and no verdict: a
//! distribution mends holes under old version numbers.

use serde_json::Value;

/// A hole, as an advisory tells it.
struct Hole {
    /// The component that has it.
    component: &'static str,
    /// What it is known by.
    advisory: &'static str,
    /// Which use of this server's it touches, and what it gives to whom.
    touches: &'static str,
    /// The first version that has it, if older ones do not.
    since: Version,
    /// The versions that mend it, one for each line of releases that was mended, the newest one last.
    mended: &'static [Version],
}

/// A version of three numbers.
type Version = (u32, u32, u32);

/// For a hole that every older version has.
const EVER: Version = (0, 0, 0);

/// What touches this server's use of an Engine: creates, archives, starts, removals, pulls, an authorisation plugin that
/// judges them, and the port. Older holes are left out where a version that has them has one of these too.
const HOLES: [Hole; 9] = [
    Hole {
        component: DOCKER,
        advisory: "CVE-2026-41567",
        touches: "archives: one that is compressed, which this server's is not, runs a program of the image as root on the host",
        since: EVER,
        mended: &[(25, 0, 17), (29, 5, 1)],
    },
    Hole {
        component: DOCKER,
        advisory: "CVE-2026-41568 and CVE-2026-42306",
        touches: "archives: a container that runs meanwhile can lead the Engine to files of the host; this server's archive comes before the start",
        since: EVER,
        mended: &[(25, 0, 17), (29, 5, 1)],
    },
    Hole {
        component: DOCKER,
        advisory: "CVE-2026-17106",
        touches: "pulls and archives: links in a crafted archive can lead out of the folder that it is unpacked in",
        since: EVER,
        mended: &[(29, 7, 0)],
    },
    Hole {
        component: DOCKER,
        advisory: "CVE-2026-92543",
        touches: "pulls: whoever answers the Engine's questions for a registry's address can make it accept any certificate, or none",
        since: EVER,
        mended: &[(29, 8, 2)],
    },
    Hole {
        component: DOCKER,
        advisory: "CVE-2026-34040",
        touches: "an authorisation plugin: it does not see a body of more than 1 MiB, and may let it through",
        since: EVER,
        mended: &[(25, 0, 16), (29, 3, 1)],
    },
    // Engines before this one offer no HTTP/2 over TLS.
    Hole {
        component: DOCKER,
        advisory: "CVE-2026-97032, CVE-2026-78659, CVE-2026-78663 and CVE-2026-78669",
        touches: "the port with TLS: whoever has a client certificate can crash or exhaust the Engine over HTTP/2",
        since: (29, 2, 0),
        mended: &[(29, 9, 0)],
    },
    Hole {
        component: RUNC,
        advisory: "CVE-2025-31133, CVE-2025-52565 and CVE-2025-52881",
        touches: "starts: a crafted image can break out of its container",
        since: EVER,
        mended: &[(1, 2, 8), (1, 3, 3), (1, 4, 0)],
    },
    Hole {
        component: PODMAN,
        advisory: "CVE-2026-111361",
        touches: "pulls: an image can pass for another one's digest or signature",
        since: EVER,
        mended: &[(5, 8, 10), (6, 2, 0)],
    },
    Hole {
        component: PODMAN,
        advisory: "CVE-2026-123876",
        touches: "starts: a container can open sockets that the default seccomp profile denies",
        since: EVER,
        mended: &[(5, 8, 10), (6, 2, 0)],
    },
];

/// The names of components, as an Engine tells them.
const DOCKER: &str = "Engine";
const RUNC: &str = "runc";
const PODMAN: &str = "Podman Engine";

/// The known holes of an Engine, one a line, by what it tells of itself in `GET /version`. Empty if none is known, and of
/// a version that says nothing, such as one that somebody built from a branch.
pub fn of(told: &Value) -> Vec<String> {
    let components = told["Components"].as_array().into_iter().flatten();
    components.flat_map(of_component).collect()
}

fn of_component(told: &Value) -> Vec<String> {
    let name = told["Name"].as_str().unwrap_or_default();
    let text = told["Version"].as_str().unwrap_or_default();
    let Some(version) = released(text) else {
        return Vec::new();
    };
    let open = HOLES
        .iter()
        .filter(|hole| hole.component == name && is_open(hole, version));
    open.map(|hole| described(hole, text)).collect()
}

fn described(hole: &Hole, version: &str) -> String {
    let mended: Vec<String> = hole.mended.iter().rev().map(shown).collect();
    let component = match hole.component {
        DOCKER => "Docker",
        PODMAN => "Podman",
        other => other,
    };
    format!(
        "{component} {version}: {}, mended in {}; touches {}",
        hole.advisory,
        mended.join(" and "),
        hole.touches
    )
}

fn shown((major, minor, patch): &Version) -> String {
    format!("{major}.{minor}.{patch}")
}

/// Whether a version has a hole. A release mends its own line, and the newest one all that come after it.
fn is_open(hole: &Hole, version: Version) -> bool {
    let is_mended = |mended: &Version| {
        let is_of_its_line = (mended.0, mended.1) == (version.0, version.1);
        version >= *mended && (is_of_its_line || Some(mended) == hole.mended.last())
    };
    version >= hole.since && !hole.mended.iter().any(is_mended)
}

/// The version of a release, such as `28.5.2`, `20.10.24+dfsg1` or `29.4.0-ce`.
///
/// Nothing is known of what was built before a release, or from a branch.
fn released(text: &str) -> Option<Version> {
    let end = text.find(|letter: char| letter != '.' && !letter.is_ascii_digit());
    let (numbers, rest) = text.split_at(end.unwrap_or(text.len()));
    let is_unfinished = ["dev", "rc", "beta", "alpha", "-0."]
        .iter()
        .any(|mark| rest.contains(mark));
    let mut parts = numbers.split('.').map(|part| part.parse().ok());
    let version = (parts.next()??, parts.next()??, parts.next()??);
    let is_known = parts.next().is_none() && version.0 > 0 && !is_unfinished;
    is_known.then_some(version)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn told(name: &str, version: &str) -> Vec<String> {
        of(&json!({"Version": "1.2.3", "Components": [{"Name": name, "Version": version}]}))
    }

    #[track_caller]
    fn check(name: &str, version: &str, advisory: &str, is_told: bool) {
        let told = told(name, version).join("\n");
        assert_eq!(told.contains(advisory), is_told, "{name} {version}: {told}");
    }

    #[test]
    fn a_hole_is_told_until_the_version_that_mends_it() {
        for (version, is_told) in [
            ("20.10.24+dfsg1", true),
            ("25.0.16", true),
            ("25.0.17", false),
            ("26.1.5", true),
            ("28.5.2", true),
            ("29.5.0", true),
            ("29.5.1", false),
            ("30.0.0", false),
        ] {
            check("Engine", version, "CVE-2026-41567", is_told);
        }
        for (version, is_told) in [
            ("1.1.5+ds1", true),
            ("1.2.7", true),
            ("1.2.8", false),
            ("1.3.0", true),
            ("1.3.3", false),
            ("1.4.0", false),
        ] {
            check("runc", version, "CVE-2025-31133", is_told);
        }
        for (version, is_told) in [("4.3.1", true), ("5.8.10", false), ("6.1.4", true)] {
            check("Podman Engine", version, "CVE-2026-111361", is_told);
        }
    }

    #[test]
    fn a_hole_that_came_with_a_version_is_not_told_of_older_ones() {
        for (version, is_told) in [("28.5.2", false), ("29.2.0", true), ("29.9.0", false)] {
            check("Engine", version, "CVE-2026-97032", is_told);
        }
    }

    #[test]
    fn what_is_told_names_the_versions_that_mend_it() {
        let told = told("Engine", "28.5.2");
        let expected =
            "Docker 28.5.2: CVE-2026-41567, mended in 29.5.1 and 25.0.17; touches archives";
        assert!(told[0].starts_with(expected), "{told:?}");
    }

    #[test]
    fn a_version_that_is_no_release_says_nothing() {
        for version in [
            "",
            "dev",
            "library-import",
            "0.0.0-20240102030405-abcdef",
            "29.0.0-rc.1",
            "29.6.0-dev",
            "5.8.0-dev",
            "28.5",
            "28.5.2.1",
            "-1.2.3",
        ] {
            for name in ["Engine", "Podman Engine", "runc"] {
                assert!(told(name, version).is_empty(), "{version}");
            }
        }
        assert!(of(&Value::Null).is_empty());
        assert!(told("containerd", "1.0.0").is_empty());
    }

    #[test]
    fn the_newest_version_that_mends_a_hole_stands_last() {
        for hole in &HOLES {
            assert!(hole.mended.is_sorted(), "{}", hole.advisory);
            assert!(!hole.mended.is_empty(), "{}", hole.advisory);
        }
    }
}
