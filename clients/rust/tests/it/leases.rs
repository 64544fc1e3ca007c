//! What a worker holds, and how it loses it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;
use tasker_core::{Registry, StepContext, StepError};

use crate::handlers::{registry, with};
use crate::played::{Log, Played, lease};
use crate::scripted::Reply;

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
fn a_step_doesnt_begin_while_its_lease_may_be_gone() {
    let is_heard = Arc::new(AtomicBool::new(false));
    let hears = Arc::clone(&is_heard);
    let played = Played::oddly(move |seen, _| match seen.path.ends_with("/heartbeat") {
        true if is_heard.load(Ordering::SeqCst) => {
            Some(Reply::ok(&json!({"leases": [{"lease_id": "l", "status": "lost"}], "lease_ms": 600})))
        }
        true => Some(Reply::HangUp),
        false => None,
    });
    let played = played.with_lease_ms(600);
    let worker = played.start(2, registry());
    // Longer than a lease nobody hears of it. It is still answered, and with a step.
    thread::sleep(Duration::from_millis(700));
    played.hand_out(lease("l", "echo"));
    let names_it =
        |log: &Log| log.seen.iter().find(|seen| seen.text.contains(r#"[{"lease_id":"l"}]"#)).map(drop);
    played.wait_for("beat that names it", names_it);
    thread::sleep(Duration::from_millis(100));
    hears.store(true, Ordering::SeqCst);
    played.wait_for("beat after it", |log| {
        let beats = log.seen.iter().rev().filter(|seen| seen.path.ends_with("/heartbeat"));
        beats.take(1).find(|seen| seen.text.contains(r#""leases":[]"#)).map(drop)
    });
    played.hand_out(lease("next", "echo"));
    played.report("next");
    worker.stop().unwrap();
    assert!(played.reports().iter().all(|report| report["lease_id"] != "l"));
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
        // Room for a second poll beside one that waits, if somebody were to ask.
        thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(played.wait_for("log", |log| Some(log.most_polls)), 1);
    worker.stop().unwrap();
    assert!(played.reports().iter().all(|report| report["lease_id"] != "old"));
}

#[test]
fn a_worker_that_is_forgotten_at_once_registers_no_faster_than_it_beats() {
    let played =
        Played::oddly(|seen, _| seen.path.ends_with("/claims").then(|| Reply::error(404, "WORKER_UNKNOWN")));
    let worker = played.start(1, registry());
    thread::sleep(Duration::from_millis(500));
    worker.stop().unwrap();
    let registrations = played.requests("/v1/workers").len();
    assert!((2..10).contains(&registrations), "{registrations}");
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
