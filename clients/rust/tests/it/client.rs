//! The client against a scripted server.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tasker_core::{Client, Error, Json, Settings, TaskFilter, TaskRequest, TaskStatus, Uuid};

use crate::scripted::{Reply, Seen, serve};

const TASK: &str = "019ab1f2-8b1e-7d10-8f00-0242ac120002";

fn task(status: &str) -> Value {
    json!({
        "task_uuid": TASK, "name": "checkout", "namespace": "shop", "version": "1.0.0", "status": status,
        "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z", "initiator": "web",
        "source_system": "shop", "reason": "r", "correlation_id": TASK, "total_steps": 5, "of_tomorrow": [1],
    })
}

/// A client, and what was asked of its server, which answers the n-th request, from 0, by `script`.
fn asked(script: impl Fn(usize) -> Reply + Send + Sync + 'static) -> (Client, Arc<Mutex<Vec<Seen>>>) {
    let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
    let log = Arc::clone(&seen);
    let url = serve(move |request| {
        let mut log = log.lock().unwrap();
        log.push(request.clone());
        script(log.len() - 1)
    });
    (Settings::new().url(url).initiator("web").source_system("shop").client().unwrap(), seen)
}

fn uuid() -> Uuid {
    TASK.parse().unwrap()
}

#[test]
fn a_task_is_asked_for_with_all_that_the_wish_says() {
    let (client, seen) = asked(|_| Reply::Json(201, task("steps_in_process").to_string()));
    let context: Json =
        serde_json::from_str(r#"{"n":123456789012345678901234567890.50,"ü":"\u2028"}"#).unwrap();
    let wish = TaskRequest::new("checkout")
        .namespace("shop")
        .version("2.0.0")
        .context(&context)
        .reason("bought")
        .tag("a")
        .tags(["b", "c"])
        .priority(-7)
        .idempotency_key("order 1")
        .correlation_id(uuid())
        .parent_correlation_id(uuid())
        .or_existing();
    let made = client.create_task(wish).unwrap();
    assert_eq!((made.task_uuid, made.status, made.total_steps), (uuid(), TaskStatus::StepsInProcess, 5));

    let request = seen.lock().unwrap()[0].clone();
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/v1/tasks"));
    assert_eq!(request.query, "on_duplicate=return");
    // Not a digit and not a key is moved.
    assert!(request.text.contains(context.text()), "{}", request.text);
    let mut body = request.body();
    assert!(body["task_uuid"].as_str().unwrap().parse::<Uuid>().is_ok());
    let fields = body.as_object_mut().unwrap();
    fields.remove("task_uuid");
    fields.remove("context");
    let expected = json!({
        "name": "checkout", "namespace": "shop", "version": "2.0.0", "initiator": "web", "source_system": "shop",
        "reason": "bought", "tags": ["a", "b", "c"], "priority": -7, "idempotency_key": "order 1",
        "correlation_id": TASK, "parent_correlation_id": TASK,
    });
    assert_eq!(body, expected);
}

#[test]
fn a_lost_create_is_repeated_as_it_was() {
    let (client, seen) = asked(|count| match count {
        0 => Reply::HangUp,
        1 => Reply::error(503, "BACKPRESSURE"),
        _ => Reply::Json(201, task("steps_in_process").to_string()),
    });
    client.create_task(TaskRequest::new("checkout")).unwrap();
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), 3);
    assert!(seen.iter().all(|again| again.text == seen[0].text));
    assert!(seen.iter().all(|again| again.headers["x-request-id"] == seen[0].headers["x-request-id"]));
}

#[test]
fn a_server_may_say_when_to_ask_again() {
    let (client, _) = asked(|count| match count {
        0 => Reply::With(429, "Retry-After: 1", json!({"error": {"code": "TOO_MANY_REQUESTS"}}).to_string()),
        _ => Reply::ok(&task("complete")),
    });
    let began = Instant::now();
    client.get_task(uuid()).unwrap();
    assert!(began.elapsed() >= Duration::from_secs(1));
}

#[test]
fn what_is_refused_is_asked_once_and_says_why() {
    let error = json!({"error": {
        "code": "CONFLICT", "message": "it exists", "field": "idempotency_key",
        "details": {"task_uuid": TASK, "same_context": true},
    }});
    let (client, seen) = asked(move |_| Reply::Json(409, error.to_string()));
    let error = client.create_task(TaskRequest::new("checkout")).unwrap_err();
    assert_eq!(
        (error.status(), error.code(), error.field()),
        (Some(409), Some("CONFLICT"), Some("idempotency_key"))
    );
    assert_eq!(error.existing_task(), Some(uuid()));
    assert!(!error.is_retryable());
    assert_eq!(error.to_string(), "it exists (409 CONFLICT)");
    assert_eq!(seen.lock().unwrap().len(), 1);
}

