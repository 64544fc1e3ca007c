//! What a worker tells of a lease.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::handler::{Ended, Failure};
use crate::lease::Lease;
use crate::{Json, Outcome, StepError};

/// A report, written once, however often it is sent.
#[derive(Debug, Clone)]
pub(crate) struct Report {
    pub(crate) lease_id: String,
    pub(crate) token: String,
    pub(crate) text: Box<RawValue>,
    /// Whether it only says that the step's outcome can't be kept.
    pub(crate) is_last_word: bool,
}

#[derive(Debug, Serialize)]
#[serde(tag = "op", rename_all = "lowercase")]
enum Told<'a> {
    Complete {
        #[serde(flatten)]
        of: Of<'a>,
        result: &'a Json,
        #[serde(skip_serializing_if = "Option::is_none")]
        metadata: Option<&'a Json>,
    },
    Fail {
        #[serde(flatten)]
        of: Of<'a>,
        error: &'a Failure,
    },
    Checkpoint {
        #[serde(flatten)]
        of: Of<'a>,
        cursor: &'a Json,
        items_processed: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        accumulated_results: Option<&'a Json>,
    },
    Release {
        #[serde(flatten)]
        of: Of<'a>,
        reason: &'a str,
    },
}

#[derive(Debug, Clone, Copy, Serialize)]
struct Of<'a> {
    lease_id: &'a str,
    token: &'a str,
}

impl Report {
    pub(crate) fn ended(lease: &Lease, outcome: &Result<Outcome, StepError>) -> Self {
        let of = Of { lease_id: &lease.lease_id, token: &lease.token };
        let told = match outcome {
            Ok(Outcome(Ended::Complete { result, metadata })) => {
                Told::Complete { of, result, metadata: metadata.as_ref() }
            }
            Ok(Outcome(Ended::Checkpoint { cursor, items_processed, accumulated_results })) => {
                Told::Checkpoint {
                    of,
                    cursor,
                    items_processed: *items_processed,
                    accumulated_results: accumulated_results.as_ref(),
                }
            }
            Err(error) if error.is_cancelled() => Told::Release { of, reason: error.message() },
            Err(error) => Told::Fail { of, error: error.failure() },
        };
        Self::written(of, &told, false)
    }

    pub(crate) fn release(lease: &Lease, reason: &str) -> Self {
        let of = Of { lease_id: &lease.lease_id, token: &lease.token };
        Self::written(of, &Told::Release { of, reason }, false)
    }

    /// What is said of a step whose outcome can't be kept.
    pub(crate) fn refused(&self, why: &str) -> Self {
        let of = Of { lease_id: &self.lease_id, token: &self.token };
        let error = StepError::of_type("serialization_error", why, false);
        Self::written(of, &Told::Fail { of, error: error.failure() }, true)
    }

    fn written(of: Of<'_>, told: &Told<'_>, is_last_word: bool) -> Self {
        let text = serde_json::value::to_raw_value(told).expect("a report is made of JSON");
        Self { lease_id: of.lease_id.into(), token: of.token.into(), text, is_last_word }
    }
}
