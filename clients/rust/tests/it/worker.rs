//! What a worker runs and reports, against a played server.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;
use tasker_core::{Registry, StepContext, StepError};

use crate::handlers::{registry, with};
use crate::played::{Played, lease};
use crate::scripted::Reply;

#[test]
fn a_step_runs_and_the_next_comes_with_its_report() {
    let played = Played::new();
    let worker = played.start(1, registry());
    for no in 0..3 {
        let context = json!({"n": 1});
        played.hand_out(with(lease(&format!("l-{no}"), "echo"), "context", context));
    }
    let report = played.report("l-2");
    assert_eq!(
        report,
        json!({"op": "complete", "lease_id": "l-2", "token": "token-l-2", "result": {"n": 1}})
    );
    worker.stop().unwrap();
    let (claims, reports) = (played.requests("/claims"), played.requests("/reports"));
    assert!(claims.iter().all(|claim| claim.body()["max"] == 1));
    assert_eq!(reports.len(), 3);
    assert!(reports.iter().all(|report| report.body()["claim"]["max"] == 1));
    let registration = played.requests("/v1/workers")[0].body();
    assert_eq!((&registration["namespaces"], &registration["slots"]), (&json!(["shop"]), &json!(1)));
    assert!(registration["handlers"].as_array().unwrap().contains(&json!({"callable": "echo"})));
}

#[test]
fn numbers_of_any_size_pass_unchanged() {
    // Written as text: no JSON library of a test may touch them.
    const CONTEXT: &str = r#"{"n":123456789012345678901234567890,"x":1e400,"y":0.10}"#;
    let text =
        with(lease("l", "echo"), "context", json!("CONTEXT")).to_string().replace("\"CONTEXT\"", CONTEXT);
    let played = Played::oddly(move |seen, before| match seen.path.rsplit('/').next()? {
        "claims" if before == 0 => Some(Reply::Json(200, format!(r#"{{"leases": [{text}]}}"#))),
        "reports" => Some(Reply::ok(&json!({"results": [{"lease_id": "l", "status": 200}]}))),
        _ => None,
    });
    let worker = played.start(1, registry());
    let told = played
        .wait_for("report", |log| log.seen.iter().find(|seen| seen.path.ends_with("/reports")).cloned());
    assert!(told.text.contains(CONTEXT), "{}", told.text);
    worker.stop().unwrap();
}

#[test]
fn each_ending_is_told_as_what_it_is() {
    let played = Played::new();
    let worker = played.start(4, registry());
    let told = |id: &str, handler: &str| {
        played.hand_out(lease(id, handler));
        played.report(id)
    };
    let error = |message: &str, kind: &str, retryable: bool| json!({"message": message, "error_type": kind, "retryable": retryable});
    assert_eq!(told("1", "panic")["error"], error("boom 1", "handler_error", true));
    assert_eq!(
        told("2", "nobody")["error"],
        error("this worker has no handler 'nobody'", "handler_not_found", false)
    );
    let permanent = told("3", "permanent")["error"].clone();
    assert_eq!((&permanent["error_code"], &permanent["context"]), (&json!("E_NEVER"), &json!({"card": 1})));
    assert_eq!(
        (&permanent["error_type"], &permanent["retryable"]),
        (&json!("permanent_error"), &json!(false))
    );
    let retryable = told("4", "retryable")["error"].clone();
    assert_eq!((&retryable["retry_after_ms"], &retryable["retryable"]), (&json!(1500), &json!(true)));
    let checkpoint = told("5", "pages");
    assert_eq!((&checkpoint["op"], &checkpoint["cursor"]), (&json!("checkpoint"), &json!(7)));
    assert_eq!(checkpoint["accumulated_results"], json!({"pages": 1}));
    played.hand_out(with(lease("6", "number"), "context", json!({"ms": "x"})));
    assert_eq!(played.report("6")["error"]["error_type"], "validation_error");
    worker.stop().unwrap();
}

#[test]
fn a_report_whose_answer_is_lost_is_told_again_as_it_was() {
    let runs = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&runs);
    let mut registry = Registry::new();
    registry.step("count", move |_: &StepContext| -> Result<usize, StepError> {
        Ok(count.fetch_add(1, Ordering::SeqCst))
    });
    let played = Played::oddly(|seen, before| match (seen.path.ends_with("/reports"), before) {
        (true, 0) => Some(Reply::HangUp),
        (true, 1) => Some(Reply::error(500, "INTERNAL_ERROR")),
        _ => None,
    });
    let worker = played.start(2, registry);
    played.hand_out(lease("l", "count"));
    played.report("l");
    worker.stop().unwrap();
    let told = played.requests("/reports");
    assert!(told.len() == 3 && told.iter().all(|again| again.text == told[0].text), "{told:#?}");
    assert_eq!(runs.load(Ordering::SeqCst), 1);
}

#[test]
fn a_claim_whose_answer_is_lost_is_asked_for_by_the_same_id() {
    let played = Played::oddly(|seen, before| {
        (seen.path.ends_with("/claims") && before == 0).then_some(Reply::HangUp)
    });
    let worker = played.start(2, registry());
    played.hand_out(lease("l", "echo"));
    played.report("l");
    worker.stop().unwrap();
    let claims = played.requests("/claims");
    assert_eq!(claims[0].text, claims[1].text);
    assert!(claims.iter().skip(2).all(|claim| claim.text != claims[0].text));
}

#[test]
fn an_attempt_that_takes_too_long_is_told_as_such_once() {
    let played = Played::new();
    let worker = played.start(2, registry());
    let slow = with(lease("l", "sleep"), "context", json!({"ms": 300}));
    played.hand_out(with(slow, "timeout_ms", json!(50)));
    let error = played.report("l")["error"].clone();
    assert_eq!((&error["error_type"], &error["retryable"]), (&json!("timeout"), &json!(true)));
    worker.stop().unwrap();
    assert_eq!(played.reports().len(), 1);
}

#[test]
fn a_result_that_cant_be_kept_fails_the_step() {
    let played = Played::oddly(|seen, before| {
        let results =
            json!([{"lease_id": "l", "status": 413, "code": "PAYLOAD_TOO_LARGE", "message": "at most 9"}]);
        (seen.path.ends_with("/reports") && before == 0).then(|| Reply::ok(&json!({"results": results})))
    });
    let worker = played.start(1, registry());
    played.hand_out(lease("l", "echo"));
    let error = played.report("l")["error"].clone();
    assert_eq!(
        error,
        json!({"message": "at most 9", "error_type": "serialization_error", "retryable": false})
    );
    worker.stop().unwrap();
}

#[test]
fn a_body_that_is_refused_costs_only_who_spoils_it() {
    let played = Played::oddly(|seen, _| {
        let spoiled = seen.path.ends_with("/reports") && seen.text.contains("spoiled\"}}");
        spoiled.then(|| Reply::error(413, "PAYLOAD_TOO_LARGE"))
    });
    let worker = played.start(8, registry());
    for no in 0..8 {
        let text = if no == 3 { "spoiled" } else { "good" };
        played.hand_out(with(lease(&format!("l-{no}"), "echo"), "context", json!({"text": text})));
    }
    played.wait_for("all reports", |log| (log.reports.len() == 8).then_some(()));
    worker.stop().unwrap();
    for report in played.reports() {
        let expected = if report["lease_id"] == "l-3" { "fail" } else { "complete" };
        assert_eq!(report["op"], expected, "{report}");
    }
}
