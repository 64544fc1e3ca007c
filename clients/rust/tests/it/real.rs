//! Against a real server: `TASKER_URL` names one, and `cargo test -- --include-ignored` asks for it.

use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use tasker_core::{
    Client, Outcome, Registry, Settings, StepContext, StepError, StepState, TaskFilter, TaskRequest,
    TaskStatus, Uuid, Worker,
};

/// One that no other test uses.
fn a_namespace() -> String {
    format!("rust_{}", &Uuid::new_v4().simple().to_string()[..12])
}

#[test]
#[ignore = "needs a server: TASKER_URL"]
fn a_task_is_created_found_explained_and_cancelled() {
    let client = Client::from_env().unwrap();
    assert!(client.health().healthy);
    let namespace = a_namespace();
    let template = json!({
        "name": "greet", "namespace_name": namespace, "version": "1.0.0",
        "steps": [{"name": "hello", "handler": {"callable": "nobody_serves"}}],
    });
    client.register_template(&template).unwrap();

    let wish = || {
        let context = json!({"name": "Ann", "n": u64::MAX});
        TaskRequest::new("greet")
            .namespace(&namespace)
            .context(&context)
            .tag("demo")
            .priority(3)
            .idempotency_key("k")
    };
    let task = client.create_task(wish()).unwrap();
    assert_eq!((task.status, task.priority, task.tags), (TaskStatus::StepsInProcess, 3, vec!["demo".into()]));
    assert_eq!(task.context.read::<Value>().unwrap()["n"], u64::MAX);

    let refused = client.create_task(wish()).unwrap_err();
    assert_eq!((refused.code(), refused.existing_task()), (Some("CONFLICT"), Some(task.task_uuid)));
    assert_eq!(client.create_task(wish().or_existing()).unwrap().task_uuid, task.task_uuid);

    let listed = client.list_tasks(&TaskFilter::new().namespace(&namespace).context("name", "Ann")).unwrap();
    assert_eq!((listed.tasks.len(), listed.pagination.total_count), (1, Some(1)));
    let steps = client.list_task_steps(task.task_uuid).unwrap();
    let step = client.get_step(task.task_uuid, steps[0].step_uuid).unwrap();
    assert_eq!((step.name.as_str(), step.current_state.clone()), ("hello", StepState::Enqueued));
    assert!(step.result::<Value>().unwrap().is_none() && step.failure().is_none());
    assert_eq!(client.explain(task.task_uuid).unwrap().steps[0].kind, "no_worker");

    let waiting = thread::spawn({
        let client = client.clone();
        move || client.wait(task.task_uuid, Some(Duration::from_secs(20)))
    });
    client.cancel_task(task.task_uuid, "only a test").unwrap();
    assert_eq!(waiting.join().unwrap().unwrap().status, TaskStatus::Cancelled);

    let missing = client.get_task(Uuid::new_v4()).unwrap_err();
    assert_eq!((missing.status(), missing.code()), (Some(404), Some("NOT_FOUND")));
}

#[test]
#[ignore = "needs a server: TASKER_URL"]
fn a_worker_takes_a_task_to_its_end() {
    let (client, namespace) = (Client::from_env().unwrap(), a_namespace());
    let retry = json!({"max_attempts": 3, "backoff": "none", "backoff_base_ms": 10});
    let step = |name: &str, after: &[&str]| json!({"name": name, "handler": {"callable": format!("{namespace}_{name}")}, "dependencies": after, "retry": retry});
    let steps = json!([step("price", &[]), step("count", &["price"]), step("charge", &["count"])]);
    let template = json!({"name": "order", "namespace_name": namespace, "version": "1.0.0", "steps": steps});
    client.register_template(&template).unwrap();

    let mut registry = Registry::new();
    registry
        .step(format!("{namespace}_price"), |context: &StepContext| -> Result<u64, StepError> {
            if context.attempt() == 1 {
                return Err(StepError::retryable("not yet"));
            }
            Ok(u64::MAX - context.field::<u64>("quantity")?)
        })
        .step(format!("{namespace}_count"), |context: &StepContext| -> Result<Outcome, StepError> {
            let at = context.cursor::<u64>()?.unwrap_or_default() + 1;
            if at < 3 { Outcome::checkpoint(&at, at) } else { Outcome::complete(&at) }
        })
        .step(format!("{namespace}_charge"), |context: &StepContext| -> Result<Value, StepError> {
            let price: u64 = context.result_of("price")?.ok_or_else(|| StepError::permanent("no price"))?;
            let count: u64 = context.dependency("count")?;
            Ok(json!({"price": price, "count": count, "key": context.idempotency_key()}))
        });
    let worker =
        Worker::new(registry).slots(3).namespaces([namespace.as_str()]).start(&Settings::new()).unwrap();

    let wish = TaskRequest::new("order").namespace(&namespace).context(&json!({"quantity": 2}));
    let task = client.create_task(wish).unwrap();
    let done = client.wait(task.task_uuid, Some(Duration::from_secs(20))).unwrap();
    worker.stop().unwrap();
    let steps = client.list_task_steps(task.task_uuid).unwrap();
    assert_eq!(done.status, TaskStatus::Complete, "{steps:#?}");
    assert_eq!(steps.iter().map(|step| step.attempts).collect::<Vec<_>>(), [2, 1, 1]);
    let key = format!("{}:charge", task.task_uuid);
    let charged: Value = steps[2].result().unwrap().unwrap();
    assert_eq!(charged, json!({"price": u64::MAX - 2, "count": 3, "key": key}));
}
