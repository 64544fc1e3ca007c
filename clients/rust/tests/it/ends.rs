//! How a worker stops, drains and is refused.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use tasker_core::{Registry, StepContext, StepError};

use crate::handlers::{long, registry};
use crate::played::{Log, Played, lease};
use crate::scripted::Reply;

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

/// A worker that was stopped while a handler ran for longer than it waits. `is_deaf`: the handler doesn't listen.
fn stopped_in_the_middle(is_deaf: bool) -> Played {
    let (begins, began) = mpsc::channel();
    let mut registry = Registry::new();
    registry.step("long", move |context: &StepContext| -> Result<(), StepError> {
        begins.send(())?;
        if is_deaf {
            thread::sleep(Duration::from_secs(5));
        }
        context.sleep(Duration::from_secs(20))
    });
    let played = Played::new();
    let worker = played.start_patient(Duration::from_millis(100), 1, registry);
    played.hand_out(lease("runs", "long"));
    began.recv().unwrap();
    worker.stop().unwrap();
    played
}

#[test]
fn a_handler_that_stops_when_it_is_told_gives_its_step_back() {
    let played = stopped_in_the_middle(false);
    assert_eq!(played.report("runs")["op"], "release");
    assert_eq!(played.requests("/v1/workers/w-1").len(), 1);
}

#[test]
fn a_step_that_runs_on_isnt_given_back() {
    let played = stopped_in_the_middle(true);
    assert_eq!(played.reports(), Vec::<Value>::new());
    assert_eq!(played.requests("/v1/workers/w-1").len(), 0);
}

#[test]
fn a_worker_that_is_given_up_while_it_stops_asks_no_faster_for_it() {
    let played = Played::oddly(|seen, _| {
        (seen.path.ends_with("/heartbeat") && seen.text.contains("draining"))
            .then(|| Reply::error(404, "WORKER_UNKNOWN"))
    });
    let (registry, began) = long();
    let worker = played.start(1, registry);
    played.hand_out(lease("runs", "long"));
    began.recv().unwrap();
    worker.stop().unwrap();
    let beats = played.requests("/heartbeat").len();
    assert!(beats < 30, "{beats}");
}

#[test]
fn a_drained_worker_takes_nothing_and_stays() {
    let played = Played::oddly(|seen, before| {
        let drain = json!({"leases": [], "directive": "drain", "lease_ms": 2000});
        (seen.path.ends_with("/heartbeat") && before == 0).then(|| Reply::ok(&drain))
    });
    let worker = played.start(1, registry());
    let draining = |log: &Log| {
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
