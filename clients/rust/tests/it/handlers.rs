//! The handlers that the worker's tests run.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use tasker_core::{Json, Outcome, Registry, StepContext, StepError};

/// A handler for each way to end.
pub fn registry() -> Registry {
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
pub fn long() -> (Registry, mpsc::Receiver<()>) {
    let (begins, began) = mpsc::channel();
    let mut registry = registry();
    registry.step("long", move |_: &StepContext| -> Result<(), StepError> {
        begins.send(())?;
        thread::sleep(Duration::from_millis(500));
        Ok(())
    });
    (registry, began)
}

/// The same lease, with another value of a field.
pub fn with(mut lease: Value, field: &str, value: Value) -> Value {
    lease[field] = value;
    lease
}
