//! A wish for a task.

use serde::Serialize;
use uuid::Uuid;

use crate::{Error, Json};

/// What a task is to be made of.
///
/// ```
/// use tasker_core::TaskRequest;
///
/// #[derive(serde::Serialize)]
/// struct Cart {
///     sku: &'static str,
///     quantity: u32,
/// }
/// let wish = TaskRequest::new("checkout")
///     .namespace("shop")
///     .context(&Cart { sku: "tea", quantity: 2 })
///     .tag("web")
///     .priority(10)
///     .idempotency_key("cart-1");
/// ```
#[derive(Debug, Clone, Serialize)]
#[must_use = "a wish does nothing until it is given to Client::create_task"]
pub struct TaskRequest {
    name: String,
    task_uuid: Uuid,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    initiator: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_system: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    priority: Option<i8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    idempotency_key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    correlation_id: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_correlation_id: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    traceparent: Option<String>,
    #[serde(skip)]
    spoiled: Option<String>,
    #[serde(skip)]
    pub(crate) returns_existing: bool,
}

impl TaskRequest {
    /// A task of the template `name`.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            task_uuid: Uuid::now_v7(),
            namespace: None,
            version: None,
            context: None,
            initiator: None,
            source_system: None,
            reason: None,
            tags: Vec::new(),
            priority: None,
            idempotency_key: None,
            correlation_id: None,
            parent_correlation_id: None,
            traceparent: None,
            spoiled: None,
            returns_existing: false,
        }
    }

    /// The template's namespace; else the one that has the name.
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = Some(namespace.into());
        self
    }

    /// The template's version; else 1.0.0, else the newest. `latest` is the newest.
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.version = Some(version.into());
        self
    }

    /// What the steps work on: whatever serializes to a JSON object.
    pub fn context<T: Serialize + ?Sized>(mut self, context: &T) -> Self {
        match Json::of(context) {
            Ok(context) => self.context = Some(context),
            Err(error) => self.spoiled = Some(error.to_string()),
        }
        self
    }

    /// Who wants it; else the client's.
    pub fn initiator(mut self, initiator: impl Into<String>) -> Self {
        self.initiator = Some(initiator.into());
        self
    }

    /// From where; else the client's.
    pub fn source_system(mut self, system: impl Into<String>) -> Self {
        self.source_system = Some(system.into());
        self
    }

    /// Why, for the record.
    pub fn reason(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }

    /// One more tag.
    pub fn tag(mut self, tag: impl Into<String>) -> Self {
        self.tags.push(tag.into());
        self
    }

    /// These tags too.
    pub fn tags<T: Into<String>>(mut self, tags: impl IntoIterator<Item = T>) -> Self {
        self.tags.extend(tags.into_iter().map(Into::into));
        self
    }

    /// From -100 to 100, the highest first; else 0.
    pub fn priority(mut self, priority: i8) -> Self {
        self.priority = Some(priority);
        self
    }

    /// At most one task of the template has this key: say what the task is for, an order's number.
    pub fn idempotency_key(mut self, key: impl Into<String>) -> Self {
        self.idempotency_key = Some(key.into());
        self
    }

    /// What the task is one of: it is the same for all that belongs together. Made by the server if it isn't given.
    pub fn correlation_id(mut self, id: Uuid) -> Self {
        self.correlation_id = Some(id);
        self
    }

    /// The correlation id of what led to this task.
    pub fn parent_correlation_id(mut self, id: Uuid) -> Self {
        self.parent_correlation_id = Some(id);
        self
    }

    /// The trace that the task belongs to (W3C Trace Context).
    pub fn traceparent(mut self, traceparent: impl Into<String>) -> Self {
        self.traceparent = Some(traceparent.into());
        self
    }

    /// A UUID of your making, so that a create can be repeated whose answer was lost with the process that asked.
    pub fn task_uuid(mut self, task_uuid: Uuid) -> Self {
        self.task_uuid = task_uuid;
        self
    }

    /// Where a task with its idempotency key exists, answer with that one instead of a `CONFLICT`.
    pub fn or_existing(mut self) -> Self {
        self.returns_existing = true;
        self
    }

    /// The request's body, in which the client says who asks where the wish doesn't.
    pub(crate) fn body(mut self, initiator: &str, source_system: &str) -> Result<String, Error> {
        if let Some(why) = self.spoiled {
            return Err(Error::invalid("context", format!("context can't be JSON: {why}")));
        }
        self.initiator.get_or_insert_with(|| initiator.into());
        self.source_system.get_or_insert_with(|| source_system.into());
        serde_json::to_string(&self).map_err(|error| Error::invalid("context", error.to_string()))
    }
}
