//! What a handler is told of its step.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::handler::Checkpoint;
use crate::lease::{Lease, StepResult};
use crate::{Json, StepError};

/// How often a pause looks whether the step is cancelled.
const LOOK: Duration = Duration::from_millis(10);

/// The step that a handler runs: the task's context, the results of earlier steps, and where it stands.
///
/// ```
/// use serde::Deserialize;
/// use tasker_core::StepContext;
///
/// #[derive(Deserialize)]
/// struct Cart {
///     sku: String,
///     quantity: u32,
/// }
///
/// let context = StepContext::sample(&serde_json::json!({"sku": "tea", "quantity": 2}))
///     .with_dependency("price_cart", &serde_json::json!({"cents": 900}));
/// let cart: Cart = context.input()?;
/// let price: serde_json::Value = context.dependency("price_cart")?;
/// assert_eq!((cart.sku.as_str(), cart.quantity, &price["cents"]), ("tea", 2, &900.into()));
///
/// let wrong = context.input::<Vec<u32>>().unwrap_err();
/// assert_eq!((wrong.error_type(), wrong.is_retryable()), ("validation_error", false));
/// # Ok::<(), tasker_core::StepError>(())
/// ```
pub struct StepContext {
    pub(super) lease: Arc<Lease>,
    deadline: Option<Instant>,
    line: Arc<dyn Line>,
}

/// What a running handler can hear and ask of its worker.
pub(crate) trait Line: Send + Sync {
    fn is_cancelled(&self) -> bool;
    fn result_of(&self, step: &str) -> Result<Option<StepResult>, StepError>;
}

impl StepContext {
    pub(crate) fn new(lease: Arc<Lease>, deadline: Option<Instant>, line: Arc<dyn Line>) -> Self {
        Self { lease, deadline, line }
    }

    /// The task's context, as a type of yours.
    ///
    /// # Errors
    ///
    /// A permanent `validation_error` where it doesn't fit the type.
    pub fn input<T: DeserializeOwned>(&self) -> Result<T, StepError> {
        fit(&self.lease.context, || "the task's context".into())
    }

    /// One field of the task's context; a type that takes `null` takes a missing one, too.
    ///
    /// # Errors
    ///
    /// A permanent `validation_error` where it doesn't fit the type.
    pub fn field<T: DeserializeOwned>(&self, name: &str) -> Result<T, StepError> {
        let mut fields: HashMap<String, Json> = self.input()?;
        fit(&fields.remove(name).unwrap_or_default(), || format!("the context's field '{name}'"))
    }

    /// What an earlier step returned: one that this step depends on, or that its handler was registered with.
    ///
    /// # Errors
    ///
    /// A permanent `validation_error` where there is no such result, or where it doesn't fit the type.
    pub fn dependency<T: DeserializeOwned>(&self, step: &str) -> Result<T, StepError> {
        self.dependency_if_any(step)?.ok_or_else(|| {
            let there = self.lease.dependency_results.keys().map(String::as_str).collect::<Vec<_>>();
            invalid(format!("there is no result of step '{step}'; there are [{}]", there.join(", ")))
        })
    }

    /// The same where there may be none, since the step was skipped or resolved by hand.
    ///
    /// # Errors
    ///
    /// A permanent `validation_error` where it doesn't fit the type.
    pub fn dependency_if_any<T: DeserializeOwned>(&self, step: &str) -> Result<Option<T>, StepError> {
        match self.lease.dependency_results.get(step) {
            Some(Some(found)) => fit(&found.result, || format!("the result of step '{step}'")).map(Some),
            _ => Ok(None),
        }
    }

    /// The results of earlier steps that came along, by the steps' names. One that was resolved by hand may have none.
    pub fn dependencies(&self) -> impl Iterator<Item = (&str, Option<&Json>)> {
        let results = self.lease.dependency_results.iter();
        results.map(|(step, found)| (step.as_str(), found.as_ref().map(|found| &found.result)))
    }

    /// What any earlier step of the task returned; the server is asked for what didn't come along.
    ///
    /// # Errors
    ///
    /// A `validation_error` where it doesn't fit the type; a failure that may pass where the server doesn't answer.
    pub fn result_of<T: DeserializeOwned>(&self, step: &str) -> Result<Option<T>, StepError> {
        if self.lease.dependency_results.contains_key(step) {
            return self.dependency_if_any(step);
        }
        match self.line.result_of(step)? {
            Some(found) => fit(&found.result, || format!("the result of step '{step}'")).map(Some),
            None => Ok(None),
        }
    }

