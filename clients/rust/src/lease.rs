//! A step that a worker has been handed: all that its handler is to know.

use std::collections::HashMap;

use serde::Deserialize;
use uuid::Uuid;

use crate::Json;
use crate::handler::Checkpoint;

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Lease {
    pub(crate) lease_id: String,
    pub(crate) token: String,
    #[serde(default)]
    pub(crate) fence: i64,
    #[serde(default)]
    pub(crate) timeout_ms: Option<u64>,
    pub(crate) task_uuid: Uuid,
    pub(crate) step_uuid: Uuid,
    pub(crate) namespace: String,
    pub(crate) template: Template,
    pub(crate) step: String,
    pub(crate) handler: String,
    #[serde(default)]
    pub(crate) method: Option<String>,
    pub(crate) attempt: u32,
    pub(crate) max_attempts: u32,
    #[serde(default)]
    pub(crate) context: Json,
    #[serde(default)]
    pub(crate) dependency_results: HashMap<String, Option<StepResult>>,
    #[serde(default)]
    pub(crate) step_config: Json,
    #[serde(default)]
    pub(crate) inputs: Json,
    #[serde(default)]
    pub(crate) checkpoint: Option<Checkpoint>,
    pub(crate) idempotency_key: String,
    #[serde(default)]
    pub(crate) correlation_id: Option<Uuid>,
    #[serde(default)]
    pub(crate) traceparent: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Template {
    pub(crate) name: String,
    pub(crate) version: String,
}

/// What an earlier step left.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct StepResult {
    #[serde(default)]
    pub(crate) result: Json,
}
