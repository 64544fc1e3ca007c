//! How a handler ends where it doesn't fail.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::{Json, StepError};

/// How a handler ended: with a result, or with a checkpoint from which it wants to go on.
///
/// Most handlers return a value of their own, which is the result. One that works through a lot returns an outcome:
///
/// ```
/// use tasker_core::{Outcome, StepContext, StepError};
///
/// fn count(context: &StepContext) -> Result<Outcome, StepError> {
///     let total: u64 = context.field("total")?;
///     let at: u64 = context.cursor()?.unwrap_or(0) + 100;
///     if at < total { Outcome::checkpoint(&at, at) } else { Outcome::complete(&total) }
/// }
///
/// let context = StepContext::sample(&serde_json::json!({"total": 250}));
/// assert!(count(&context).unwrap().is_checkpoint());
/// ```
#[derive(Debug, Clone)]
#[must_use = "an outcome counts when the handler returns it"]
pub struct Outcome(pub(crate) Ended);

#[derive(Debug, Clone)]
pub(crate) enum Ended {
    Complete { result: Json, metadata: Option<Json> },
    Checkpoint { cursor: Json, items_processed: u64, accumulated_results: Option<Json> },
}

impl Outcome {
    /// The step is complete, with this result.
    ///
    /// # Errors
    ///
    /// The result can't be JSON.
    pub fn complete<T: Serialize + ?Sized>(result: &T) -> Result<Self, StepError> {
        Ok(Self(Ended::Complete { result: json(result, "result")?, metadata: None }))
    }

    /// The step goes on from `cursor`, in another call of its handler; no attempt is spent. `items_processed` counts what
    /// is done so far. A checkpoint that repeats the one before is a failure.
    ///
    /// # Errors
    ///
    /// The cursor can't be JSON.
    pub fn checkpoint<T: Serialize + ?Sized>(cursor: &T, items_processed: u64) -> Result<Self, StepError> {
        let cursor = json(cursor, "cursor")?;
        Ok(Self(Ended::Checkpoint { cursor, items_processed, accumulated_results: None }))
    }

    /// What a checkpoint carries along besides its cursor.
    ///
    /// # Errors
    ///
    /// The results can't be JSON.
    pub fn accumulated<T: Serialize + ?Sized>(mut self, results: &T) -> Result<Self, StepError> {
        if let Ended::Checkpoint { accumulated_results, .. } = &mut self.0 {
            *accumulated_results = Some(json(results, "accumulated results")?);
        }
        Ok(self)
    }

    /// What is kept beside the result, for operators: whatever serializes to a JSON object.
    ///
    /// # Errors
    ///
    /// The metadata can't be JSON.
    pub fn metadata<T: Serialize + ?Sized>(mut self, about: &T) -> Result<Self, StepError> {
        if let Ended::Complete { metadata, .. } = &mut self.0 {
            *metadata = Some(json(about, "metadata")?);
        }
        Ok(self)
    }

    /// Whether it is a checkpoint.
    #[must_use]
    pub fn is_checkpoint(&self) -> bool {
        matches!(self.0, Ended::Checkpoint { .. })
    }
}

/// What a handler may return: anything that serializes, which is the step's result, or an [`Outcome`].
pub trait IntoOutcome {
    /// The outcome.
    ///
    /// # Errors
    ///
    /// It can't be JSON.
    fn into_outcome(self) -> Result<Outcome, StepError>;
}

impl<T: Serialize> IntoOutcome for T {
    fn into_outcome(self) -> Result<Outcome, StepError> {
        Outcome::complete(&self)
    }
}

impl IntoOutcome for Outcome {
    fn into_outcome(self) -> Result<Outcome, StepError> {
        Ok(self)
    }
}

/// Where an earlier call of the handler was.
#[derive(Debug, Clone, Deserialize)]
#[non_exhaustive]
pub struct Checkpoint {
    /// From where to go on.
    #[serde(default)]
    pub cursor: Json,
    /// How much is done.
    #[serde(default)]
    pub items_processed: u64,
    /// What was carried along.
    #[serde(default)]
    pub accumulated_results: Json,
}

impl Checkpoint {
    /// What was carried along, as a type of yours.
    ///
    /// # Errors
    ///
    /// It doesn't fit the type.
    pub fn accumulated<T: DeserializeOwned>(&self) -> Result<T, StepError> {
        Ok(self.accumulated_results.read()?)
    }
}

fn json<T: Serialize + ?Sized>(value: &T, what: &str) -> Result<Json, StepError> {
    Json::of(value).map_err(|error| {
        StepError::of_type("serialization_error", format!("the {what} can't be JSON: {error}"), false)
    })
}
