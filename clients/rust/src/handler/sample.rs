//! A step that nobody has leased.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Serialize;
use uuid::Uuid;

use crate::handler::context::{Line, StepContext};
use crate::lease::{Lease, StepResult, Template};
use crate::{Json, StepError};

/// To try a handler without a server.
impl StepContext {
    /// A step of a task with this context.
    ///
    /// # Panics
    ///
    /// The context can't be JSON.
    #[must_use]
    pub fn sample<T: Serialize + ?Sized>(context: &T) -> Self {
        let lease = Lease {
            lease_id: "sample".into(),
            token: String::new(),
            fence: 1,
            timeout_ms: None,
            task_uuid: Uuid::now_v7(),
            step_uuid: Uuid::now_v7(),
            namespace: "default".into(),
            template: Template { name: "sample".into(), version: "1.0.0".into() },
            step: "sample".into(),
            handler: "sample".into(),
            method: None,
            attempt: 1,
            max_attempts: 3,
            context: Json::of(context).expect("the context must be JSON"),
            dependency_results: HashMap::new(),
            step_config: Json::default(),
            inputs: Json::default(),
            checkpoint: None,
            idempotency_key: "sample".into(),
            correlation_id: None,
            traceparent: None,
        };
        Self::new(Arc::new(lease), None, Arc::new(Nobody))
    }

    /// The same, where an earlier step returned `result`.
    ///
    /// # Panics
    ///
    /// The result can't be JSON.
    #[must_use]
    pub fn with_dependency<T: Serialize + ?Sized>(mut self, step: &str, result: &T) -> Self {
        let result = Json::of(result).expect("the result must be JSON");
        let lease = Arc::make_mut(&mut self.lease);
        lease.dependency_results.insert(step.into(), Some(StepResult { result }));
        self
    }

    /// The same, with this attempt of so many.
    #[must_use]
    pub fn with_attempt(mut self, attempt: u32, max_attempts: u32) -> Self {
        let lease = Arc::make_mut(&mut self.lease);
        (lease.attempt, lease.max_attempts) = (attempt, max_attempts);
        self
    }
}

/// The worker of a sample.
struct Nobody;

impl Line for Nobody {
    fn is_cancelled(&self) -> bool {
        false
    }

    fn result_of(&self, _: &str) -> Result<Option<StepResult>, StepError> {
        Ok(None)
    }
}
