//! `GET /networks/{name}` (Engine API, NetworkInspect).

use http::{Method, StatusCode};

use super::call::Call;
use super::{Reply, bodiless, query_encoded};
use crate::fault::Fault;

/// Asks whether there is a network of exactly that name; the Engine also takes
/// a prefix of an id. The Engine itself notices a missing network only when a
/// container is started.
pub fn inspect(name: &str) -> Call<bool> {
    let request = bodiless(Method::GET, &format!("/networks/{}", query_encoded(name)));
    let name = name.to_owned();
    Call::look("network", request, move |reply| inspected(reply, &name))
}

fn inspected(reply: &Reply, name: &str) -> Result<bool, Fault> {
    match reply.status() {
        200 => Ok(reply.text("Name")? == name),
        404 if reply.is_engines(StatusCode::NOT_FOUND) => Ok(false),
        _ => Err(reply.fault()),
    }
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
        assert_eq!(inspected(&reply(200, r#"{"Name":"n"}"#), "n"), Ok(true));
        assert_eq!(inspected(&reply(200, r#"{"Name":"m"}"#), "n"), Ok(false));
        let absent = reply(404, r#"{"message":"network n not found"}"#);
        assert_eq!(inspected(&absent, "n"), Ok(false));
        for (status, body) in [(200, "{}"), (200, ""), (404, "<html>"), (500, "")] {
            inspected(&reply(status, body), "n").expect_err(body);
        }
    }
}
