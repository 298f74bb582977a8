//! The page: what it shows, hides and permits.

use http::header::{CACHE_CONTROL, RETRY_AFTER};
use time::OffsetDateTime;

use super::*;
use crate::config::tests::config;
use crate::docker::ports::Port;
use crate::docker::swarm::node::tests::node;
use crate::docker::target::tests::aged;
use crate::fault::Fault;
use crate::target_view::{Endpoint, TargetView};

/// Text that would become elements, attributes or a style without the escapes.
const PLANTED: &str =
    r#""'><script>alert(1)</script><img src=x onerror=alert(2)>&lt;{{7*7}}</style>"#;

const CREATED: i64 = 1_795_395_600;

/// A target that was created an hour ago.
fn target(state: &str, environment: &str) -> TargetView {
    let labels = [
        ("dynamic-access.environment-id", environment),
        ("dynamic-access.max-lifetime", "28800"),
    ];
    TargetView::new(&aged(state, Some(3_600), &labels), &config(&[]))
}

fn overview(targets: Vec<TargetView>) -> Overview {
    Overview {
        engine: Some("Docker 28.0.1".to_owned()),
        now: OffsetDateTime::from_unix_timestamp(CREATED + 3_600).ok(),
        nodes: Ok(Vec::new()),
        targets,
    }
}

fn text(response: &HttpResponse) -> String {
    String::from_utf8(response.body().clone()).expect("text")
}

fn shown(environment: Option<&str>, overview: &Overview) -> String {
    text(&targets(&config(&[]), environment, overview))
}

/// Checks that a page has these parts, one in each line, and not those after `! `.
#[track_caller]
fn check(html: &str, parts: &str) {
    for part in parts.lines().map(str::trim).filter(|part| !part.is_empty()) {
        let (part, expected) = match part.strip_prefix("! ") {
            Some(absent) => (absent, false),
            None => (part, true),
        };
        let part = part.replace("\\n", "\n");
        assert_eq!(html.contains(&part), expected, "{part}: {html}");
    }
}

#[test]
fn a_target_is_shown_with_all_that_is_known_of_it() {
    let mut ended = target("exited", "e");
    ended.exit_code = Some(137);
    let html = shown(None, &overview(vec![target("running", "e"), ended]));
    check(
        &html,
        r#"<title>1 of 100 targets · Dynamic Access</title>
        <b>1</b> of 100
        Docker 28.0.1
        2026-11-23 02:00:00 UTC
        2 targets, the oldest first
        <code title="0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef">0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef</code>
        agent <code title="sha256:0123">sha256:0123</code>
        <td>1 h</td>\n<td>7 h</td>\n<td></td>
        <td>1 h</td>\n<td></td>\n<td>137: killed, perhaps out of memory</td>
        <dt>Unsafe settings</dt><dd>none</dd>
        ! Node
        ! Endpoints"#,
    );
}

#[test]
fn a_state_has_what_the_health_check_says() {
    for (ready, text) in [
        (Some(true), ">running, ready<"),
        (Some(false), ">running, not ready<"),
        (None, ">running<"),
    ] {
        let mut target = target("running", "e");
        target.ready = ready;
        check(&shown(None, &overview(vec![target])), text);
    }
}

#[test]
fn the_nodes_of_a_swarm_are_shown_and_which_a_target_is_on() {
    let mut on = target("running", "e");
    on.node = Some("a".to_owned());
    let nodes = [("a", Some(true)), ("b", Some(false)), ("c", None)];
    let nodes = nodes.map(|(id, takes_targets)| node(id, takes_targets));
    let mut overview = Overview {
        nodes: Ok(nodes.to_vec()),
        ..overview(vec![on])
    };
    check(
        &shown(None, &overview),
        r#"<span title="a">host-a</span>,
        , <span title="b">host-b</span> (takes no targets),
        , <span title="c">host-c</span> (not known at the moment)<
        <th scope="col">Node</th>
        <td title="a">host-a</td>"#,
    );
    overview.nodes = Err(Fault::TimedOut);
    let html = shown(None, &overview);
    check(
        &html,
        "The Swarm does not list them\n<td title=\"a\">a</td>",
    );
}

