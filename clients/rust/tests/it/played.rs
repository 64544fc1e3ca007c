//! A server's half of the worker protocol, played for a test.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tasker_core::{Registry, RunningWorker, Settings, Worker};

use crate::scripted::{Reply, Seen, serve};

/// Longer than any test takes.
const PATIENCE: Duration = Duration::from_secs(10);
const WAIT: Duration = Duration::from_millis(300);

#[derive(Default)]
pub struct Log {
    ready: VecDeque<Value>,
    pub seen: Vec<Seen>,
    pub reports: Vec<Value>,
    lease_ms: u64,
    registrations: usize,
    polls: usize,
    pub most_polls: usize,
}

/// A server that hands out what it is given. `odd` may answer a request another way first.
#[derive(Clone)]
pub struct Played {
    pub url: String,
    shared: Arc<(Mutex<Log>, Condvar)>,
}

impl Played {
    pub fn new() -> Self {
        Self::oddly(|_, _| None)
    }

    /// `odd` is told each request and how many of its path came before.
    pub fn oddly(odd: impl Fn(&Seen, usize) -> Option<Reply> + Send + Sync + 'static) -> Self {
        let log = Log { lease_ms: 2_000, ..Log::default() };
        let shared = Arc::new((Mutex::new(log), Condvar::new()));
        let there = Arc::clone(&shared);
        let url = serve(move |seen| {
            let before = {
                let mut log = there.0.lock().unwrap();
                log.seen.push(seen.clone());
                there.1.notify_all();
                log.seen.iter().filter(|other| other.path == seen.path && other.method == seen.method).count()
                    - 1
            };
            odd(seen, before).unwrap_or_else(|| answer(&there, seen))
        });
        Self { url, shared }
    }

    /// Leases end so long after a heartbeat.
    pub fn with_lease_ms(self, lease_ms: u64) -> Self {
        self.shared.0.lock().unwrap().lease_ms = lease_ms;
        self
    }

    pub fn start(&self, slots: usize, registry: Registry) -> RunningWorker {
        self.start_patient(Duration::from_secs(5), slots, registry)
    }

    /// One whose stop waits so long for what runs.
    pub fn start_patient(&self, patience: Duration, slots: usize, registry: Registry) -> RunningWorker {
        let worker = Worker::new(registry).slots(slots).namespaces(["shop"]).name("test");
        worker.shutdown_timeout(patience).start(&Settings::new().url(&self.url)).unwrap()
    }

    pub fn hand_out(&self, lease: Value) {
        self.shared.0.lock().unwrap().ready.push_back(lease);
        self.shared.1.notify_all();
    }

    /// What `look` finds in the log, as soon as it finds something.
    pub fn wait_for<T>(&self, what: &str, mut look: impl FnMut(&Log) -> Option<T>) -> T {
        let end = Instant::now() + PATIENCE;
        let mut log = self.shared.0.lock().unwrap();
        loop {
            if let Some(found) = look(&log) {
                return found;
            }
            let left = end.saturating_duration_since(Instant::now());
            let seen: Vec<_> =
                log.seen.iter().map(|seen| format!("{} {} {}", seen.method, seen.path, seen.text)).collect();
            assert!(!left.is_zero(), "no {what} among {seen:#?}");
            log = self.shared.1.wait_timeout(log, left).unwrap().0;
        }
    }

    pub fn report(&self, lease_id: &str) -> Value {
        self.wait_for("report", |log| {
            log.reports.iter().find(|report| report["lease_id"] == lease_id).cloned()
        })
    }

    pub fn requests(&self, end_of_path: &str) -> Vec<Seen> {
        let log = self.shared.0.lock().unwrap();
        log.seen.iter().filter(|seen| seen.path.ends_with(end_of_path)).cloned().collect()
    }

    pub fn reports(&self) -> Vec<Value> {
        self.shared.0.lock().unwrap().reports.clone()
    }
}

/// A lease of step `id`, whose handler is `handler`.
pub fn lease(id: &str, handler: &str) -> Value {
    json!({
        "lease_id": id, "token": format!("token-{id}"), "fence": 1, "lease_ms": 2000, "timeout_ms": null,
        "task_uuid": "019ab1f2-8b1e-7d10-8f00-0242ac120002", "step_uuid": "311a7a00-55b4-5519-86f8-4065d1074f45",
        "namespace": "shop", "template": {"name": "checkout", "version": "1.0.0"}, "step": "pay", "handler": handler,
        "method": null, "attempt": 1, "max_attempts": 3, "context": {"ms": 20}, "dependency_results": {},
        "step_config": {}, "inputs": null, "checkpoint": null, "idempotency_key": format!("key-{id}"),
        "correlation_id": null, "traceparent": null, "of_tomorrow": {"x": 1},
    })
}

fn answer(shared: &(Mutex<Log>, Condvar), seen: &Seen) -> Reply {
    let body = seen.body();
    let (mutex, changed) = shared;
    let mut log = mutex.lock().unwrap();
    let current = format!("/w-{}", log.registrations);
    if seen.path != "/v1/workers" && !seen.path.contains(&current) {
        return Reply::error(404, "WORKER_UNKNOWN");
    }
    match (seen.method.as_str(), seen.path.rsplit('/').next().unwrap()) {
        ("POST", "workers") => {
            log.registrations += 1;
            let (lease_ms, worker_id) = (log.lease_ms, format!("w-{}", log.registrations));
            let terms = json!({"worker_id": worker_id, "lease_ms": lease_ms, "heartbeat_ms": 100, "max_wait_ms": 300});
            Reply::Json(201, terms.to_string())
        }
        ("POST", "heartbeat") => {
            Reply::ok(&json!({"leases": [], "directive": "run", "lease_ms": log.lease_ms}))
        }
        ("POST", "claims") => {
            log.polls += 1;
            log.most_polls = log.most_polls.max(log.polls);
            log = changed.wait_timeout_while(log, WAIT, |log| log.ready.is_empty()).unwrap().0;
            log.polls -= 1;
            match claimed(&mut log, &body) {
                leases if leases.is_empty() => Reply::Nothing,
                leases => Reply::ok(&json!({"leases": leases, "more": false, "directive": "run"})),
            }
        }
        ("POST", "reports") => {
            let reports = body["reports"].as_array().unwrap().clone();
            let results: Vec<_> =
                reports.iter().map(|one| json!({"lease_id": one["lease_id"], "status": 200})).collect();
            log.reports.extend(reports);
            changed.notify_all();
            let leases = claimed(&mut log, &body["claim"]);
            Reply::ok(&json!({"results": results, "leases": leases, "more": false, "directive": "run"}))
        }
        ("DELETE", _) => Reply::ok(&json!({"released": 0})),
        _ => Reply::error(404, "NOT_FOUND"),
    }
}

fn claimed(log: &mut Log, claim: &Value) -> Vec<Value> {
    let most = claim["max"].as_u64().unwrap_or(0) as usize;
    let count = most.min(log.ready.len());
    log.ready.drain(..count).collect()
}
