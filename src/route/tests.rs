//! Which route a request takes, and who may take it.

use super::*;
use crate::auth::tests::{API, OPERATOR, SECRET};
use crate::docker::target::tests::{ID, id};

const ALL: [Role; 3] = [Webhook, Api, Operator];

fn secrets(api: &str, operator: &str) -> Secrets {
    Secrets::parse(SECRET, api, operator).expect("secrets")
}

/// The route of a request with the first secret of a role.
fn route_for(secrets: &Secrets, role: Role, method: &str, uri: &str) -> Result<Route, Error> {
    let request = http::Request::builder().method(method).uri(uri);
    let (head, ()) = request.body(()).expect("a request").into_parts();
    route(&head, secrets, Caller { role, position: 1 })
}

/// Checks the route of a request from a role to whom it is open.
#[track_caller]
fn check_route(method: &str, uri: &str, expected: Result<Route, Error>) {
    let secrets = secrets(API, OPERATOR);
    let routes = ALL.map(|role| route_for(&secrets, role, method, uri));
    let is_expected = match &expected {
        Ok(_) => routes.contains(&expected),
        Err(_) => routes.iter().all(|route| *route == expected),
    };
    assert!(is_expected, "{method} {uri}: {routes:?}");
}

/// The method and the path of each route, the roles to whom it is open, and the route.
const OPEN: &str = r#"
    POST   | /start | Webhook | Start
    POST   | /stop | Webhook | Stop
    GET    | /health | Webhook,Api | Health
    POST   | /reap | Webhook,Api | Reap { dry_run: false }
    GET    | /v1/targets | Api,Operator | ListTargets(Filter { environment: None, owner: None, label: None })
    POST   | /v1/targets | Api | StartTarget { wait: None }
    GET    | /v1/targets/ID/wait?for=ended | Api,Operator | WaitForTarget { id: TargetId("ID"), awaited: Ended, timeout: 20s }
    POST   | /v1/targets/ID/renew | Api | RenewTarget(TargetId("ID"))
    DELETE | /v1/targets/ID | Api | StopTarget(TargetId("ID"))
    GET    | /v1/targets/ID | Api,Operator | ShowTarget(TargetId("ID"))
    GET    | /v1/openapi.json | Api,Operator | OpenApi
    GET    | /metrics | Api,Operator | Metrics
    GET    | / | Operator | Page { environment: None }"#;

#[test]
fn each_path_takes_its_methods_from_its_roles() {
    let secrets = secrets(API, OPERATOR);
    let rows = OPEN
        .lines()
        .skip(1)
        .map(|row| row.split('|').map(str::trim).collect());
    let rows: Vec<Vec<&str>> = rows.collect();
    assert_eq!(rows.len(), ROUTES.len());
    for path in rows.iter().map(|row| row[1]) {
        let rows = rows.iter().filter(|row| row[1] == path);
        let allow: Vec<_> = rows.clone().map(|row| row[0]).collect();
        let allow = allow.join(", ").replace("GET", "GET, HEAD");
        for method in ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"] {
            let read_as = if method == "HEAD" { "GET" } else { method };
            let row = rows.clone().find(|row| row[0] == read_as);
            for role in ALL {
                let expected = match row {
                    Some(row) if row[2].contains(&format!("{role:?}")) => row[3],
                    Some(_) => "not_permitted",
                    None => "wrong_method",
                };
                let uri = path.replace("ID", ID);
                let found = match route_for(&secrets, role, method, &uri) {
                    Ok(route) => format!("{route:?}").replace(ID, "ID"),
                    Err(Error::Request(RequestError::WrongMethod(found))) => {
                        assert_eq!(found, allow, "{path}");
                        "wrong_method".to_owned()
                    }
                    Err(error) => error.code().to_owned(),
                };
                assert_eq!(found, expected, "{method} {path} {role:?}");
            }
        }
    }
}

