//! Why a task isn't finished.

use serde::Deserialize;
use uuid::Uuid;

use crate::Json;
use crate::answers::{StepState, TaskStatus};

/// What a task waits for, or why it came to rest.
#[derive(Debug, Clone, Deserialize)]
#[non_exhaustive]
#[allow(missing_docs)]
pub struct Explanation {
    pub task_uuid: Uuid,
    pub state: TaskStatus,
    /// All of it in a sentence.
    pub text: String,
    #[serde(default)]
    pub since: Option<String>,
    pub steps: Vec<UnfinishedStep>,
    pub failures: Vec<Failure>,
    /// What an operator can do about it.
    pub advice: Vec<String>,
    /// Steps of batches and failures that aren't told one by one.
    #[serde(default)]
    pub left_out: u64,
}

/// A step that may still run, and why it hasn't.
#[derive(Debug, Clone, Deserialize)]
#[non_exhaustive]
#[allow(missing_docs)]
pub struct UnfinishedStep {
    pub name: String,
    pub state: StepState,
    /// For programs: `waits_for_parents`, `no_worker`, `in_progress`, ...
    pub kind: String,
    pub text: String,
    #[serde(default)]
    pub since: Option<String>,
    /// The same in parts.
    #[serde(default)]
    pub details: Json,
}

/// A step that failed for good.
#[derive(Debug, Clone, Deserialize)]
#[non_exhaustive]
#[allow(missing_docs)]
pub struct Failure {
    pub step: String,
    pub error_type: String,
    pub message: String,
    pub attempts: u32,
    pub max_attempts: u32,
    #[serde(default)]
    pub at: Option<String>,
    /// Why it isn't tried again.
    #[serde(default)]
    pub verdict: String,
}
