//! `GET /networks/{name}` (Engine API, NetworkInspect).

use http::{Method, StatusCode};
use serde_json::Value;

use super::call::Call;
use super::{Reply, bodiless, query_encoded};
use crate::fault::Fault;

/// Docker's option that lets the containers of a bridge reach each other.
const ENABLE_ICC: &str = "com.docker.network.bridge.enable_icc";

/// What is known of a network that the Engine has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    /// Whether its containers are kept from reaching each other. Podman takes
    /// Docker's option, ignores it, and does not show it.
    pub isolates: bool,
}

/// Asks about the network of exactly that name; the Engine also takes a prefix of
/// an id. Docker itself notices a missing network only when a container is
/// started.
pub fn inspect(name: &str) -> Call<Option<Network>> {
    let request = bodiless(Method::GET, &format!("/networks/{}", query_encoded(name)));
    let name = name.to_owned();
    Call::look("network", request, move |reply| inspected(reply, &name))
}

fn inspected(reply: &Reply, name: &str) -> Result<Option<Network>, Fault> {
    match reply.status() {
        200 if reply.text("Name")? == name => {
            let body: Value = reply.json()?;
            let enable_icc = body["Options"][ENABLE_ICC].as_str().unwrap_or_default();
            Ok(Some(Network {
                isolates: is_false(enable_icc),
            }))
        }
        200 => Ok(None),
        404 if reply.is_engines(StatusCode::NOT_FOUND) => Ok(None),
        _ => Err(reply.fault()),
    }
}

/// Whether the Engine reads a text as false, as Go's `strconv.ParseBool` does.
fn is_false(text: &str) -> bool {
    matches!(text, "0" | "f" | "F" | "false" | "False" | "FALSE")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::docker::reply::tests::reply;

    #[test]
    fn a_name_stands_in_the_path_and_cannot_leave_it() {
        assert_eq!(
            inspect("targets").request.uri().to_string(),
            "/networks/targets"
        );
        let odd = inspect("a/../b?c").request.uri().to_string();
        assert_eq!(odd, "/networks/a%2F..%2Fb%3Fc");
    }

    #[test]
    fn a_network_is_there_if_it_has_the_name() {
        let found = inspected(&reply(200, r#"{"Name":"n"}"#), "n");
        assert!(found.is_ok_and(|network| network.is_some()));
        assert_eq!(inspected(&reply(200, r#"{"Name":"m"}"#), "n"), Ok(None));
        let absent = reply(404, r#"{"message":"network n not found"}"#);
        assert_eq!(inspected(&absent, "n"), Ok(None));
        for (status, body) in [(200, "{}"), (200, ""), (404, "<html>"), (500, "")] {
            inspected(&reply(status, body), "n").expect_err(body);
        }
    }

    #[test]
    fn a_network_isolates_if_the_engine_has_taken_the_option() {
        for (options, isolates) in [
            (r#"{"com.docker.network.bridge.enable_icc":"false"}"#, true),
            (r#"{"com.docker.network.bridge.enable_icc":"0"}"#, true),
            (r#"{"com.docker.network.bridge.enable_icc":"true"}"#, false),
            (r#"{"com.docker.network.bridge.enable_icc":""}"#, false),
            (r#"{"com.docker.network.bridge.enable_icc":false}"#, false),
            // Podman's answer to a network that was created with the option.
            ("{}", false),
            ("null", false),
            (r#"{"isolate":"true"}"#, false),
        ] {
            let body = format!(r#"{{"Name":"n","Options":{options}}}"#);
            let network = inspected(&reply(200, &body), "n");
            assert_eq!(network, Ok(Some(Network { isolates })), "{options}");
        }
    }
}