#[test]
fn a_path_that_no_secret_opens_is_unknown() {
    let all = [
        "/health",
        "/v1/targets",
        "/v1/openapi.json",
        "/metrics",
        "/",
    ];
    for (api, operator, known) in [
        ("", "", &all[..1]),
        (API, "", &all[..4]),
        ("", OPERATOR, &all),
    ] {
        for path in all {
            let found = route_for(&secrets(api, operator), Operator, "GET", path);
            let is_unknown = found == Err(RequestError::UnknownPath.into());
            assert_eq!(is_unknown, !known.contains(&path), "{path}");
        }
    }
    // Where targets can be read, a renewal is refused and not unknown.
    let renewal = format!("/v1/targets/{ID}/renew");
    let found = route_for(&secrets("", OPERATOR), Operator, "POST", &renewal);
    assert!(matches!(
        found,
        Err(Error::Caller(CallerError::NotPermitted(_)))
    ));
}

#[test]
fn a_route_has_what_its_query_asks_for() {
    let environment = Some("e".to_owned());
    let list = Route::ListTargets(Filter {
        environment: environment.clone(),
        ..Filter::default()
    });
    check_route("GET", "/v1/targets?environment=e", Ok(list));
    check_route("GET", "/?environment=e", Ok(Route::Page { environment }));
    let timeout = Duration::from_secs(7);
    let wait = Some(timeout);
    check_route(
        "POST",
        "/v1/targets?wait=7s",
        Ok(Route::StartTarget { wait }),
    );
    let wait = Route::WaitForTarget {
        id: id(),
        awaited: Awaited::Ended,
        timeout,
    };
    let path = format!("/v1/targets/{ID}/wait?for=ended&timeout=7s");
    check_route("GET", &path, Ok(wait));
    check_route("POST", "/reap?dry_run=1", Ok(Route::Reap { dry_run: true }));
    check_route("POST", "/start?a=b", Ok(Route::Start));
    let without = format!("/v1/targets/{ID}?");
    check_route("GET", &without, Ok(Route::ShowTarget(id())));
}

#[test]
fn a_query_that_a_route_does_not_know_is_refused() {
    for request in "GET /v1/targets?environment=%ff | GET /?x=1 | GET /v1/targets/ID/wait |
        GET /v1/targets/ID?wait=1s | DELETE /v1/targets/ID?wait=1s | POST /v1/targets/ID/renew?wait=1s |
        GET /v1/openapi.json?wait=1s | POST /reap? | POST /reap?dry_run | POST /reap?dry_run=true |
        POST /reap?dry_run=0 | POST /reap?dry-run=1 | POST /reap?dry_run=1&x"
        .split('|')
    {
        let (method, uri) = request.trim().split_once(' ').expect("a method and a path");
        let uri = uri.replace("ID", ID);
        let found = route_for(&secrets(API, OPERATOR), Operator, method, &uri);
        let is_refused = matches!(found, Err(Error::Request(RequestError::BadQuery(_))));
        assert!(is_refused, "{request}: {found:?}");
    }
}

#[test]
fn an_id_in_a_path_is_64_digits() {
    let (upper, longer) = (ID.to_uppercase(), format!("{ID}/"));
    for id in ["", "0123", "../../start", "%00", &upper, &longer] {
        let requests = [
            "GET ID",
            "DELETE ID",
            "POST ID/renew",
            "GET ID/wait?for=ended",
        ];
        for (method, path) in requests.map(|request| request.split_once(' ').expect("two")) {
            let path = format!("/v1/targets/{}", path.replace("ID", id));
            check_route(method, &path, Err(TargetError::NoSuchTarget.into()));
        }
    }
}

#[test]
fn any_other_path_is_unknown() {
    let paths =
        "/Start /v1 /v1/ /v1/target /v2/targets /metrics/ /start/ //start /start/x /%73tart /x";
    for path in paths.split(' ') {
        check_route("POST", path, Err(RequestError::UnknownPath.into()));
    }
}

#[test]
fn the_openapi_document_has_each_path_with_its_methods() {
    let document: serde_json::Value =
        serde_json::from_str(include_str!("../api/openapi.json")).expect("JSON");
    let mut documented = Vec::new();
    for (path, operations) in document["paths"].as_object().expect("paths") {
        let methods = operations.as_object().expect("operations").keys();
        let methods = methods.filter(|key| *key != "parameters");
        documented.extend(methods.map(|method| (method.to_uppercase(), path.as_str())));
    }
    documented.sort_unstable();
    // `HEAD` is wherever `GET` is: the document says this once.
    let mut served = ROUTES.map(|row| (row.0.to_owned(), row.1));
    served.sort_unstable();
    assert_eq!(documented, served);
}
