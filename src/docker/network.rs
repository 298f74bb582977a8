//! `GET /networks` (Engine API, NetworkList).
//!
//! An inspect would show the ids of all containers on the network, whoever owns them. A
//! list shows only the options, since API 1.28; Podman's shows both.

use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::call::Call;
use super::{Reply, bodiless, query_encoded};
use crate::fault::Fault;

/// Docker's option that lets the containers of a bridge reach each other.
const ENABLE_ICC: &str = "com.docker.network.bridge.enable_icc";

/// A network that the Engine has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    /// Whether it keeps its containers from reaching each other. Podman accepts Docker's
    /// option, ignores it, and does not show it.
    pub isolates: bool,
}

/// Finds the network with exactly this name; the filter also matches parts of names.
/// Docker itself notices a missing network only at the start of a container.
pub fn find(name: &str) -> Call<Option<Network>> {
    let filters = query_encoded(&json!({"name": [name]}).to_string());
    let request = bodiless(Method::GET, &format!("/networks?filters={filters}"));
    let name = name.to_owned();
    Call::look("network", request, move |reply| found(reply, &name))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct NetworkSummary {
    name: String,
    #[serde(default)]
    options: Value,
}

fn found(reply: &Reply, name: &str) -> Result<Option<Network>, Fault> {
    let mut networks: Vec<NetworkSummary> = reply.listed()?;
    networks.retain(|network| is_named(&network.name, name));
    match &networks[..] {
        // Podman's list has its default network under its own name alone, and Podman has
        // no such option.
        [] if name == "bridge" => Ok(Some(Network { isolates: false })),
        [] => Ok(None),
        [network] => Ok(Some(Network {
            isolates: is_false(network.options[ENABLE_ICC].as_str().unwrap_or_default()),
        })),
        // A start could not choose between them (moby, daemon/network.go).
        _ => Err(Fault::Nonsense(format!("several networks {name}"))),
    }
}

/// Whether a list shows a network under this name. Podman lists its default network,
/// `podman`, as `bridge`.
fn is_named(listed: &str, name: &str) -> bool {
    listed == name || (listed == "bridge" && name == "podman")
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
    fn a_name_stands_in_the_filter_and_cannot_leave_it() {
        let uri = find(r#"a"]}/../b?c&d"#).request.uri().to_string();
        let filters = "%7B%22name%22%3A%5B%22a%5C%22%5D%7D%2F..%2Fb%3Fc%26d%22%5D%7D";
        assert_eq!(uri, format!("/networks?filters={filters}"));
    }

    #[test]
    fn a_network_is_there_if_one_has_the_whole_name() {
        let names = |names: &[&str]| {
            let networks = names.iter().map(|name| json!({"Id": "n", "Name": name}));
            let body = Value::from_iter(networks).to_string();
            found(&reply(200, &body), "n").map(|network| network.is_some())
        };
        assert_eq!(names(&["n"]), Ok(true));
        assert_eq!(names(&["dynamic", "n", "n-node"]), Ok(true));
        // An id is not a name either.
        for absent in [&[][..], &["m"], &["nn", "n-node", "N", "/n", "bridge"]] {
            assert_eq!(names(absent), Ok(false), "{absent:?}");
        }
        names(&["n", "n"]).expect_err("a start would say that it is ambiguous");
    }

    #[test]
    fn what_is_no_list_of_networks_does_not_say_that_one_is_missing() {
        for (status, body) in [
            (200, r#"{"Name":"n"}"#),
            (200, r#"[{"Id":"n"}]"#),
            (200, "null"),
            (200, ""),
            (404, "<html>"),
            (404, r#"{"message":"page not found"}"#),
            (500, ""),
        ] {
            found(&reply(status, body), "n").expect_err(body);
        }
    }

    #[test]
    fn podmans_default_network_is_found_by_its_own_name() {
        let listed = reply(200, r#"[{"Name":"bridge","Options":{}}]"#);
        let open = Network { isolates: false };
        assert_eq!(found(&listed, "podman"), Ok(Some(open)));
        assert_eq!(found(&listed, "bridge"), Ok(Some(open)));
        assert_eq!(found(&reply(200, "[]"), "bridge"), Ok(Some(open)));
        assert_eq!(found(&listed, "pod"), Ok(None));
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
            let body = format!(r#"[{{"Name":"n","Options":{options}}}]"#);
            let network = found(&reply(200, &body), "n");
            assert_eq!(network, Ok(Some(Network { isolates })), "{options}");
        }
    }
}
