//! What an author of handlers uses.

mod context;
mod error;
mod outcome;
mod registry;
mod sample;

pub(crate) use context::Line;
pub use context::StepContext;
pub(crate) use error::Failure;
pub use error::StepError;
pub(crate) use outcome::Ended;
pub use outcome::{Checkpoint, IntoOutcome, Outcome};
pub use registry::{Registry, StepHandler};
