//! Names, references and URLs.

use super::*;

#[test]
fn a_deployment_id_is_part_of_a_dns_label_and_a_name_is_a_whole_one() {
    let texts = prop_oneof!["[a-z0-9-]{0,24}", texts()];
    for_all((texts, near_tokens()), |(text, token)| {
        let is_right = (1..=22).contains(&text.chars().count())
            && text.trim_matches('-') == text
            && text
                .chars()
                .all(|letter| "abcdefghijklmnopqrstuvwxyz0123456789-".contains(letter));
        let deployment = DeploymentId::parse(&text);
        assert_eq!(deployment.is_ok(), is_right);
        if let Ok(deployment) = deployment {
            assert_eq!(deployment.as_str(), text);
            let name = ContainerName::from_token(&deployment, &Secret::new(token));
            let digest = name.as_str().strip_prefix(&format!("{text}-"));
            let digits = digest.expect("the deployment's id and a dash come first");
            assert!(digits.len() == 40 && is_id(&format!("{digits}{}", "0".repeat(24))));
            assert!(name.as_str().len() <= 63);
        }
    });
}

/// References, as Docker's documentation describes them.
fn image_references() -> impl Strategy<Value = String> {
    concat!(
        "([a-z0-9]{1,8}(\\.[a-z]{2,5})?(:[0-9]{2,5})?/)?",
        "[a-z0-9]{1,8}([._-][a-z0-9]{1,8})?(/[a-z0-9]{1,8}(__[a-z0-9]{1,4})?){0,2}",
        "(:[A-Za-z0-9]([._-]?[A-Za-z0-9]){0,8})?(@sha256:[0-9a-f]{64})?"
    )
}

#[test]
fn an_image_reference_is_taken_as_it_is_and_stays_in_its_place_in_a_path() {
    let others = prop_oneof!["[a-zA-Z0-9./:@%?#_ -]{0,12}", texts()];
    let texts = prop_oneof![
        2 => others.prop_map(|text| (text, false)),
        3 => image_references().prop_map(|text| (text, true)),
    ];
    for_all(texts, |(text, is_right)| {
        let image = ImageReference::parse(&text);
        assert!(image.is_ok() || !is_right);
        if let Ok(image) = image {
            assert_eq!(image.as_str(), text);
            let request = image::inspect(&image).request;
            check_request(&request, &[&text]);
            assert_eq!(request.uri().path(), format!("/images/{text}/json"));
            assert_eq!(request.uri().query(), None);
        }
    });
}

#[test]
fn an_engine_url_is_taken_if_its_port_is_one() {
    let host = prop_oneof![
        "[a-z0-9]([a-z0-9.-]{0,20}[a-z0-9])?",
        any::<Ipv4Addr>().prop_map(|address| address.to_string()),
        any::<Ipv6Addr>().prop_map(|address| format!("[{address}]")),
    ];
    let parts = (
        select(&["http", "https"][..]),
        host,
        0..70_000_u32,
        select(&["", "/"][..]),
    );
    for_all(parts, |(scheme, host, port, slash)| {
        let origin = format!("{scheme}://{host}:{port}");
        let url = EngineUrl::parse(&format!("{origin}{slash}"));
        assert_eq!(url.is_ok(), (1..=65_535).contains(&port));
        if let Ok(url) = url {
            let path = "/containers/json?all=true".parse().expect("a path");
            let joined = format!("{origin}/containers/json?all=true");
            assert_eq!(url.join(path, 0).to_string(), joined);
        }
    });
}

#[test]
fn what_is_taken_as_an_engine_url_is_an_origin_and_nothing_else() {
    let near = "(http|https|HTTP|tcp)://[a-z0-9.:@/?#\\[\\]+%-]{0,12}(:[0-9+]{0,6})?[/?#a]{0,2}";
    for_all(prop_oneof![4 => near, 1 => texts()], |text| {
        if let Ok(url) = EngineUrl::parse(&text) {
            let joined = url.join("/_ping".parse().expect("a path"), 0);
            let expected = format!("{}/_ping", text.strip_suffix('/').unwrap_or(&text));
            assert!(
                joined.to_string().eq_ignore_ascii_case(&expected),
                "{joined}"
            );
            assert!(!joined.to_string().contains(['@', '+']));
            let reread: Uri = joined.to_string().parse().expect("a URI");
            assert_eq!(reread, joined);
        }
    });
}
