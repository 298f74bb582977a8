//! The contents of the page, as the values of its templates.

use std::collections::BTreeMap;
use std::time::Duration;

use askama::Template;
use time::OffsetDateTime;

use super::words;
use crate::config::Config;
use crate::docker::swarm::node::Node;
use crate::environment_id::{canonical, is_id};
use crate::provision::Overview;
use crate::target_view::{ShownState, TargetView};

// The template keeps only one character of white space between tags, because a thousand
// rows have much of it.
#[derive(Template)]
#[template(path = "page.html", whitespace = "minimize")]
pub struct Page<'a> {
    style: &'a str,
    deployment: &'a str,
    warnings: Vec<String>,
    /// How many targets live, and how many may.
    live: usize,
    max: usize,
    /// The same for the chosen environment, if it has a limit of its own.
    of_environment: Option<(usize, usize)>,
    engine: Option<&'a str>,
    /// None on an Engine.
    nodes: &'a [Node],
    are_nodes_told: bool,
    /// Whether targets are on nodes.
    has_nodes: bool,
    has_endpoints: bool,
    now: Option<String>,
    is_filtered: bool,
    choices: Vec<Choice<'a>>,
    /// The headings, in the order of a row's values.
    columns: &'a [&'static str],
    rows: Vec<Row<'a>>,
}

/// The page for an error.
#[derive(Template)]
#[template(path = "failure.html", whitespace = "minimize")]
pub struct Failure<'a> {
    pub style: &'static str,
    pub deployment: &'a str,
    pub warnings: Vec<String>,
    pub message: &'static str,
    pub request_id: &'a str,
}

/// An environment to filter by.
struct Choice<'a> {
    environment: &'a str,
    is_chosen: bool,
}

const NODE: &str = "Node";
const ENDPOINTS: &str = "Endpoints";

/// The headings of the columns. Only a Swarm has nodes, and only its list of nodes can
/// fail. Only some targets have published ports.
pub fn columns(overview: &Overview) -> Vec<&'static str> {
    let mut targets = overview.targets.iter();
    let has_nodes = !matches!(&overview.nodes, Ok(nodes) if nodes.is_empty());
    let has_endpoints = targets.any(|target| !target.endpoints.is_empty());
    ["Target", "Environment", "Owner", "Image"]
        .into_iter()
        .chain(has_nodes.then_some(NODE))
        .chain(has_endpoints.then_some(ENDPOINTS))
        .chain(["State", "Age", "Expires in", "Exit code"])
        .collect()
}

/// One target.
struct Row<'a> {
    target: &'a TargetView,
    /// The id of the image, unless it is the only name of the image.
    digest: Option<&'a str>,
    /// The id of its node, and the name of the node's host, or else the id again.
    node: &'a str,
    hostname: &'a str,
    /// The result of its health check, shown after the state.
    health: &'static str,
    age: String,
    expires_in: String,
    exit: String,
}

impl<'a> Page<'a> {
    /// The page of an overview, of all environments or of one.
    pub fn new(
        config: &'a Config,
        environment: Option<&'a str>,
        overview: &'a Overview,
        columns: &'a [&'static str],
        style: &'a str,
    ) -> Self {
        let targets = || overview.targets.iter();
        let shown = || targets().filter(|target| target.is_of(environment));
        let nodes = overview.nodes.as_deref().unwrap_or_default();
        let environment_max =
            environment.and_then(|environment| config.profiles.of(environment).max_targets);
        Self {
            style,
            deployment: config.deployment_id.as_str(),
            warnings: config.warnings(),
            live: live(targets()),
            max: config.max_targets,
            of_environment: environment_max.map(|max| (live(shown()), max)),
            engine: overview.engine.as_deref(),
            nodes,
            are_nodes_told: overview.nodes.is_ok(),
            has_nodes: columns.contains(&NODE),
            has_endpoints: columns.contains(&ENDPOINTS),
            now: overview.now.map(words::moment),
            is_filtered: environment.is_some(),
            choices: choices(environment, &overview.targets),
            columns,
            rows: shown()
                .map(|target| Row::new(target, nodes, overview.now))
                .collect(),
        }
    }
}

impl<'a> Row<'a> {
    fn new(target: &'a TargetView, nodes: &'a [Node], now: Option<OffsetDateTime>) -> Self {
        let node = target.node.as_deref().unwrap_or_default();
        let on = nodes.iter().find(|known| known.id == node);
        let has_ended = target.state == ShownState::Ended;
        let left = now.map(|now| target.expires - now);
        Self {
            target,
            digest: Some(target.image_id.as_str()).filter(|digest| *digest != target.image),
            node,
            hostname: on.map_or(node, |on| &on.hostname),
            health: match target.ready {
                Some(true) => ", ready",
                Some(false) => ", not ready",
                None => "",
            },
            age: target.age.map(words::duration).unwrap_or_default(),
            expires_in: match left.map(Duration::try_from) {
                _ if has_ended => String::new(),
                None => String::new(),
                Some(Ok(left)) => words::duration(left),
                Some(Err(_)) => "it is due".to_owned(),
            },
            exit: target.exit_code.map(words::exit).unwrap_or_default(),
        }
    }
}

fn live<'a>(targets: impl Iterator<Item = &'a TargetView>) -> usize {
    targets.filter(|target| target.is_live).count()
}

/// The environments to filter by, in order, one spelling of each. The chosen one is among
/// them even if it has no target.
fn choices<'a>(chosen: Option<&'a str>, targets: &'a [TargetView]) -> Vec<Choice<'a>> {
    let used = targets.iter().map(|target| target.environment.as_str());
    let used = used.filter(|environment| is_id(environment));
    let used = used.chain(chosen);
    let mut all = BTreeMap::new();
    all.extend(used.map(|environment| (canonical(environment), environment)));
    let chosen = chosen.map(canonical);
    all.into_iter()
        .map(|(canonical, environment)| Choice {
            environment,
            is_chosen: chosen.as_ref() == Some(&canonical),
        })
        .collect()
}