#[test]
fn endpoints_are_shown_if_a_target_has_one() {
    let mut open = target("running", "e");
    let endpoint = |(name, spec, host): (&str, &str, &str)| Endpoint {
        port: Port::parse(name, spec).expect("a port"),
        host: host.to_owned(),
        host_port: 40109,
    };
    let endpoints = [
        ("dns", "53/udp", "2001:db8::1"),
        ("ssh", "22/tcp", "192.0.2.1"),
    ];
    open.endpoints = endpoints.map(endpoint).to_vec();
    check(
        &shown(None, &overview(vec![open, target("running", "e")])),
        r#"<th scope="col">Endpoints</th>
        <td>dns [2001:db8::1]:40109/udp, ssh 192.0.2.1:40109/tcp</td>
        <td></td>"#,
    );
}

#[test]
fn each_value_is_under_the_heading_of_its_column_also_on_a_phone() {
    let mut ended = target("exited", "e");
    (ended.owner, ended.node) = (Some("o".to_owned()), Some("n".to_owned()));
    ended.exit_code = Some(0);
    let image = r#"agent <code title="sha256:0123">sha256:0123</code>"#;
    let on_node = r#"<td title="n">host-n</td>"#;
    for (nodes, heading, cell) in [
        (vec![], "", ""),
        (vec![node("n", Some(true))], "Node ", on_node),
    ] {
        let overview = Overview {
            nodes: Ok(nodes),
            ..overview(vec![ended.clone()])
        };
        let html = shown(None, &overview);
        let headings = format!("Target Environment Owner Image {heading}State Age");
        let headings = headings.split(' ').chain(["Expires in", "Exit code"]);
        let head = |heading| format!("<th scope=\"col\">{heading}</th>");
        let heads: String = headings.clone().map(head).collect();
        assert!(html.contains(&format!("<tr>{heads}</tr>")), "{html}");
        for (index, heading) in headings.enumerate() {
            let rule = format!(
                ":nth-child({})::before {{ content: \"{heading}\"",
                index + 1
            );
            assert!(html.contains(&rule), "{rule}: {html}");
        }
        let row = format!(
            "</th><td>e</td><td>o</td><td>{image}</td>{cell}<td class=\"ended\">ended</td><td>1 h</td><td></td><td>0: ended by itself</td>"
        );
        assert!(html.replace('\n', "").contains(&row), "{row}: {html}");
    }
}

#[test]
fn what_is_not_known_of_a_target_is_left_out() {
    let mut unknown = target("running", "e");
    unknown.age = None;
    unknown.image = unknown.image_id.clone();
    let overview = Overview {
        engine: None,
        now: None,
        nodes: Ok(Vec::new()),
        targets: vec![unknown.clone()],
    };
    check(
        &shown(None, &overview),
        r"<td></td>\n<td></td>\n<td></td>
        <td>sha256:0123</td>
        Its version is unknown
        answer has no time",
    );
    let overview = Overview {
        now: OffsetDateTime::from_unix_timestamp(CREATED + 28_801).ok(),
        ..overview
    };
    check(&shown(None, &overview), "<td>it is due</td>");
}

#[test]
fn planted_markup_is_shown_as_text() {
    let mut planted = target("running", PLANTED);
    planted.image = PLANTED.to_owned();
    planted.image_id = PLANTED.to_uppercase();
    let overview = Overview {
        engine: Some(PLANTED.to_owned()),
        ..overview(vec![planted])
    };
    for environment in [None, Some(PLANTED)] {
        let html = shown(environment, &overview);
        let lower = html.to_lowercase();
        assert_eq!(lower.matches("</style>").count(), 1, "{html}");
        check(&lower, "! <script\n! <img\n! \"'>\n! &lt;{{");
        check(&html, "&#60;script&#62;alert(1)");
    }
}