#[test]
fn a_stranger_is_named_as_one() {
    let (client, _) = asked(|_| Reply::Json(200, "<html>".into()));
    assert!(matches!(client.get_task(uuid()), Err(Error::Stranger { status: 200, .. })));
    let (client, _) = asked(|_| Reply::With(302, "Location: https://login.example/", String::new()));
    let error = client.get_task(uuid()).unwrap_err();
    assert!(error.to_string().contains("leads on to https://login.example/"), "{error}");
}

#[test]
fn who_cant_be_reached_is_named() {
    let client = Settings::new()
        .url("http://127.0.0.1:9")
        .retries(1)
        .timeout(Duration::from_secs(5))
        .client()
        .unwrap();
    assert!(!client.health().healthy);
    let error = client.list_tasks(&TaskFilter::new()).unwrap_err();
    assert!(error.is_retryable());
    let text = error.to_string();
    assert!(text.starts_with("http://127.0.0.1:9 didn't answer") && text.contains("tried 2 times"), "{text}");
}

#[test]
fn a_cancel_whose_answer_was_lost_is_done() {
    let state =
        json!({"error": {"code": "INVALID_STATE", "message": "m", "details": {"state": "cancelled"}}});
    let (client, seen) = asked(move |count| match count {
        0 => Reply::HangUp,
        _ => Reply::Json(400, state.to_string()),
    });
    client.cancel_task(uuid(), "no longer wanted").unwrap();
    assert_eq!(seen.lock().unwrap()[1].query, "reason=no%20longer%20wanted&cancelled_by=web");
    // Said by somebody else before, it is a refusal.
    let error = client.cancel_task(uuid(), "again").unwrap_err();
    assert_eq!(error.code(), Some("INVALID_STATE"));
}

#[test]
fn waiting_asks_again_until_the_task_rests() {
    let (client, seen) = asked(|count| match count {
        0 => Reply::ok(&task("steps_in_process")),
        _ => Reply::ok(&task("blocked_by_failures")),
    });
    let done = client.wait(uuid(), Some(Duration::from_secs(40))).unwrap();
    assert_eq!(done.status, TaskStatus::BlockedByFailures);
    assert_eq!(seen.lock().unwrap()[0].query, "wait_ms=15000");
}

#[test]
fn waiting_ends_in_time() {
    let (client, _) = asked(|_| Reply::ok(&task("waiting_for_retry")));
    let error = client.wait(uuid(), Some(Duration::from_millis(80))).unwrap_err();
    assert!(matches!(error, Error::TimedOut { status: TaskStatus::WaitingForRetry, .. }), "{error}");
}

#[test]
fn credentials_go_with_each_request() {
    let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
    let log = Arc::clone(&seen);
    let url = serve(move |request| {
        log.lock().unwrap().push(request.clone());
        Reply::ok(&task("complete"))
    });
    let key = Settings::new().url(&url).api_key("k-1");
    key.client().unwrap().get_task(uuid()).unwrap();
    key.token("t-1").client().unwrap().get_task(uuid()).unwrap();
    let seen = seen.lock().unwrap();
    assert_eq!(seen[0].headers["x-api-key"], "k-1");
    assert_eq!(seen[1].headers["authorization"], "Bearer t-1");
    assert!(!seen[1].headers.contains_key("x-api-key"));
}

#[test]
fn settings_that_cant_be_used_name_themselves() {
    for (settings, field) in [
        (Settings::new().url("ftp://h"), "url"),
        (Settings::new().url("http://h").api_key("a\nb"), "credentials"),
        (Settings::new().url("http://h").timeout(Duration::ZERO), "timeout"),
    ] {
        assert_eq!(settings.client().unwrap_err().field(), Some(field));
    }
    let settings = Settings::new().url("http://h").token("s3cret");
    assert!(!format!("{settings:?} {:?}", settings.client().unwrap()).contains("s3cret"));
}

#[test]
fn lists_are_asked_for_by_filters() {
    let page = json!({"tasks": [task("complete")], "pagination": {
        "page": 1, "per_page": 5, "total_count": 1, "total_pages": 1, "has_next": false, "has_previous": false,
        "next": null,
    }});
    let (client, seen) = asked(move |_| Reply::ok(&page));
    let filter = TaskFilter::new().namespace("a b").status(TaskStatus::Complete).limit(9).limit(5);
    let found = client.list_tasks(&filter).unwrap();
    assert_eq!((found.tasks.len(), found.pagination.total_count), (1, Some(1)));
    assert_eq!(seen.lock().unwrap()[0].query, "namespace=a%20b&status=complete&limit=5");
}
