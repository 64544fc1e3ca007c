//! Why a step failed, and whether trying again may help.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::Json;

/// A failure of a step.
///
/// Any error becomes one with `?`: it may pass, so the step is tried again while it has attempts left. Where that is
/// known better, say so:
///
/// ```
/// use std::time::Duration;
/// use tasker_core::StepError;
///
/// let busy = StepError::retryable("gateway is busy").retry_after(Duration::from_secs(30));
/// assert!(busy.is_retryable());
///
/// let declined = StepError::permanent("card declined").code("card_declined");
/// assert_eq!(declined.error_type(), "permanent_error");
///
/// fn quantity(text: &str) -> Result<u32, StepError> {
///     Ok(text.parse()?)
/// }
/// assert_eq!(quantity("two").unwrap_err().error_type(), "handler_error");
/// ```
#[derive(Debug, Clone)]
pub struct StepError(Box<Failure>);

/// The failure as it is reported.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Failure {
    message: String,
    error_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<String>,
    retryable: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    backtrace: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<Json>,
}

impl StepError {
    /// Something that no further attempt can mend: the step ends here, and so does what depends on it.
    #[must_use]
    pub fn permanent(message: impl Into<String>) -> Self {
        Self::of_type("permanent_error", message, false)
    }

    /// Something that may pass: the step is tried again while it has attempts left.
    #[must_use]
    pub fn retryable(message: impl Into<String>) -> Self {
        Self::of_type("retryable_error", message, true)
    }

    /// The handler was told to stop, and did: see [`StepContext::is_cancelled`](crate::StepContext::is_cancelled).
    #[must_use]
    pub fn cancelled() -> Self {
        Self::of_type(Self::CANCELLED, "the handler stopped because its step was cancelled", true)
    }

    const CANCELLED: &str = "cancelled";

    pub(crate) fn of_type(error_type: &str, message: impl Into<String>, retryable: bool) -> Self {
        Self(Box::new(Failure {
            message: message.into(),
            error_type: error_type.into(),
            error_code: None,
            retryable,
            retry_after_ms: None,
            backtrace: Vec::new(),
            context: None,
        }))
    }

    /// A code of yours, for programs.
    #[must_use]
    pub fn code(mut self, code: impl Into<String>) -> Self {
        self.0.error_code = Some(code.into());
        self
    }

    /// For how long to wait at least before the next attempt, within the template's limits.
    #[must_use]
    pub fn retry_after(mut self, pause: Duration) -> Self {
        self.0.retry_after_ms = Some(pause.as_millis().try_into().unwrap_or(u64::MAX));
        self
    }

    /// Details that are kept with the failure: whatever serializes to a JSON object. What can't be JSON is left out.
    #[must_use]
    pub fn context<T: Serialize + ?Sized>(mut self, details: &T) -> Self {
        self.0.context = Json::of(details).ok();
        self
    }

    /// What went wrong, for people.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Which kind of failure: `permanent_error`, `retryable_error`, `handler_error`, `validation_error`, ...
    #[must_use]
    pub fn error_type(&self) -> &str {
        &self.0.error_type
    }

    /// Your code for it.
    #[must_use]
    pub fn error_code(&self) -> Option<&str> {
        self.0.error_code.as_deref()
    }

    /// Whether another attempt may succeed.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.0.retryable
    }

    pub(crate) fn failure(&self) -> &Failure {
        &self.0
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.0.error_type == Self::CANCELLED
    }
}

impl fmt::Display for StepError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

// An error of its own it can't be: then any error couldn't become one.
impl<E: Error> From<E> for StepError {
    fn from(error: E) -> Self {
        let mut causes = Vec::new();
        let mut cause = error.source();
        while let Some(found) = cause {
            causes.push(format!("caused by: {found}"));
            cause = found.source();
        }
        let mut failure = Self::of_type("handler_error", error.to_string(), true);
        failure.0.backtrace = causes;
        failure
    }
}