#[test]
fn a_filter_shows_one_environment_and_counts_all() {
    const ID: &str = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0";
    let all = overview(vec![
        target("running", ID),
        target("running", "b"),
        target("running", &ID.to_uppercase()),
        target("running", "<b>"),
    ]);
    let environments = r#"{"0f1e2d3c4b5a69788796a5b4c3d2e1f0":{"max_targets":5}}"#;
    let config = config(&[("environments", environments)]);
    let html = text(&targets(&config, Some(ID), &all));
    assert_eq!(html.matches("<tr>").count(), 3, "{html}");
    assert_eq!(html.matches("<option").count(), 3, "{html}");
    check(&html, "<b>4</b> of 100\n<b>2</b> of 5\n<option selected>");
    let html = text(&targets(&config, Some("c"), &all));
    let none = "<option selected>c</option>\nno targets of this environment\n! <table";
    check(&html, none);
}

#[test]
fn a_limit_that_refuses_new_starts_is_told() {
    for (max, told) in [
        ("0", Some("max_targets is 0")),
        ("1", Some("The limit is reached")),
        ("2", None),
    ] {
        let config = config(&[("max_targets", max)]);
        let all = overview(vec![target("running", "e")]);
        let html = text(&targets(&config, None, &all));
        let refuses = html.contains("new starts are refused");
        assert_eq!(refuses, told.is_some(), "{html}");
        assert!(html.contains(told.unwrap_or_default()), "{html}");
        assert_eq!(html.contains("<meter"), max != "0", "{html}");
    }
}

#[test]
fn what_is_unsafe_is_on_every_page() {
    let config = config(&[("container_patch_unsafe", "allow")]);
    let error = Error::from(Fault::Unreachable("planted".to_owned()));
    let failed = failure(&config, &error, "id-of-the-request");
    assert_eq!(failed.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(failed.headers()[RETRY_AFTER], "10");
    let shown = format!("id-of-the-request\n{}\n! planted", error.message());
    check(&text(&failed), &shown);
    for page in [failed, targets(&config, None, &overview(vec![]))] {
        check(&text(&page), "<li>container_patch_unsafe");
    }
}

#[test]
fn a_page_may_do_nothing_but_what_it_needs() {
    let error = Error::from(Fault::TimedOut);
    for response in [
        targets(&config(&[]), None, &overview(vec![])),
        failure(&config(&[]), &error, "id"),
    ] {
        let headers = response.headers();
        assert_eq!(headers[CACHE_CONTROL], "no-store");
        assert_eq!(headers[REFERRER_POLICY], "no-referrer");
        assert_eq!(headers[X_CONTENT_TYPE_OPTIONS], "nosniff");
        let html = text(&response);
        let (_, rest) = html.split_once("<style>").expect("a style");
        let (style, rest) = rest.split_once("</style>").expect("its end");
        assert!(!rest.contains("<style") && !html.contains("style="));
        let digest = STANDARD.encode(Sha256::digest(style));
        let policy = headers[CONTENT_SECURITY_POLICY].to_str().expect("text");
        assert!(policy.starts_with("default-src 'none'; "), "{policy}");
        for part in [
            &format!("style-src 'sha256-{digest}'"),
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        ] {
            assert!(policy.contains(part), "{policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
    }
}

#[test]
fn a_page_has_about_half_a_kilobyte_for_each_target() {
    let id = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0";
    let mut one = target("running", id);
    one.image = "registry.example.com/team/agent:1.2.3".to_owned();
    one.image_id = format!("sha256:{}", one.id.as_str());
    let size = |count| shown(None, &overview(vec![one.clone(); count])).len();
    let sizes = [0, 1, 1_000].map(size);
    assert!(sizes[0] < 8_000 && sizes[2] < 600_000, "{sizes:?}");
}
