//! Requests in words, and what comes of each as a status and a text.
//!
//! `start`, by the webhook or with a body of `/v1/targets`; `start and wait`; `stop`;
//! `renew 60s`; `wait 20s until ready` or `ended`; `show` one target and `list` all;
//! `page`, of all environments or of one; `reap`, and `reap after an answer`; `health`;
//! `scrape`. After `stop` and `show` may be the id of another target.

use std::time::Duration;

use dynamic_access::api;
use dynamic_access::docker::TargetId;
use dynamic_access::error::Error;
use dynamic_access::log_line::reap_lines;
use dynamic_access::metrics;
use dynamic_access::order::StartOrder;
use dynamic_access::platform::Platform;
use dynamic_access::provision::Provisioner;
use dynamic_access::reaper::{Report, Scope, reap};
use dynamic_access::secret::Secret;
use dynamic_access::target_view::{Awaited, Filter, TargetView};

use crate::replies::{ID, SERVICE, words_of};
use crate::script::Script;

/// The outcome of a request: a status, and a text.
pub type Outcome = Result<(u16, String), Error>;

/// Makes a request, by the caller with the token of the script.
pub async fn outcome(provisioner: &Provisioner<'_, Script>, request: &str) -> Outcome {
    let is_service = provisioner.backend.has_nodes();
    let own = TargetId::parse(if is_service { SERVICE } else { ID }).expect("an id");
    let by_id = |id: &str| match id {
        "" => own.clone(),
        id => TargetId::parse(id).expect("an id"),
    };
    let token = Secret::new("a-token");
    let url = "https://host".to_owned();
    let by_webhook = StartOrder::of_webhook(url, token.clone(), "e".to_owned());
    let text = match words_of(request) {
        ("start", "and wait") => {
            let started = provisioner.start(&by_webhook).await?;
            let target = TargetView::new(&started.container, provisioner.config);
            let timeout = Duration::from_secs(20);
            told(&provisioner.wait_until_ready(target, timeout).await)
        }
        ("start", body) => {
            let order = match body {
                "" => by_webhook,
                body => api::body::parse_start(token, body.as_bytes())?,
            };
            let started = provisioner.start(&order).await?;
            assert_eq!(started.container.id, own);
            let status = if started.is_new { 201 } else { 200 };
            return Ok((status, format!("warnings {:?}", started.warnings)));
        }
        ("stop", id) => {
            provisioner.stop(&by_id(id)).await?;
            String::new()
        }
        ("renew", lifetime) => {
            let target = provisioner.renew(&own, seconds(lifetime)).await?;
            format!("renewed {:?}", target.renewed)
        }
        ("wait", condition) => {
            let (timeout, condition) = condition.split_once(" until ").expect("a condition");
            let awaited = match condition {
                "ready" => Awaited::Ready,
                "ended" => Awaited::Ended,
                _ => panic!("no wait until {condition}"),
            };
            told(&provisioner.wait(&own, awaited, seconds(timeout)).await?)
        }
        ("show", id) => told(&provisioner.target(&by_id(id)).await?),
        ("list", "") => all_told(&provisioner.targets(&Filter::default()).await?),
        ("page", environment) => {
            let environment = Some(environment).filter(|id| !id.is_empty());
            let overview = provisioner.overview(environment).await?;
            let targets = all_told(&overview.targets);
            format!("{targets}, nodes known: {}", overview.nodes.is_ok())
        }
        ("reap", scope) => {
            let scope = match scope {
                "" => Scope::whole(false),
                "after an answer" => Scope::AFTER_ANSWER,
                _ => panic!("no reap {scope}"),
            };
            reaped(&reap(&provisioner.backend, scope).await?)
        }
        ("health", "") => {
            let notes = provisioner.health().await?;
            format!("{} notes: {}", notes.len(), notes.join(" "))
        }
        ("scrape", "") => return Ok(scraped(provisioner).await),
        _ => panic!("an unknown request {request}"),
    };
    Ok((200, text))
}

fn seconds(text: &str) -> Duration {
    let number = text
        .strip_suffix('s')
        .and_then(|number| number.parse().ok());
    Duration::from_secs(number.expect("seconds"))
}

fn told(target: &TargetView) -> String {
    let lifetime = (target.expires - target.created).whole_seconds();
    let endpoints: Vec<_> = target.endpoints.iter().map(ToString::to_string).collect();
    format!("lives {lifetime} s, endpoints {endpoints:?}, {target:?}")
}

fn all_told(targets: &[TargetView]) -> String {
    let all: Vec<_> = targets.iter().map(told).collect();
    format!("{} targets: {}", all.len(), all.join(" and "))
}

/// What a reap has done, and the lines and the notes of the log.
fn reaped(report: &Report) -> String {
    let (removed, failed) = (report.removed.len(), report.failed.len());
    let Report {
        found,
        left,
        left_over,
        ..
    } = report;
    let (events, notes) = (reap_lines("id", None, report, &[]), report.notes(false));
    format!(
        "{removed} removed, {failed} failed, {left} left, {left_over} left over of {found}; \
         events [{}], notes {notes:?}",
        events.join(" ")
    )
}

/// The metrics, each line with a `;` at its end, and then the faults for the log.
async fn scraped(provisioner: &Provisioner<'_, Script>) -> (u16, String) {
    let readings = provisioner.readings().await;
    // Prometheus gives up after ten seconds, and would report this server as down.
    assert!(provisioner.platform.now() < Duration::from_secs(9));
    let answer = metrics::answer(provisioner.config, &readings);
    let text = String::from_utf8(answer.body().clone()).expect("text");
    let version = concat!(r#"build_info{version=""#, env!("CARGO_PKG_VERSION"), '"');
    assert!(text.contains(version), "{text}");
    let text = text.replace('\n', ";");
    let faults: Vec<_> = readings.faults.iter().map(ToString::to_string).collect();
    let text = format!("{text} {} faults: {}", faults.len(), faults.join(" "));
    (answer.status().as_u16(), text)
}
