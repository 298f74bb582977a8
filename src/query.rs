//! Parses the queries of requests. Refuses repeated and unknown members: a misspelt
//! filter would show too much.

use std::time::Duration;

use crate::config::parse_duration;
use crate::environment_id::is_id;
use crate::error::RequestError;
use crate::ownership::{is_key, is_owner, is_value};
use crate::target_view::{Awaited, Filter};

/// The longest wait. A request has five more seconds for the last look.
const WAIT_MAX: Duration = Duration::from_secs(20);

const NONE: RequestError = RequestError::BadQuery("The query must be left out.");

const PAGE: RequestError = RequestError::BadQuery(
    "The query may have environment, once, with the id of an environment, and nothing else.",
);

const FILTER: RequestError = RequestError::BadQuery(
    "The query may have environment, owner, and label, which is a key, = and a value; each once, and nothing else.",
);

const WAIT: RequestError = RequestError::BadQuery(
    "The query must have for, which is ready or ended, and may have timeout, from 1s to 20s; each once, and nothing else.",
);

const START: RequestError = RequestError::BadQuery(
    "The query may have wait, once, with a time from 1s to 20s, and nothing else.",
);

/// No query, for the routes of `/v1` without one.
///
/// # Errors
///
/// [`RequestError::BadQuery`] for anything.
pub fn none(query: Option<&str>) -> Result<(), RequestError> {
    let [] = members(query, []).ok_or(NONE)?;
    Ok(())
}

/// The environment that the page shows; `None` for all of them.
///
/// # Errors
///
/// [`RequestError::BadQuery`] for anything else.
pub fn page(query: Option<&str>) -> Result<Option<String>, RequestError> {
    let [environment] = members(query, ["environment"]).ok_or(PAGE)?;
    of_environment(environment).ok_or(PAGE)
}

/// The targets that a list shows.
///
/// # Errors
///
/// [`RequestError::BadQuery`].
pub fn filter(query: Option<&str>) -> Result<Filter, RequestError> {
    let names = ["environment", "owner", "label"];
    let [environment, owner, label] = members(query, names).ok_or(FILTER)?;
    let label = match label {
        Some(label) => Some(pair(&label).ok_or(FILTER)?),
        None => None,
    };
    if !owner.as_deref().is_none_or(is_owner) {
        return Err(FILTER);
    }
    Ok(Filter {
        environment: of_environment(environment).ok_or(FILTER)?,
        owner,
        label,
    })
}

/// Reads an environment; a form sends an empty one for "all".
fn of_environment(environment: Option<String>) -> Option<Option<String>> {
    match environment.filter(|text| !text.is_empty()) {
        Some(id) if !is_id(&id) => None,
        environment => Some(environment),
    }
}

fn pair(label: &str) -> Option<(String, String)> {
    let (key, value) = label.split_once('=')?;
    (is_key(key) && is_value(value)).then(|| (key.to_owned(), value.to_owned()))
}

/// The condition of a wait, and its timeout: `WAIT_MAX` unless the query has one.
///
/// # Errors
///
/// [`RequestError::BadQuery`].
pub fn wait(query: Option<&str>) -> Result<(Awaited, Duration), RequestError> {
    let [awaited, timeout] = members(query, ["for", "timeout"]).ok_or(WAIT)?;
    let awaited = match awaited.as_deref() {
        Some("ready") => Awaited::Ready,
        Some("ended") => Awaited::Ended,
        _ => return Err(WAIT),
    };
    let timeout = timeout.map_or(Some(WAIT_MAX), |text| wait_time(&text));
    Ok((awaited, timeout.ok_or(WAIT)?))
}

/// How long a start waits for a ready target; `None` without a `wait`.
///
/// # Errors
///
/// [`RequestError::BadQuery`].
pub fn start(query: Option<&str>) -> Result<Option<Duration>, RequestError> {
    let [wait] = members(query, ["wait"]).ok_or(START)?;
    wait.map(|text| wait_time(&text).ok_or(START)).transpose()
}

fn wait_time(text: &str) -> Option<Duration> {
    let range = Duration::from_secs(1)..=WAIT_MAX;
    parse_duration(text).filter(|time| range.contains(time))
}

