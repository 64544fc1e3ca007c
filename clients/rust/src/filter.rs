//! Which tasks are to be listed.

use uuid::Uuid;

use crate::answers::TaskStatus;

/// Filters and the page of a list of tasks; without any, the newest 50.
///
/// ```
/// use tasker_core::{TaskFilter, TaskStatus};
///
/// let failed = TaskFilter::new().namespace("shop").status(TaskStatus::BlockedByFailures).limit(10);
/// ```
#[derive(Debug, Clone, Default)]
#[must_use = "a filter does nothing until it is given to Client::list_tasks"]
pub struct TaskFilter {
    pub(crate) query: Vec<(&'static str, String)>,
}

impl TaskFilter {
    /// All tasks.
    pub fn new() -> Self {
        Self::default()
    }

    /// Of this namespace.
    pub fn namespace(self, namespace: impl ToString) -> Self {
        self.with("namespace", namespace)
    }

    /// Of templates of this name.
    pub fn name(self, name: impl ToString) -> Self {
        self.with("name", name)
    }

    /// Of templates of this version.
    pub fn version(self, version: impl ToString) -> Self {
        self.with("version", version)
    }

    /// In this state.
    pub fn status(self, status: TaskStatus) -> Self {
        self.with("status", status)
    }

    /// With this tag.
    pub fn tag(self, tag: impl ToString) -> Self {
        self.with("tag", tag)
    }

    /// Created by.
    pub fn initiator(self, initiator: impl ToString) -> Self {
        self.with("initiator", initiator)
    }

    /// Created from.
    pub fn source_system(self, system: impl ToString) -> Self {
        self.with("source_system", system)
    }

    /// With this correlation id.
    pub fn correlation_id(self, id: Uuid) -> Self {
        self.with("correlation_id", id)
    }

    /// With this parent correlation id.
    pub fn parent_correlation_id(self, id: Uuid) -> Self {
        self.with("parent_correlation_id", id)
    }

    /// Created at this time or later (ISO 8601 with its zone).
    pub fn created_after(self, time: impl ToString) -> Self {
        self.with("created_after", time)
    }

    /// Created before this time.
    pub fn created_before(self, time: impl ToString) -> Self {
        self.with("created_before", time)
    }

    /// Changed at this time or later.
    pub fn updated_after(self, time: impl ToString) -> Self {
        self.with("updated_after", time)
    }

    /// Last changed before this time.
    pub fn updated_before(self, time: impl ToString) -> Self {
        self.with("updated_before", time)
    }

    /// Whose context has `value` at `path`: `customer.id`, `items[0].sku`.
    pub fn context(self, path: impl ToString, value: impl ToString) -> Self {
        self.with("context_path", path).with("context_value", value)
    }

    /// So many at most, up to 1,000.
    pub fn limit(self, limit: u32) -> Self {
        self.with("limit", limit)
    }

    /// Without the first so many.
    pub fn offset(self, offset: u32) -> Self {
        self.with("offset", offset)
    }

    /// Those that follow the page whose [`next`](crate::Page::next) this is.
    pub fn after(self, next: Uuid) -> Self {
        self.with("after", next)
    }

    fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.query.retain(|(known, _)| *known != name);
        self.query.push((name, value.to_string()));
        self
    }
}
