//! The states of tasks and steps.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A set of names, of which a server may come to know more.
macro_rules! names {
    ($(#[$about:meta])* $name:ident { $($(#[$what:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$about])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$what])* #[serde(rename = $text)] $variant,)*
            /// One that this version of the crate doesn't know.
            #[serde(untagged)]
            Other(String),
        }

        impl $name {
            /// The name as the server writes it.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)*
                    Self::Other(name) => name,
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

names! {
    /// The state of a task.
    TaskStatus {
        /// None of its steps may start yet.
        Pending = "pending",
        /// Its steps run, or wait for a worker.
        StepsInProcess = "steps_in_process",
        /// All that is left to run waits for a retry.
        WaitingForRetry = "waiting_for_retry",
        /// A step failed for good, and somebody may mend it.
        BlockedByFailures = "blocked_by_failures",
        /// Every step is done.
        Complete = "complete",
        /// It was given up.
        Error = "error",
        /// Somebody cancelled it.
        Cancelled = "cancelled",
        /// Somebody ended it by hand.
        ResolvedManually = "resolved_manually",
    }
}

names! {
    /// The state of a step.
    StepState {
        /// It waits for other steps.
        Pending = "pending",
        /// It waits for a worker.
        Enqueued = "enqueued",
        /// A worker has it.
        InProgress = "in_progress",
        /// It failed, and runs again.
        WaitingForRetry = "waiting_for_retry",
        /// It is done.
        Complete = "complete",
        /// It failed for good.
        Error = "error",
        /// Its task was cancelled.
        Cancelled = "cancelled",
        /// Somebody ended it by hand.
        ResolvedManually = "resolved_manually",
    }
}

impl TaskStatus {
    /// Whether nothing moves any more unless somebody says so.
    #[must_use]
    pub fn is_at_rest(&self) -> bool {
        self.is_final() || *self == Self::BlockedByFailures
    }

    /// Whether it can't be left any more.
    #[must_use]
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Complete | Self::Error | Self::Cancelled | Self::ResolvedManually)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_of_tomorrow_is_read_too() {
        let read: TaskStatus = serde_json::from_str(r#""hibernating""#).unwrap();
        assert_eq!(read, TaskStatus::Other("hibernating".into()));
        assert!(!read.is_at_rest());
    }

    #[test]
    fn a_task_rests_blocked_and_isnt_final() {
        let read: TaskStatus = serde_json::from_str(r#""blocked_by_failures""#).unwrap();
        assert_eq!(read, TaskStatus::BlockedByFailures);
        assert!(read.is_at_rest() && !read.is_final());
    }
}
