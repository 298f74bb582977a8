//! Which route a request takes, and who may take it.

use super::*;
use crate::docker::target::tests::{ID, id};

const API: &str = "YSBwcm9ncmFtJ3Mgc2VjcmV0";
// operator:0123456789abcdef0123456789
const OPERATOR: &str = "b3BlcmF0b3I6MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODk=";
#[track_caller]
fn check_route(method: &str, uri: &str, expected: Result<Route, Error>) {
    check_with(&secrets(API, OPERATOR), method, uri, expected);
}

#[track_caller]
fn check_with(secrets: &Secrets, method: &str, uri: &str, expected: Result<Route, Error>) {
    let request = http::Request::builder().method(method).uri(uri);
    let (head, ()) = request.body(()).expect("a request").into_parts();
    assert_eq!(route(&head, secrets), expected, "{method} {uri}");
}

fn secrets(api: &str, operator: &str) -> Secrets {
    Secrets::parse("c29tZSBnb29kIHNlY3JldA==", api, operator).expect("secrets")
}

#[test]
fn each_path_takes_its_methods() {
    let id = id();
    let target = format!("/v1/targets/{ID}");
    let renewal = format!("{target}/renew");
    let start = Route::StartTarget { wait: None };
    let list = Route::ListTargets(Filter::default());
    let reap = Route::Reap { dry_run: false };
    let page = Route::Page { environment: None };
    let (show, stop) = (Route::ShowTarget(id.clone()), Route::StopTarget(id.clone()));
    let (reads, changes) = ("GET, HEAD", "POST");
    for (path, allow, routes) in [
        ("/start", changes, vec![("POST", Route::Start)]),
        ("/stop", changes, vec![("POST", Route::Stop)]),
        ("/health", reads, vec![("GET", Route::Health)]),
        ("/reap", changes, vec![("POST", reap)]),
        (
            "/v1/targets",
            "GET, HEAD, POST",
            vec![("GET", list), ("POST", start)],
        ),
        (
            &target,
            "DELETE, GET, HEAD",
            vec![("GET", show), ("DELETE", stop)],
        ),
        (&renewal, changes, vec![("POST", Route::RenewTarget(id))]),
        ("/v1/openapi.json", reads, vec![("GET", Route::OpenApi)]),
        ("/metrics", reads, vec![("GET", Route::Metrics)]),
        ("/", reads, vec![("GET", page)]),
    ] {
        for method in ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"] {
            let read_as = if method == "HEAD" { "GET" } else { method };
            let taken = routes.iter().find(|(taken, _)| *taken == read_as);
            let expected = taken.map(|(_, route)| route.clone());
            let expected = expected.ok_or(RequestError::WrongMethod { allow }.into());
            check_route(method, path, expected);
        }
    }
}

#[test]
fn a_path_that_no_secret_opens_is_unknown() {
    let targets = Route::ListTargets(Filter::default());
    let page = Route::Page { environment: None };
    let unknown = || Err(RequestError::UnknownPath.into());
    for (api, operator, targets, page) in [
        ("", "", unknown(), unknown()),
        (API, "", Ok(targets.clone()), unknown()),
        ("", OPERATOR, Ok(targets), Ok(page)),
    ] {
        let secrets = secrets(api, operator);
        check_with(&secrets, "GET", "/v1/targets", targets);
        check_with(&secrets, "GET", "/", page);
        check_with(&secrets, "GET", "/health", Ok(Route::Health));
    }
}

#[test]
fn each_route_is_open_to_its_roles_alone() {
    let id = id();
    let environment = None;
    let webhooks = [Route::Start, Route::Stop];
    let care = [Route::Health, Route::Reap { dry_run: true }];
    let changes = [
        Route::StartTarget { wait: None },
        Route::StopTarget(id.clone()),
        Route::RenewTarget(id.clone()),
    ];
    let reads = [
        Route::ListTargets(Filter::default()),
        Route::ShowTarget(id.clone()),
        Route::WaitForTarget {
            id,
            awaited: Awaited::Ready,
            timeout: Duration::ZERO,
        },
        Route::OpenApi,
        Route::Metrics,
    ];
    let page = [Route::Page { environment }];
    for (routes, roles) in [
        (&webhooks[..], &[Role::Webhook][..]),
        (&care, &[Role::Webhook, Role::Api]),
        (&changes, &[Role::Api]),
        (&reads, &[Role::Api, Role::Operator]),
        (&page, &[Role::Operator]),
    ] {
        for route in routes {
            for role in [Role::Webhook, Role::Api, Role::Operator] {
                let is_open = roles.contains(&role);
                assert_eq!(route.is_open_to(role), is_open, "{route:?} {role:?}");
            }
        }
    }
}

