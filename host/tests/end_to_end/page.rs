//! The page for people, in a real browser.

pub mod browser;

use browser::Browser;
use test_support::prelude::*;

/// When a fake Engine answers: noon, and the same in Unix time.
const NOON: &str = "Mon, 23 Nov 2026 12:00:00 GMT";
const NOON_SECONDS: u64 = 1_795_435_200;

/// Text that would become elements if it were not escaped.
const PLANTED: &str = r#""'><script>alert(1)</script><img src=x onerror=alert(2)><b id=planted>"#;

const IMAGE: &str = "registry.example.com/agents/debian:12";

/// A target of a fake Engine: its environment, its state, its age, and its exit code.
type Fake = (String, &'static str, u64, i64);

fn entry(number: usize, (environment, state, age, _): &Fake) -> Value {
    let name = format!("dynamic-access-{number}");
    json!({
        "Id": id(number),
        "Names": [format!("/{name}")],
        "State": state,
        "Created": NOON_SECONDS - age,
        "Image": IMAGE,
        "ImageID": format!("sha256:{}", id(0)),
        "Labels": {
            "dynamic-access.deployment": "dynamic-access",
            "dynamic-access.name": name,
            "dynamic-access.environment-id": environment,
            "dynamic-access.max-lifetime": "28800",
        },
    })
}

fn inspected(number: usize, (_, state, _, exit_code): &Fake) -> Value {
    json!({
        "Id": id(number),
        "Created": "2026-11-23T00:00:00Z",
        "State": {"Status": state, "ExitCode": exit_code},
        "Config": {},
    })
}

/// An id that looks like one.
fn id(number: usize) -> String {
    let number = (number as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    format!("{number:016x}").repeat(4)
}

/// An Engine with these targets.
fn fake_engine(targets: Vec<Fake>) -> FakeEngine {
    let list: Value = (targets.iter().enumerate())
        .map(|(number, target)| entry(number, target))
        .collect();
    let answer = |body: &Value| {
        let headers = format!("server: Docker/28.5.1 (linux)\r\ndate: {NOON}\r\n");
        Reply::with("200 OK", &headers, &body.to_string())
    };
    FakeEngine::start(move |line| {
        let asked = |number: &usize| line.contains(&format!("/containers/{}/json", id(*number)));
        match (0..targets.len()).find(asked) {
            Some(number) => answer(&inspected(number, &targets[number])),
            None if line.contains("/volumes?") => answer(&json!({"Volumes": null})),
            None => answer(&list),
        }
    })
}

/// A few targets of every kind.
fn a_few() -> Vec<Fake> {
    const LONG: &str = "4f0c1e62-7a55-4d1b-9e0d-2f6a3c8b7d10";
    [
        ("production", "running", 27_900, 0),
        ("production", "running", 11_520, 0),
        (LONG, "running", 9_300, 0),
        ("staging", "running", 2_460, 0),
        ("staging", "exited", 1_500, 137),
        ("production", "running", 1_140, 0),
        (LONG, "exited", 540, 127),
        ("staging", "exited", 300, 0),
        ("staging", "created", 3, 0),
    ]
    .map(|(environment, state, age, code)| (environment.to_owned(), state, age, code))
    .into()
}

#[test]
fn a_browser_asks_for_the_password_and_shows_the_targets_with_planted_markup_as_text() {
    let deployment = Deployment::given();
    let engine = &deployment.engine;
    let server = deployment.server(&[]);
    let running = server.started();
    let labels = json!({"dynamic-access.environment-id": PLANTED});
    let ended = deployment.running(labels);
    engine.kill(&ended.id);
    wait_until("the end of a target", || {
        engine.state(&ended.id).as_deref() == Some("exited")
    });
    let browser = Browser::at(&server, "/");
    let version = engine.version();
    let page = browser.text("main");
    for part in [
        "1 of 100",
        &format!("Docker {version}"),
        "2 targets, the oldest first",
        PLANTED,
    ] {
        assert!(page.contains(part), "{part} is not in {page}");
    }
    let row = |id: &str| browser.text(&format!("tr:has([title='{id}'])"));
    assert!(row(&running).contains("running"), "{page}");
    assert!(row(&ended.id).contains("137: killed"), "{page}");
    assert_eq!(browser.count("script, img, #planted, [onerror]"), 0);
    // As a person does who wants to see one environment.
    browser.run("document.querySelector('select').selectedIndex = 1; document.querySelector('button').click()");
    wait_until("the one row", || browser.count("tbody tr") == 1);
    assert!(row(&running).contains("running"));
    browser.check_clean();
}

#[test]
fn the_policy_would_stop_what_is_not_escaped() {
    let engine = fake_engine(a_few());
    let server = engine.server(&[]);
    let browser = Browser::at(&server, "/");
    browser.check_clean();
    for markup in [
        "<img src=/x onerror=alert(1)>",
        "<style>body{display:none}</style>",
        "<p style=color:red>",
        "<iframe src=/></iframe>",
    ] {
        let before = browser.complaints().len();
        let script = format!("document.body.insertAdjacentHTML('beforeend', {markup:?})");
        browser.run(&script);
        wait_until("a refusal", || {
            let new = browser.complaints().split_off(before);
            new.concat().contains("Content Security Policy")
        });
    }
    let complaints = browser.complaints().concat();
    assert!(!complaints.contains("dialog: "), "{complaints}");
}

#[test]
fn an_engine_that_is_down_is_a_page_too() {
    let server = Server::over_tcp(&[("docker_url", "http://127.0.0.1:1")]);
    let browser = Browser::at(&server, "/");
    let told = browser.text("main");
    let words = "The Docker Engine cannot be reached.";
    assert!(told.contains(words), "{told}");
    check_accessible(&browser, "an Engine that is down");
    let line = server.wait_for_line("engine_unreachable");
    assert!(line.contains("no connection to the Engine"), "{line}");
    assert!(line.contains(r#""status":503"#), "{line}");
}

#[test]
fn the_page_is_accessible_on_phones_and_screens_in_light_and_dark() {
    let none = fake_engine(Vec::new());
    let one = fake_engine(vec![("production".to_owned(), "running", 60, 0)]);
    let few = fake_engine(a_few());
    let unsafe_image = [("agent_image", IMAGE)];
    for (what, server, path) in [
        ("no target", none.server(&[("max_targets", "0")]), "/"),
        ("one target", one.server(&[("max_targets", "1")]), "/"),
        ("a few targets", few.server(&unsafe_image), "/"),
        ("an environment", few.server(&[]), "/?environment=no"),
    ] {
        let browser = Browser::at(&server, path);
        check_accessible(&browser, what);
        browser.check_clean();
    }
}

#[test]
fn a_thousand_targets_fit_a_phone_and_a_screen() {
    let target = |number| (format!("environment-{number}"), "running", number, 0);
    let engine = fake_engine((0..1_000).map(target).collect());
    let server = engine.server(&[("max_targets", "1000")]);
    let browser = Browser::at(&server, "/");
    assert_eq!(browser.count("tbody tr"), 1_000);
    assert!(browser.text("main").contains("1000 of 1000"));
    for width in [375, 1440] {
        browser.look_like(width, "light");
        check_width(&browser, width, "a thousand targets");
    }
    browser.check_clean();
}

/// Makes the picture of the README, at `PAGE_PICTURE` if that is set.
#[test]
fn the_picture_of_the_readme_is_small() {
    // The six youngest are enough to see what it shows.
    let engine = fake_engine(a_few().split_off(3));
    let image = [("agent_image", IMAGE), ("max_targets", "20")];
    let server = engine.server(&image);
    let browser = Browser::at(&server, "/");
    browser.look_like(1_000, "light");
    assert_eq!(browser.count("tbody tr"), 6);
    let picture = browser.picture(1_000);
    browser.check_clean();
    // Readers of the README load it each time.
    assert!(picture.len() < 150_000, "{} bytes", picture.len());
    if let Some(place) = std::env::var_os("PAGE_PICTURE") {
        std::fs::write(place, picture).expect("the picture is written");
    }
}

/// Lets axe-core look for what keeps people from reading the page.
#[track_caller]
fn check_accessible(browser: &Browser, what: &str) {
    let axe = std::env::var("TEST_AXE")
        .expect("TEST_AXE is not set: `cargo xtask test` says why it could not get axe-core");
    browser.run(&std::fs::read_to_string(axe).expect("axe-core"));
    for width in [375, 1440] {
        for scheme in ["light", "dark"] {
            browser.look_like(width, scheme);
            check_width(browser, width, what);
            let found = browser.evaluate("axe.run().then(({violations, incomplete}) => [violations, incomplete.filter(({id}) => id == 'color-contrast')].map(all => all.map(({id, nodes}) => [id, nodes.map(({html}) => html)])))");
            assert_eq!(found, json!([[], []]), "{what}, {width} px, {scheme}");
        }
    }
}

/// Checks that a page need not be moved sideways.
#[track_caller]
fn check_width(browser: &Browser, width: u32, what: &str) {
    let needed = browser.evaluate("document.documentElement.scrollWidth");
    let fits = needed.as_u64() <= Some(width.into());
    assert!(fits, "{what}: {needed} of {width} px");
}