    /// The handler's `initialization` of the template, as a type of yours.
    ///
    /// # Errors
    ///
    /// A permanent `validation_error` where it doesn't fit the type.
    pub fn config<T: DeserializeOwned>(&self) -> Result<T, StepError> {
        fit(&self.lease.step_config, || "the step's configuration".into())
    }

    /// Of an instance of a batch: what it is to work on. `None` for any other step.
    ///
    /// # Errors
    ///
    /// A permanent `validation_error` where it doesn't fit the type.
    pub fn batch<T: DeserializeOwned>(&self) -> Result<Option<T>, StepError> {
        fit(&self.lease.inputs, || "the piece of the batch".into())
    }

    /// Where an earlier call of the handler was, if it returned a checkpoint.
    #[must_use]
    pub fn checkpoint(&self) -> Option<&Checkpoint> {
        self.lease.checkpoint.as_ref()
    }

    /// The cursor of the checkpoint.
    ///
    /// # Errors
    ///
    /// A permanent `validation_error` where it doesn't fit the type.
    pub fn cursor<T: DeserializeOwned>(&self) -> Result<Option<T>, StepError> {
        self.checkpoint().map(|checkpoint| fit(&checkpoint.cursor, || "the cursor".into())).transpose()
    }

    /// Whether the handler should stop: the task was cancelled, the step is another worker's, its time is up, or the worker
    /// ends. What it does from then on may be done again elsewhere.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.line.is_cancelled() || self.deadline.is_some_and(|deadline| deadline <= Instant::now())
    }

    /// The same as an error, for `context.check_cancelled()?` between two pieces of work.
    ///
    /// # Errors
    ///
    /// [`StepError::cancelled`].
    pub fn check_cancelled(&self) -> Result<(), StepError> {
        if self.is_cancelled() { Err(StepError::cancelled()) } else { Ok(()) }
    }

    /// Waits, unless the step is cancelled meanwhile.
    ///
    /// # Errors
    ///
    /// [`StepError::cancelled`].
    pub fn sleep(&self, pause: Duration) -> Result<(), StepError> {
        let end = Instant::now() + pause;
        loop {
            self.check_cancelled()?;
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            thread::sleep(left.min(LOOK));
        }
    }

    /// When the step's `timeout_seconds` end.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// The same for every attempt of the step, and for no other step.
    #[must_use]
    pub fn idempotency_key(&self) -> &str {
        &self.lease.idempotency_key
    }

    /// Rises with each claim of the step: for stores that refuse lower ones.
    #[must_use]
    pub fn fence(&self) -> i64 {
        self.lease.fence
    }

    /// This attempt, from 1.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.lease.attempt
    }

    /// How many attempts the step has.
    #[must_use]
    pub fn max_attempts(&self) -> u32 {
        self.lease.max_attempts
    }

    /// Whether no other attempt follows.
    #[must_use]
    pub fn is_last_attempt(&self) -> bool {
        self.attempt() >= self.max_attempts()
    }

    /// The task.
    #[must_use]
    pub fn task_uuid(&self) -> Uuid {
        self.lease.task_uuid
    }

    /// The step.
    #[must_use]
    pub fn step_uuid(&self) -> Uuid {
        self.lease.step_uuid
    }

    /// The same for all that belongs together.
    #[must_use]
    pub fn correlation_id(&self) -> Option<Uuid> {
        self.lease.correlation_id
    }

    /// The namespace of the template.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.lease.namespace
    }

    /// The name of the template.
    #[must_use]
    pub fn template(&self) -> &str {
        &self.lease.template.name
    }

    /// The version of the template.
    #[must_use]
    pub fn template_version(&self) -> &str {
        &self.lease.template.version
    }

    /// The name of the step.
    #[must_use]
    pub fn step(&self) -> &str {
        &self.lease.step
    }

    /// The name of the handler, as the template calls it.
    #[must_use]
    pub fn handler(&self) -> &str {
        &self.lease.handler
    }

    /// The method of the handler that the template names.
    #[must_use]
    pub fn method(&self) -> Option<&str> {
        self.lease.method.as_deref()
    }

    /// What spans hang on (W3C Trace Context).
    #[must_use]
    pub fn traceparent(&self) -> Option<&str> {
        self.lease.traceparent.as_deref()
    }
}

impl fmt::Debug for StepContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StepContext")
            .field("task_uuid", &self.lease.task_uuid)
            .field("step", &self.lease.step)
            .field("attempt", &self.lease.attempt)
            .finish_non_exhaustive()
    }
}

fn fit<T: DeserializeOwned>(json: &Json, what: impl Fn() -> String) -> Result<T, StepError> {
    json.read().map_err(|error| invalid(format!("{} doesn't fit: {error}", what())))
}

fn invalid(message: String) -> StepError {
    StepError::of_type("validation_error", message, false)
}
