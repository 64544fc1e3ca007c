//! The worker against a played server.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tasker_core::{Json, Outcome, Registry, StepContext, StepError};

use crate::played::{Played, lease};
use crate::scripted::Reply;

fn registry() -> Registry {
    let mut registry = Registry::new();
    registry.step("echo", |context: &StepContext| -> Result<Json, StepError> { context.input() });
    registry.step("sleep", |context: &StepContext| -> Result<&str, StepError> {
        thread::sleep(Duration::from_millis(context.field("ms")?));
        Ok("slept")
    });
    registry.step("until_cancelled", |context: &StepContext| -> Result<(), StepError> {
        context.sleep(Duration::from_secs(20))
    });
    registry.step("panic", |_: &StepContext| -> Result<(), StepError> { panic!("boom {}", 1) });
    registry.step("permanent", |_: &StepContext| -> Result<(), StepError> {
        Err(StepError::permanent("never").code("E_NEVER").context(&json!({"card": 1})))
    });
    registry.step("retryable", |_: &StepContext| -> Result<(), StepError> {
        Err(StepError::retryable("busy").retry_after(Duration::from_millis(1500)))
    });
    registry.step("number", |context: &StepContext| -> Result<u8, StepError> { context.field("ms") });
    registry.step("pages", |_: &StepContext| -> Result<Outcome, StepError> {
        Outcome::checkpoint(&7, 7)?.accumulated(&json!({"pages": 1}))
    });
    registry
}

/// Handlers with a long one, and what hears of its beginning.
fn long() -> (Registry, mpsc::Receiver<()>) {
    let (begins, began) = mpsc::channel();
    let mut registry = registry();
    registry.step("long", move |_: &StepContext| -> Result<(), StepError> {
        begins.send(())?;
        thread::sleep(Duration::from_millis(500));
        Ok(())
    });
    (registry, began)
}

fn with(mut lease: Value, field: &str, value: Value) -> Value {
    lease[field] = value;
    lease
}

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
fn a_worker_holds_no_more_than_it_has_slots() {
    let running = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&running);
    let mut registry = Registry::new();
    registry.step("slow", move |_: &StepContext| -> Result<u64, StepError> {
        let now = count.fetch_add(1, Ordering::SeqCst) + 1;
        thread::sleep(Duration::from_millis(5));
        count.fetch_sub(1, Ordering::SeqCst);
        Ok(now)
    });
    let played = Played::new();
    for no in 0..60 {
        played.hand_out(lease(&format!("l-{no}"), "slow"));
    }
    let worker = played.start(4, registry);
    let reports = played.wait_for("60 reports", |log| (log.reports.len() == 60).then(|| log.reports.clone()));
    worker.stop().unwrap();
    let most = reports.iter().filter_map(|report| report["result"].as_u64()).max().unwrap();
    assert!((2..=4).contains(&most), "{most}");
    for beat in played.requests("/heartbeat") {
        assert!(beat.body()["leases"].as_array().unwrap().len() <= 8, "{}", beat.text);
    }
}

