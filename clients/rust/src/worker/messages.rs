//! What worker and server say to each other.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::lease::{Lease, StepResult};

#[derive(Debug, Serialize)]
pub(crate) struct Registration<'a> {
    pub(crate) instance_id: Uuid,
    pub(crate) name: &'a str,
    pub(crate) language: &'static str,
    pub(crate) sdk_version: &'static str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub(crate) namespaces: &'a [String],
    pub(crate) handlers: Vec<Served<'a>>,
    pub(crate) slots: usize,
}

#[derive(Debug, Serialize)]
pub(crate) struct Served<'a> {
    pub(crate) callable: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub(crate) dependencies: &'a [String],
}

/// On what terms the server takes the worker.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Terms {
    pub(crate) worker_id: String,
    pub(crate) lease_ms: u64,
    pub(crate) heartbeat_ms: u64,
    #[serde(default = "Terms::usual_wait")]
    pub(crate) max_wait_ms: u64,
    #[serde(default = "Terms::usual_count")]
    pub(crate) max_claim: usize,
    #[serde(default = "Terms::usual_count")]
    pub(crate) max_reports: usize,
    #[serde(default = "Terms::usual_body")]
    pub(crate) max_body_bytes: usize,
}

impl Terms {
    fn usual_wait() -> u64 {
        20_000
    }

    fn usual_count() -> usize {
        200
    }

    fn usual_body() -> usize {
        4 * 1024 * 1024
    }
}

#[derive(Debug, Serialize)]
pub(crate) struct Claim {
    pub(crate) request_id: Uuid,
    pub(crate) max: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) wait_ms: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Claimed {
    #[serde(default)]
    pub(crate) leases: Vec<Lease>,
    #[serde(default)]
    pub(crate) directive: Directive,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Directive {
    Drain,
    Stop,
    #[default]
    #[serde(other)]
    Run,
}

#[derive(Debug, Serialize)]
pub(crate) struct Beat<'a> {
    pub(crate) state: &'static str,
    pub(crate) leases: Vec<Named<'a>>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Named<'a> {
    pub(crate) lease_id: &'a str,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Beaten {
    #[serde(default)]
    pub(crate) leases: Vec<LeaseStanding>,
    #[serde(default)]
    pub(crate) directive: Directive,
    #[serde(default)]
    pub(crate) lease_ms: Option<u64>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct LeaseStanding {
    pub(crate) lease_id: String,
    #[serde(default)]
    pub(crate) status: Standing,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Standing {
    Lost,
    Cancel,
    #[default]
    #[serde(other)]
    Extended,
}

#[derive(Debug, Serialize)]
pub(crate) struct Reports<'a> {
    pub(crate) reports: Vec<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) claim: Option<Claim>,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Reported {
    #[serde(default)]
    pub(crate) results: Vec<Verdict>,
    #[serde(default)]
    pub(crate) leases: Vec<Lease>,
    #[serde(default)]
    pub(crate) directive: Directive,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Verdict {
    pub(crate) status: u16,
    #[serde(default)]
    pub(crate) code: String,
    #[serde(default)]
    pub(crate) message: String,
}

#[derive(Debug, Serialize)]
pub(crate) struct Wanted<'a> {
    pub(crate) token: &'a str,
    pub(crate) step: &'a str,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Found {
    #[serde(default)]
    pub(crate) result: Option<StepResult>,
}

pub(crate) fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}
