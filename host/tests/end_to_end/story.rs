//! A whole visit: a stand-in for BastionZero's service, the shipped component, a real Engine, and an
//! agent that registers, comes online, and goes offline.

use stand_in_service::{Service, Webhooks, story};
use test_support::markdown;
use test_support::prelude::*;

/// The network that targets join.
const NETWORK: &str = "dynamic-access";

/// A step with another word in place of a target's id, which differs in each visit.
fn without_id(step: &str) -> String {
    let is_id = |word: &str| word.len() == 12 && word.bytes().all(|it| it.is_ascii_hexdigit());
    let words = step.split(' ');
    let words = words.map(|word| if is_id(word) { "ID" } else { word });
    Vec::from_iter(words).join(" ")
}

#[test]
fn a_visit_goes_as_the_readme_shows_it() {
    let deployment = Deployment::given();
    let gateway = deployment.engine.gateway(NETWORK);
    let service = Service::listen((gateway, 0).into()).expect("an address of this machine");
    let server = deployment.server(&[("service_urls", service.url())]);
    let webhooks = Webhooks::new(server.address(), SECRET);
    let mut told = Vec::new();
    let end = story::tell(&webhooks, &service, |step| told.push(without_id(step)));
    end.expect("the story comes to its end");
    // Without their times.
    let demo = markdown::block(include_str!("../../../README.md"), "text", "");
    let steps = demo.lines().filter_map(|line| line.split_once(" s  "));
    let shown: Vec<_> = steps.map(|(_, step)| without_id(step)).collect();
    assert_eq!(told, shown);
    deployment.check_empty();
}
