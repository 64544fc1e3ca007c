//! What a call of the client can end with, besides an answer.

use std::fmt;
use std::time::Duration;

use serde::Deserialize;
use uuid::Uuid;

use crate::Json;
use crate::answers::TaskStatus;

/// Why a call has no answer.
///
/// Programs go by [`code`](Error::code), [`status`](Error::status) and [`field`](Error::field); the text is for people.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The server said no.
    Refused(Box<Refusal>),
    /// The server couldn't be reached, or didn't answer in time, however often it was asked.
    Unanswered {
        /// Where, how often and why.
        message: String,
    },
    /// Something answered that is no server of Tasker: a proxy, or another service.
    Stranger {
        /// The HTTP status of its answer.
        status: u16,
        /// What answered, and how.
        message: String,
    },
    /// An argument or a setting can't be used. Nothing was sent.
    Invalid {
        /// Which one.
        field: &'static str,
        /// What is wrong, and what would be right.
        message: String,
    },
    /// The task wasn't at rest in the time that [`Client::wait`](crate::Client::wait) was given.
    TimedOut {
        /// The task that was waited for.
        task_uuid: Uuid,
        /// The state it was in at last.
        status: TaskStatus,
        /// How long it was waited for.
        after: Duration,
    },
}

/// A server's no: the error object of its answer.
#[derive(Debug, Clone, Deserialize)]
#[non_exhaustive]
pub struct Refusal {
    /// The HTTP status.
    #[serde(skip)]
    pub status: u16,
    /// For programs: `NOT_FOUND`, `CONFLICT`, `SCHEMA_VIOLATION`, ...
    pub code: String,
    /// For people.
    #[serde(default)]
    pub message: String,
    /// What of the request is wrong, where it is one field.
    #[serde(default)]
    pub field: Option<String>,
    /// More about it, as the code has it.
    #[serde(default)]
    pub details: Json,
}

impl Error {
    pub(crate) fn invalid(field: &'static str, message: impl Into<String>) -> Self {
        Self::Invalid { field, message: message.into() }
    }

    /// The server's code.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Refused(refusal) => Some(&refusal.code),
            _ => None,
        }
    }

    /// The HTTP status of the answer.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Refused(refusal) => Some(refusal.status),
            Self::Stranger { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// What of the request is wrong, where it is one field.
    #[must_use]
    pub fn field(&self) -> Option<&str> {
        match self {
            Self::Refused(refusal) => refusal.field.as_deref(),
            Self::Invalid { field, .. } => Some(field),
            _ => None,
        }
    }

    /// The task that exists already, of a create that was refused because of it.
    #[must_use]
    pub fn existing_task(&self) -> Option<Uuid> {
        #[derive(Deserialize)]
        struct Details {
            task_uuid: Uuid,
        }
        match self {
            Self::Refused(refusal) if refusal.code == "CONFLICT" => {
                refusal.details.read::<Details>().ok().map(|details| details.task_uuid)
            }
            _ => None,
        }
    }

    /// Whether the same call may succeed later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Unanswered { .. } | Self::TimedOut { .. } => true,
            Self::Refused(_) | Self::Stranger { .. } => self.status().is_some_and(says_not_now),
            Self::Invalid { .. } => false,
        }
    }
}

/// Whether an answer of this status says: not now.
pub(crate) fn says_not_now(status: u16) -> bool {
    matches!(status, 408 | 429 | 502 | 503 | 504)
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refusal) => refusal.fmt(f),
            Self::Unanswered { message } | Self::Stranger { message, .. } | Self::Invalid { message, .. } => {
                f.write_str(message)
            }
            Self::TimedOut { task_uuid, status, after } => {
                write!(f, "task {task_uuid} is {status} after {} s", after.as_secs_f64())
            }
        }
    }
}

impl std::error::Error for Error {}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} {})", self.message, self.status, self.code)
    }
}