#[test]
fn a_route_has_what_its_query_asks_for() {
    let bad = |uri: &str| {
        let request = http::Request::builder().uri(uri).body(()).expect("it");
        let found = route(&request.into_parts().0, &secrets(API, OPERATOR));
        matches!(found, Err(Error::Request(RequestError::BadQuery(_))))
    };
    let environment = Some("e".to_owned());
    let list = Route::ListTargets(Filter {
        environment: environment.clone(),
        ..Filter::default()
    });
    check_route("GET", "/v1/targets?environment=e", Ok(list));
    check_route("GET", "/?environment=e", Ok(Route::Page { environment }));
    assert!(bad("/v1/targets?environment=%ff") && bad("/?x=1"));
    let start = Route::StartTarget {
        wait: Some(Duration::from_secs(7)),
    };
    check_route("POST", "/v1/targets?wait=7s", Ok(start));
    let wait = Route::WaitForTarget {
        id: id(),
        awaited: Awaited::Ended,
        timeout: Duration::from_secs(7),
    };
    let path = format!("/v1/targets/{ID}/wait");
    check_route("GET", &format!("{path}?for=ended&timeout=7s"), Ok(wait));
    assert!(bad(&path));
}

#[test]
fn an_id_in_a_path_is_64_digits() {
    for id in [
        "",
        "0123",
        "../../start",
        "%00",
        &ID.to_uppercase(),
        &format!("{ID}/"),
    ] {
        for (method, suffix) in [("GET", ""), ("DELETE", ""), ("POST", "/renew")] {
            let path = format!("/v1/targets/{id}{suffix}");
            check_route(method, &path, Err(TargetError::NoSuchTarget.into()));
        }
        let path = format!("/v1/targets/{id}/wait?for=ended");
        check_route("GET", &path, Err(TargetError::NoSuchTarget.into()));
    }
}

#[test]
fn other_routes_of_v1_have_no_query() {
    let target = format!("/v1/targets/{ID}");
    let renewal = format!("{target}/renew");
    for (method, path, route) in [
        ("GET", &*target, Route::ShowTarget(id())),
        ("DELETE", &target, Route::StopTarget(id())),
        ("POST", &renewal, Route::RenewTarget(id())),
        ("GET", "/v1/openapi.json", Route::OpenApi),
    ] {
        check_route(method, &format!("{path}?"), Ok(route));
        let refusal = RequestError::BadQuery("The query must be left out.");
        check_route(method, &format!("{path}?wait=1s"), Err(refusal.into()));
    }
}

#[test]
fn a_reap_is_real_only_without_a_query() {
    check_route("POST", "/reap?dry_run=1", Ok(Route::Reap { dry_run: true }));
    for query in [
        "",
        "dry_run",
        "dry_run=true",
        "dry_run=0",
        "dry-run=1",
        "dry_run=1&x",
    ] {
        let sentence = "The query of a reap is dry_run=1, and nothing else.";
        let refusal = Err(RequestError::BadQuery(sentence).into());
        check_route("POST", &format!("/reap?{query}"), refusal);
    }
    check_route("POST", "/start?a=b", Ok(Route::Start));
}

#[test]
fn any_other_path_is_unknown() {
    for path in [
        "/Start",
        "/v1",
        "/v1/",
        "/v1/target",
        "/v2/targets",
        "/metrics/",
        "/start/",
        "//start",
        "/start/x",
        "/%73tart",
        "/x",
    ] {
        check_route("POST", path, Err(RequestError::UnknownPath.into()));
    }
}

#[test]
fn the_openapi_document_has_each_path_with_its_methods() {
    let document: serde_json::Value =
        serde_json::from_str(include_str!("../api/openapi.json")).expect("JSON");
    let paths = document["paths"].as_object().expect("paths");
    assert_eq!(paths.len(), 11);
    for (path, operations) in paths {
        let uri = path.replace("{id}", ID).parse().expect("a path");
        assert_eq!(known_path(&uri), Some(path.as_str()));
        let allow = Path::of(&uri).expect("it is known").allow();
        let methods = operations.as_object().expect("operations").keys();
        let methods = methods.filter(|key| *key != "parameters");
        let mut methods: Vec<_> = methods.map(|key| key.to_uppercase()).collect();
        // Wherever GET is: the document says this once.
        if methods.contains(&"GET".to_owned()) {
            methods.push("HEAD".to_owned());
        }
        methods.sort_unstable();
        assert_eq!(methods.join(", "), allow, "{path}");
    }
}
