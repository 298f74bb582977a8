//! Who is let in, and who is not.

use test_support::certificates::Authority;
use test_support::engine_proxy::{Files, SECRETS};

use super::{before_fake, check_words, listed};

const PROGRAMS: [&str; 2] = ["nginx", "haproxy"];

fn bearer(secret: &str) -> String {
    format!("authorization: Bearer {secret}")
}

#[test]
fn without_a_certificate_of_the_authority_nothing_is_answered() {
    for program in PROGRAMS {
        let (proxy, engine) = before_fake((program, "certificate"));
        let authority = &proxy.authority;
        let another = Authority::new("engine-proxy-authority");
        let with = |identity| proxy.stranger().with_certificate(&identity);
        for (what, client) in [
            ("none", proxy.stranger()),
            ("another's", with(another.client())),
            ("expired", with(authority.expired_client())),
            ("a server's", with(authority.server(&["localhost"]))),
            (
                "a secret",
                proxy.stranger().with_header(&bearer(SECRETS[0])),
            ),
        ] {
            // HAProxy ends the handshake, and nginx says why.
            if let Some(answer) = client.ask(&listed(), "", b"") {
                assert_eq!(answer.status, 403, "{what}: {answer:?}");
                check_words(&answer.body);
            }
        }
        assert_eq!(engine.requests(), Vec::<String>::new());
        let answer = with(authority.client()).ask(&listed(), "", b"");
        answer.expect("an answer").check(200);
    }
}

#[test]
fn a_secret_that_is_known_is_let_in_and_goes_no_further_and_any_other_is_401() {
    let [secret, _] = SECRETS;
    for program in PROGRAMS {
        let (proxy, engine) = before_fake((program, "bearer"));
        for headers in [
            "x: y".to_owned(),
            "authorization:".to_owned(),
            "authorization: Bearer".to_owned(),
            "authorization: Bearer ".to_owned(),
            format!("authorization: bearer {secret}"),
            format!("authorization: BEARER {secret}"),
            format!("authorization: Bearer\t{secret}"),
            bearer(&secret.to_uppercase()),
            bearer(&format!(" {secret}")),
            bearer(&secret[..63]),
            bearer(&format!("{secret}0")),
            bearer(&format!("{secret} {secret}")),
            bearer(&format!("{secret}, Bearer {secret}")),
            bearer(&"0".repeat(64)),
            bearer("one"),
            format!("authorization: Basic {secret}"),
            format!("authorization: {secret}"),
            format!("authentication: Bearer {secret}"),
            format!("proxy-authorization: Bearer {secret}"),
        ] {
            let client = proxy.stranger().with_header(&headers);
            let answer = client.ask(&listed(), "", b"").expect("an answer");
            assert_eq!(answer.status, 401, "{headers}");
            assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
            check_words(&answer.body);
            // They do not learn what is on the list either.
            let answer = client.ask("GET /info HTTP/1.1", "", b"");
            assert_eq!(answer.expect("an answer").status, 401, "{headers}");
        }
        for other in [secret, "0"] {
            let client = proxy.stranger().with_header(&bearer(secret));
            let client = client.with_header(&bearer(other));
            let answer = client.ask(&listed(), "", b"").expect("an answer");
            assert!(matches!(answer.status, 400 | 401), "{answer:?}");
            check_words(&answer.body);
        }
        assert_eq!(engine.requests(), Vec::<String>::new());
        for (secret, name) in SECRETS.into_iter().zip(["one", "other"]) {
            let client = proxy.stranger().with_header(&bearer(secret));
            let answer = client.ask(&listed(), "", b"");
            answer.expect("an answer").check(200);
            proxy.logged(&[&format!(" {name} [inspect] ")]);
            assert!(!proxy.log().contains(secret), "{}", proxy.log());
        }
        let requests = engine.requests().concat().to_lowercase();
        assert!(!requests.contains("authorization"), "{requests}");
    }
}

#[test]
fn no_secrets_let_nobody_in() {
    for program in PROGRAMS {
        for text in ["", "# none\n", "\"\" nobody;\n"] {
            let files = Files::default();
            files.put_secrets(text);
            let proxy = files.start((program, "bearer"), "127.0.0.1:1");
            for header in ["x: y", "authorization: Bearer ", "authorization: "] {
                let client = proxy.stranger().with_header(header);
                let answer = client.ask(&listed(), "", b"");
                answer.expect("an answer").check(401);
            }
            proxy.ask(&listed(), "", b"").check(401);
        }
    }
}

#[test]
fn a_proxy_without_its_files_does_not_start() {
    for program in PROGRAMS {
        let key = match program {
            "nginx" => "server-key.pem",
            _ => "server.pem.key",
        };
        for (auth, missing) in [
            ("bearer", "bearer"),
            ("certificate", "ca.pem"),
            ("certificate", "server.pem"),
            ("certificate", key),
        ] {
            let files = Files::default();
            std::fs::remove_file(files.path(missing)).expect("it was there");
            let said = files.start_in_vain((program, auth));
            // HAProxy names the certificate whose key it does not find.
            let name = missing.trim_end_matches(".key");
            assert!(said.contains(name), "{program} without {missing}: {said}");
        }
    }
}