#[test]
fn a_lost_lease_stops_its_handler_and_isnt_reported() {
    for status in ["lost", "cancel"] {
        let played = Played::oddly(move |seen, _| {
            let leases = seen.body()["leases"].as_array()?.clone();
            let named = seen.path.ends_with("/heartbeat") && !leases.is_empty();
            named.then(|| {
                Reply::ok(
                    &json!({"leases": [{"lease_id": "l", "status": status}], "directive": "of_tomorrow"}),
                )
            })
        });
        let worker = played.start(1, registry());
        played.hand_out(lease("l", "until_cancelled"));
        played.wait_for("beat that names it", |log| {
            log.seen.iter().find(|seen| seen.text.contains(r#""lease_id":"l""#)).cloned()
        });
        // The one slot is free again.
        played.hand_out(lease("next", "echo"));
        played.report("next");
        worker.stop().unwrap();
        assert!(played.reports().iter().all(|report| report["lease_id"] != "l"));
    }
}

#[test]
fn a_worker_that_isnt_heard_stops_believing_in_its_leases() {
    let played = Played::oddly(|seen, before| {
        (seen.path.ends_with("/heartbeat") && before < 40).then_some(Reply::HangUp)
    });
    let worker = played.start(1, registry());
    let began = Instant::now();
    played.hand_out(lease("l", "until_cancelled"));
    // The handler stopped by itself: the step is given back, and no attempt of it is spent.
    assert_eq!(played.report("l")["op"], "release");
    assert!(began.elapsed() >= Duration::from_millis(1_500), "{:?}", began.elapsed());
    worker.stop().unwrap();
}

#[test]
fn a_forgotten_worker_registers_again_as_the_same_instance() {
    let (forgotten, hangs) = (AtomicBool::new(false), Arc::new(AtomicBool::new(true)));
    let lets_go = Arc::clone(&hangs);
    let played = Played::oddly(move |seen, _| match seen.path.as_str() {
        // The poll of the session that is over hangs, and the next one doesn't wait for it.
        "/v1/workers/w-1/claims" if !seen.text.contains("\"max\":2") => {
            while hangs.load(Ordering::SeqCst) {
                thread::sleep(Duration::from_millis(5));
            }
            Some(Reply::Nothing)
        }
        "/v1/workers/w-1/heartbeat"
            if seen.text.contains("old") && !forgotten.swap(true, Ordering::SeqCst) =>
        {
            Some(Reply::error(404, "WORKER_UNKNOWN"))
        }
        _ => None,
    });
    let worker = played.start(2, registry());
    played.hand_out(lease("old", "until_cancelled"));
    let registrations = played.wait_for("second registration", |log| {
        let paths = log.seen.iter().filter(|seen| seen.path == "/v1/workers");
        let found: Vec<_> = paths.map(|seen| seen.text.clone()).collect();
        (found.len() == 2).then_some(found)
    });
    assert_eq!(registrations[0], registrations[1]);
    played.hand_out(lease("new", "echo"));
    played.report("new");

    // The old poll ends, and isn't followed by another.
    lets_go.store(false, Ordering::SeqCst);
    for no in 0..4 {
        let slow = with(lease(&format!("slow-{no}"), "sleep"), "context", json!({"ms": 50}));
        played.hand_out(slow);
        played.report(&format!("slow-{no}"));
    }
    assert_eq!(played.wait_for("log", |log| Some(log.most_polls)), 1);
    worker.stop().unwrap();
    assert!(played.reports().iter().all(|report| report["lease_id"] != "old"));
}

#[test]
fn what_was_held_is_lost_with_a_registration_as_the_same_worker() {
    let forgotten = AtomicBool::new(false);
    let played = Played::oddly(move |seen, before| match seen.path.as_str() {
        "/v1/workers/w-1/heartbeat"
            if seen.text.contains("old") && !forgotten.swap(true, Ordering::SeqCst) =>
        {
            Some(Reply::error(404, "WORKER_UNKNOWN"))
        }
        "/v1/workers" if before == 1 => Some(Reply::ok(
            &json!({"worker_id": "w-1", "lease_ms": 2000, "heartbeat_ms": 100, "max_wait_ms": 300}),
        )),
        _ => None,
    });
    let worker = played.start(1, registry());
    played.hand_out(lease("old", "until_cancelled"));
    played.wait_for("second registration", |log| {
        log.seen.iter().filter(|seen| seen.path == "/v1/workers").nth(1).cloned()
    });
    // The one slot is free again.
    played.hand_out(lease("new", "echo"));
    played.report("new");
    worker.stop().unwrap();
    assert!(played.reports().iter().all(|report| report["lease_id"] != "old"));
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

#[test]
fn a_stop_finishes_what_runs_and_says_goodbye() {
    let (registry, began) = long();
    let played = Played::new();
    let worker = played.start(1, registry);
    played.hand_out(lease("runs", "long"));
    began.recv().unwrap();
    worker.stop().unwrap();
    assert_eq!(played.report("runs")["op"], "complete");
    let beats = played.requests("/heartbeat");
    assert!(beats.iter().any(|beat| beat.body()["state"] == "draining" && beat.text.contains("runs")));
    let last =
        played.wait_for("goodbye", |log| log.seen.iter().find(|seen| seen.method == "DELETE").cloned());
    assert_eq!(last.path, "/v1/workers/w-1");
    let reported = played.requests("/reports");
    assert!(reported.iter().all(|report| report.body()["claim"].is_null()), "{reported:#?}");
}

#[test]
fn what_comes_to_a_worker_that_stops_is_given_back() {
    let (registry, began) = long();
    let played = Played::new();
    let worker = played.start(2, registry);
    played.hand_out(lease("runs", "long"));
    began.recv().unwrap();
    // A poll for the other slot waits at the server, which answers it with a step.
    played.wait_for("second poll", |log| {
        log.seen.iter().find(|seen| seen.text.contains("\"max\":1,")).map(drop)
    });
    let handing_out = thread::spawn({
        let played = played.clone();
        move || {
            played.wait_for("draining beat", |log| {
                log.seen.iter().find(|seen| seen.text.contains("draining")).map(drop)
            });
            played.hand_out(lease("late", "long"));
        }
    });
    worker.stop().unwrap();
    handing_out.join().unwrap();
    assert_eq!(played.report("late")["op"], "release");
    assert_eq!(played.report("runs")["op"], "complete");
}

#[test]
fn a_drained_worker_takes_nothing_and_stays() {
    let played = Played::oddly(|seen, before| {
        let drain = json!({"leases": [], "directive": "drain", "lease_ms": 2000});
        (seen.path.ends_with("/heartbeat") && before == 0).then(|| Reply::ok(&drain))
    });
    let worker = played.start(1, registry());
    let draining = |log: &crate::played::Log| {
        let beats = log
            .seen
            .iter()
            .filter(|seen| seen.path.ends_with("/heartbeat") && seen.text.contains("draining"));
        (beats.count() >= 5).then_some(())
    };
    played.wait_for("draining beats", draining);
    let claims = played.requests("/claims").len();
    played.hand_out(lease("l", "echo"));
    thread::sleep(Duration::from_millis(400));
    assert_eq!(played.requests("/claims").len(), claims);
    assert!(played.requests("/v1/workers/w-1").is_empty());
    worker.stop().unwrap();
    assert_eq!(played.requests("/v1/workers/w-1").len(), 1);
}

#[test]
fn who_may_not_be_a_worker_is_told() {
    let played =
        Played::oddly(|seen, _| (seen.path == "/v1/workers").then(|| Reply::error(403, "FORBIDDEN")));
    let error = played.start(1, registry()).wait().unwrap_err();
    assert_eq!((error.status(), error.code()), (Some(403), Some("FORBIDDEN")));
}
