//! What a server answers. Fields that are added later are passed over.

mod explanation;
mod states;
mod step;
mod task;

pub use explanation::{Explanation, Failure, UnfinishedStep};
pub use states::{StepState, TaskStatus};
pub use step::{Step, StepFailure, StepResults};
pub use task::{Health, Page, Paused, StepReadiness, Task, TaskList, TaskWarning};
