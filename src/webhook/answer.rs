//! The answers to successful webhooks.

use http::StatusCode;
use serde_json::json;

use crate::answer::json_answer;
use crate::docker::TargetId;
use crate::platform::HttpResponse;
use crate::reaper::{Reason, Report};

/// The answer to a successful start.
pub fn started(id: &TargetId) -> HttpResponse {
    json_answer(StatusCode::OK, &json!({"uniqueId": id.as_str()}))
}

/// The answer to a successful stop or health check.
pub fn done() -> HttpResponse {
    json_answer(StatusCode::OK, &json!({}))
}

/// The answer to a reap: what was removed, or would be removed, and why.
pub fn reaped(report: &Report, dry_run: bool) -> HttpResponse {
    let entry = |id: &TargetId, reason: &Reason| {
        let mut entry = json!({"uniqueId": id.as_str(), "reason": reason.to_string()});
        if let Some(code) = reason.exit_code() {
            entry["exitCode"] = json!(code);
        }
        entry
    };
    let removed = report.removed.iter();
    let removed = removed.map(|(found, reason)| entry(&found.id, reason));
    // The Engine's message about a failure is only for the log.
    let failed = report.failed.iter();
    let failed = failed.map(|(found, reason, _)| entry(&found.id, reason));
    let body = json!({
        "dryRun": dry_run,
        "found": report.found,
        "left": report.left,
        "removed": removed.collect::<Vec<_>>(),
        "failed": failed.collect::<Vec<_>>(),
    });
    json_answer(StatusCode::OK, &body)
}

#[cfg(test)]
mod tests {
    use http::header::CONTENT_TYPE;

    use super::*;
    use crate::docker::target::tests::{ID, aged, id};
    use crate::fault::Fault;

    #[test]
    fn a_reap_reports_what_was_removed_and_why() {
        let found = aged("exited", None, &[]);
        let report = Report {
            removed: vec![
                (found.clone(), Reason::NeverStarted),
                (found.clone(), Reason::Ended { exit_code: Some(3) }),
            ],
            failed: vec![(found, Reason::Expired, Fault::Broken("planted".to_owned()))],
            found: 4,
            left: 1,
            ..Report::default()
        };
        let body: serde_json::Value =
            serde_json::from_slice(reaped(&report, true).body()).expect("json");
        let expected = json!({
            "dryRun": true,
            "found": 4,
            "left": 1,
            "removed": [
                {"uniqueId": ID, "reason": "never started"},
                {"uniqueId": ID, "reason": "ended with exit code 3", "exitCode": 3},
            ],
            "failed": [{"uniqueId": ID, "reason": "past its lifetime"}],
        });
        assert_eq!(body, expected);
    }

    #[test]
    fn success_is_exactly_what_the_contract_says() {
        let expected = format!(r#"{{"uniqueId":"{ID}"}}"#);
        assert_eq!(started(&id()).body(), expected.as_bytes());
        assert_eq!(started(&id()).status(), StatusCode::OK);
        assert_eq!(done().body(), b"{}");
        assert_eq!(done().status(), StatusCode::OK);
        assert_eq!(done().headers()[CONTENT_TYPE], "application/json");
    }
}
