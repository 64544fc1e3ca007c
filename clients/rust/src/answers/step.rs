//! Steps.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::Json;
use crate::answers::StepState;

/// A step, with the result of its last attempt. Times are ISO 8601.
#[derive(Debug, Clone, Deserialize)]
#[non_exhaustive]
#[allow(missing_docs)]
pub struct Step {
    pub step_uuid: Uuid,
    pub task_uuid: Uuid,
    pub name: String,
    /// The step of the template that it is made from.
    #[serde(default)]
    pub template_step: String,
    /// The step that it undoes.
    #[serde(default)]
    pub compensates: Option<String>,
    /// Which piece of a batch it works on, from 0.
    #[serde(default)]
    pub batch_index: Option<u64>,
    #[serde(default)]
    pub created_at: Option<String>,
    #[serde(default)]
    pub updated_at: Option<String>,
    #[serde(default)]
    pub completed_at: Option<String>,
    pub current_state: StepState,
    #[serde(default)]
    pub results: Option<StepResults>,
    #[serde(default)]
    pub attempts: u32,
    #[serde(default)]
    pub max_attempts: u32,
    #[serde(default)]
    pub last_failure_at: Option<String>,
    #[serde(default)]
    pub next_retry_at: Option<String>,
    #[serde(default)]
    pub last_attempted_at: Option<String>,
}

impl Step {
    /// What the handler returned, as a type of yours; `None` while there is nothing.
    ///
    /// # Errors
    ///
    /// The result doesn't fit the type.
    pub fn result<T: DeserializeOwned>(&self) -> serde_json::Result<Option<T>> {
        match &self.results {
            Some(results) if results.success => results.result.read().map(Some),
            _ => Ok(None),
        }
    }

    /// Why its last attempt failed, if it did.
    #[must_use]
    pub fn failure(&self) -> Option<&StepFailure> {
        self.results.as_ref()?.error.as_ref()
    }
}

/// All that its last attempt left.
#[derive(Debug, Clone, Deserialize)]
#[non_exhaustive]
#[allow(missing_docs)]
pub struct StepResults {
    pub success: bool,
    /// What the handler returned.
    #[serde(default)]
    pub result: Json,
    #[serde(default)]
    pub error: Option<StepFailure>,
    #[serde(default)]
    pub execution_time_ms: u64,
    #[serde(default)]
    pub metadata: Json,
}

/// Why an attempt failed.
#[derive(Debug, Clone, Deserialize)]
#[non_exhaustive]
#[allow(missing_docs)]
pub struct StepFailure {
    pub message: String,
    pub error_type: String,
    #[serde(default)]
    pub error_code: Option<String>,
    pub retryable: bool,
    #[serde(default)]
    pub backtrace: Vec<String>,
    #[serde(default)]
    pub context: Json,
}
