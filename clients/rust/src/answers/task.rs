//! Tasks.

use serde::Deserialize;
use uuid::Uuid;

use crate::Json;
use crate::answers::{StepState, TaskStatus};

/// A task: what was asked for, its state, the counts of its steps and each one's readiness. Times are ISO 8601.
#[derive(Debug, Clone, Deserialize)]
#[non_exhaustive]
#[allow(missing_docs)]
pub struct Task {
    pub task_uuid: Uuid,
    pub name: String,
    pub namespace: String,
    pub version: String,
    pub status: TaskStatus,
    pub created_at: String,
    pub updated_at: String,
    #[serde(default)]
    pub completed_at: Option<String>,
    /// What the steps work on, as it was given.
    #[serde(default)]
    pub context: Json,
    pub initiator: String,
    pub source_system: String,
    pub reason: String,
    #[serde(default)]
    pub priority: i32,
    #[serde(default)]
    pub tags: Vec<String>,
    pub correlation_id: Uuid,
    #[serde(default)]
    pub parent_correlation_id: Option<Uuid>,
    #[serde(default)]
    pub idempotency_key: Option<String>,
    #[serde(default)]
    pub total_steps: u32,
    #[serde(default)]
    pub pending_steps: u32,
    #[serde(default)]
    pub ready_steps: u32,
    #[serde(default)]
    pub in_progress_steps: u32,
    #[serde(default)]
    pub completed_steps: u32,
    #[serde(default)]
    pub failed_steps: u32,
    /// What goes on: `has_ready_steps`, `processing`, `waiting_for_dependencies`, `blocked_by_failures`, `all_complete`.
    #[serde(default)]
    pub execution_status: String,
    #[serde(default)]
    pub recommended_action: Option<String>,
    #[serde(default)]
    pub completion_percentage: f64,
    #[serde(default)]
    pub health_status: String,
    /// What it had done was undone.
    #[serde(default)]
    pub compensated: bool,
    #[serde(default)]
    pub steps: Vec<StepReadiness>,
    /// What didn't fit its schema, where that isn't enforced.
    #[serde(default)]
    pub warnings: Vec<TaskWarning>,
    /// Who has paused it or its namespace, if anybody has.
    #[serde(default)]
    pub paused: Option<Paused>,
}

/// What a task tells of each of its steps.
#[derive(Debug, Clone, Deserialize)]
#[non_exhaustive]
#[allow(missing_docs)]
pub struct StepReadiness {
    pub workflow_step_uuid: Uuid,
    pub name: String,
    pub current_state: StepState,
    #[serde(default)]
    pub dependencies_satisfied: bool,
    #[serde(default)]
    pub retry_eligible: bool,
    #[serde(default)]
    pub ready_for_execution: bool,
    #[serde(default)]
    pub last_failure_at: Option<String>,
    #[serde(default)]
    pub next_retry_at: Option<String>,
    #[serde(default)]
    pub total_parents: u32,
    #[serde(default)]
    pub completed_parents: u32,
    #[serde(default)]
    pub attempts: u32,
    #[serde(default)]
    pub max_attempts: u32,
}

/// A schema that a context or a result doesn't fit.
#[derive(Debug, Clone, Deserialize)]
#[non_exhaustive]
#[allow(missing_docs)]
pub struct TaskWarning {
    pub code: String,
    #[serde(default)]
    pub step: Option<String>,
    #[serde(default)]
    pub path: String,
    pub message: String,
}

/// What holds a task.
#[derive(Debug, Clone, Deserialize)]
#[non_exhaustive]
#[allow(missing_docs)]
pub struct Paused {
    /// `task` or `namespace`.
    pub what: String,
    pub by: String,
    pub at: String,
    pub reason: String,
}

/// A page of tasks, the newest first.
#[derive(Debug, Clone, Deserialize)]
#[non_exhaustive]
#[allow(missing_docs)]
pub struct TaskList {
    pub tasks: Vec<Task>,
    pub pagination: Page,
}

/// Which page of how many. One that was asked for with `after` counts no totals.
#[derive(Debug, Clone, Deserialize)]
#[non_exhaustive]
#[allow(missing_docs)]
pub struct Page {
    #[serde(default)]
    pub page: Option<u64>,
    pub per_page: u64,
    #[serde(default)]
    pub total_count: Option<u64>,
    #[serde(default)]
    pub total_pages: Option<u64>,
    pub has_next: bool,
    pub has_previous: bool,
    /// For [`TaskFilter::after`](crate::TaskFilter::after).
    #[serde(default)]
    pub next: Option<Uuid>,
}

/// Whether tasks can be created and read.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Health {
    /// They can.
    pub healthy: bool,
    /// `healthy`, `degraded` or `unhealthy`; the last, too, where nobody answers.
    pub status: String,
}

impl Default for Health {
    fn default() -> Self {
        Self { healthy: false, status: "unhealthy".into() }
    }
}

impl Health {
    pub(crate) fn told(healthy: bool, body: &[u8]) -> Self {
        #[derive(Deserialize)]
        struct Report {
            status: String,
        }
        match serde_json::from_slice::<Report>(body) {
            Ok(report) => Self { healthy, status: report.status },
            Err(_) => Self::default(),
        }
    }
}