/// The members with these names, in their order; `None` if one is repeated or unknown.
fn members<const N: usize>(query: Option<&str>, names: [&str; N]) -> Option<[Option<String>; N]> {
    let mut found = [const { None }; N];
    for (key, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        let place = names.iter().position(|name| *name == key)?;
        if found[place].replace(value.into_owned()).is_some() {
            return None;
        }
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_for_one_thing_and_for_20_seconds_at_most() {
        let ready = |seconds| Ok((Awaited::Ready, Duration::from_secs(seconds)));
        for (query, expected) in [
            ("for=ready", ready(20)),
            ("for=ended", Ok((Awaited::Ended, Duration::from_secs(20)))),
            ("for=ready&timeout=1s", ready(1)),
            ("timeout=20s&for=ready", ready(20)),
            ("", Err(WAIT)),
            ("timeout=1s", Err(WAIT)),
            ("for=", Err(WAIT)),
            ("for=Ready", Err(WAIT)),
            ("for=ready%00", Err(WAIT)),
            ("for=ready&for=ready", Err(WAIT)),
            ("for=ready&timeout=", Err(WAIT)),
            ("for=ready&timeout=0s", Err(WAIT)),
            ("for=ready&timeout=21s", Err(WAIT)),
            ("for=ready&timeout=1m", Err(WAIT)),
            ("for=ready&timeout=1", Err(WAIT)),
            ("for=ready&timeout=-1s", Err(WAIT)),
            ("for=ready&timeout=99999999999999999999s", Err(WAIT)),
            ("for=ready&timeout=1s&timeout=1s", Err(WAIT)),
            ("for=ready&x=1", Err(WAIT)),
        ] {
            assert_eq!(wait(Some(query)), expected, "{query}");
        }
        assert_eq!(wait(None), Err(WAIT));
    }

    #[test]
    fn a_start_waits_only_if_it_is_asked_to() {
        for (query, expected) in [
            (None, Ok(None)),
            (Some(""), Ok(None)),
            (Some("wait=20s"), Ok(Some(WAIT_MAX))),
            (Some("wait=1s"), Ok(Some(Duration::from_secs(1)))),
            (Some("wait"), Err(START)),
            (Some("wait=0s"), Err(START)),
            (Some("wait=21s"), Err(START)),
            (Some("wait=1s&wait=1s"), Err(START)),
            (Some("wait=1s&x"), Err(START)),
            (Some("timeout=1s"), Err(START)),
        ] {
            assert_eq!(start(query), expected, "{query:?}");
        }
    }

    #[test]
    fn a_page_is_of_one_environment() {
        let e = || Ok(Some("e:1".to_owned()));
        for (query, expected) in [
            (None, Ok(None)),
            (Some(""), Ok(None)),
            (Some("environment="), Ok(None)),
            (Some("environment=e%3A1"), e()),
            (Some("environment=e:1"), e()),
            (Some("environment=e&environment=e"), Err(PAGE)),
            (Some("environment=&environment="), Err(PAGE)),
            (Some("enviroment=e"), Err(PAGE)),
            (Some("environment=e&x=1"), Err(PAGE)),
            (Some("environment=%3Cb%3E"), Err(PAGE)),
            (Some("environment=%ff"), Err(PAGE)),
        ] {
            assert_eq!(page(query), expected, "{query:?}");
            let filter = filter(query).map(|filter| filter.environment);
            assert_eq!(filter, expected.map_err(|_| FILTER), "{query:?}");
        }
    }

    #[test]
    fn a_filter_has_an_owner_and_a_label() {
        let found = filter(Some("label=a%2Fb%3D1%3D2&owner=%C3%A9+o&environment=e"));
        let expected = Filter {
            environment: Some("e".to_owned()),
            owner: Some("\u{e9} o".to_owned()),
            label: Some(("a/b".to_owned(), "1=2".to_owned())),
        };
        assert_eq!(found, Ok(expected));
        let longest = format!(
            "owner={}&label={}={}",
            "o".repeat(128),
            "k".repeat(63),
            "v".repeat(256)
        );
        filter(Some(&longest)).expect("a filter");
        filter(Some("label=a=")).expect("an empty value");
        for query in [
            "owner=",
            "owner=%00",
            "owner=%0A",
            "owner=%7F",
            "owner=a&owner=a",
            "label=",
            "label=a",
            "label==1",
            "label=a%00=1",
            "label=a=%1B",
            "label=a=1&label=b=1",
            "owners=a",
            &format!("owner={}", "o".repeat(129)),
            &format!("label={}=", "k".repeat(64)),
            &format!("label=k={}", "v".repeat(257)),
        ] {
            assert_eq!(filter(Some(query)), Err(FILTER), "{query}");
        }
    }
}
