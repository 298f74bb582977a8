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
pub fn none(query: Option<&str>) -> Result<(), RequestError> {
    let [] = members(query, []).ok_or(NONE)?;
    Ok(())
}

/// The environment that the page shows; `None` for all of them.
pub fn page(query: Option<&str>) -> Result<Option<String>, RequestError> {
    let [environment] = members(query, ["environment"]).ok_or(PAGE)?;
    of_environment(environment).ok_or(PAGE)
}

/// The targets that a list shows.
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

    /// Checks that none of these queries is taken; `|` separates them.
    #[track_caller]
    fn check_refused<T: PartialEq + std::fmt::Debug>(
        parse: fn(Option<&str>) -> Result<T, RequestError>,
        queries: &str,
        refusal: RequestError,
    ) {
        for query in queries.split('|') {
            assert_eq!(parse(Some(query)).as_ref(), Err(&refusal), "{query}");
        }
    }

    #[test]
    fn a_wait_is_for_one_thing_and_for_20_seconds_at_most() {
        for (query, awaited, seconds) in [
            ("for=ready", Awaited::Ready, 20),
            ("for=ended", Awaited::Ended, 20),
            ("for=ready&timeout=1s", Awaited::Ready, 1),
            ("timeout=20s&for=ready", Awaited::Ready, 20),
        ] {
            let expected = (awaited, Duration::from_secs(seconds));
            assert_eq!(wait(Some(query)), Ok(expected), "{query}");
        }
        let odd = "|timeout=1s|for=|for=Ready|for=ready%00|for=ready&for=ready|for=ready&x=1";
        check_refused(wait, odd, WAIT);
        for timeout in ["", "0s", "21s", "1m", "1", "-1s", "1s&timeout=1s"] {
            let query = format!("for=ready&timeout={timeout}");
            check_refused(wait, &query, WAIT);
        }
        assert_eq!(wait(None), Err(WAIT));
    }

    #[test]
    fn a_start_waits_only_if_it_is_asked_to() {
        for query in [None, Some("")] {
            assert_eq!(start(query), Ok(None));
        }
        assert_eq!(start(Some("wait=20s")), Ok(Some(WAIT_MAX)));
        assert_eq!(start(Some("wait=1s")), Ok(Some(Duration::from_secs(1))));
        let odd = "wait|wait=0s|wait=21s|wait=1s&wait=1s|wait=1s&x|timeout=1s";
        check_refused(start, odd, START);
    }

    #[test]
    fn a_page_and_a_list_are_of_one_environment() {
        for (query, environment) in [
            (None, None),
            (Some(""), None),
            (Some("environment="), None),
            (Some("environment=e%3A1"), Some("e:1")),
            (Some("environment=e:1"), Some("e:1")),
        ] {
            let environment = environment.map(str::to_owned);
            assert_eq!(page(query).as_ref(), Ok(&environment), "{query:?}");
            let filter = filter(query).map(|filter| filter.environment);
            assert_eq!(filter, Ok(environment), "{query:?}");
        }
        let odd = "environment=e&environment=e|environment=&environment=|enviroment=e|\
                   environment=e&x=1|environment=%3Cb%3E|environment=%ff";
        check_refused(page, odd, PAGE);
        check_refused(filter, odd, FILTER);
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
        filter(Some("label=a=")).expect("an empty value");
        let odd = "owner=|owner=%00|owner=%0A|owner=%7F|owner=a&owner=a|owners=a|label=|label=a|\
                   label==1|label=a%00=1|label=a=%1B|label=a=1&label=b=1";
        check_refused(filter, odd, FILTER);
        let of = |owner, key, value| {
            let (owner, key, value) = ("o".repeat(owner), "k".repeat(key), "v".repeat(value));
            format!("owner={owner}&label={key}={value}")
        };
        filter(Some(&of(128, 63, 256))).expect("the longest");
        for longer in [of(129, 1, 1), of(1, 64, 1), of(1, 1, 257)] {
            check_refused(filter, &longer, FILTER);
        }
    }
}
