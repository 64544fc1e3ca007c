//! The client: everything that an application asks of a server.

use std::thread;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::answers::{Explanation, Health, Step, Task, TaskList, TaskStatus};
use crate::filter::TaskFilter;
use crate::http::{Http, Request};
use crate::settings::Known;
use crate::task_request::TaskRequest;
use crate::tries::ask;
use crate::{Error, Json, Settings};

/// For how long the server may hold back an answer: less than it allows, and proxies on the way to it.
const LONGEST_WAIT: Duration = Duration::from_secs(15);
const SHORTEST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Asks a server, from any thread. A clone shares its connections.
///
/// Whatever a client asks may be asked again: a call that fails on the way, or is answered 408, 429, 502, 503 or 504, is
/// repeated, later and later, and a `Retry-After` is heeded. A task's UUID is made here, so that a create whose answer was
/// lost is answered with the task that it made.
///
/// ```no_run
/// use std::time::Duration;
/// use tasker_core::{Client, TaskRequest};
///
/// let client = Client::new("http://127.0.0.1:8080")?;
/// let task = client.create_task(
///     TaskRequest::new("checkout")
///         .namespace("shop")
///         .context(&serde_json::json!({"sku": "tea", "quantity": 2}))
///         .idempotency_key("cart-1"),
/// )?;
/// let done = client.wait(task.task_uuid, Some(Duration::from_secs(30)))?;
/// println!("{}", done.status);
/// # Ok::<(), tasker_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Client {
    http: Http,
    timeout: Duration,
    retries: u32,
    initiator: String,
    source_system: String,
}

impl Client {
    /// A client of the server at `url`; what else there is to set comes from the environment.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] for a URL or a variable that can't be used.
    pub fn new(url: impl Into<String>) -> Result<Self, Error> {
        Settings::new().url(url).client()
    }

    /// A client of the server that `TASKER_URL` names.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] for a variable that is missing or can't be used.
    pub fn from_env() -> Result<Self, Error> {
        Settings::new().client()
    }

    pub(crate) fn over(http: Http, known: &Known, initiator: String, source_system: String) -> Self {
        Self { http, timeout: known.timeout, retries: known.retries, initiator, source_system }
    }

    /// Creates a task.
    ///
    /// # Errors
    ///
    /// A `CONFLICT` where a task exists with its idempotency key, unless the request says
    /// [`or_existing`](TaskRequest::or_existing): [`Error::existing_task`] tells which. `NOT_FOUND` without such a template,
    /// `SCHEMA_VIOLATION` for a context that doesn't fit it.
    pub fn create_task(&self, wish: TaskRequest) -> Result<Task, Error> {
        let on_duplicate = if wish.returns_existing { "return" } else { "refuse" };
        let body = wish.body(&self.initiator, &self.source_system)?;
        self.ask(&Request::post("/v1/tasks", body).query("on_duplicate", on_duplicate))
    }

    /// A task, with its state and its steps' readiness.
    ///
    /// # Errors
    ///
    /// `NOT_FOUND` where there is no such task.
    pub fn get_task(&self, task_uuid: Uuid) -> Result<Task, Error> {
        self.ask(&Request::get(format!("/v1/tasks/{task_uuid}")))
    }

    /// The tasks that match, the newest first.
    ///
    /// # Errors
    ///
    /// `BAD_REQUEST` for a filter that can't be.
    pub fn list_tasks(&self, filter: &TaskFilter) -> Result<TaskList, Error> {
        self.ask(&Request { query: filter.query.clone(), ..Request::get("/v1/tasks") })
    }

    /// Cancels a task.
    ///
    /// # Errors
    ///
    /// `INVALID_STATE` for a task that has ended, `NOT_FOUND` where there is none.
    pub fn cancel_task(&self, task_uuid: Uuid, reason: &str) -> Result<(), Error> {
        let request = Request::delete(format!("/v1/tasks/{task_uuid}"))
            .query("reason", reason)
            .query("cancelled_by", &self.initiator);
        let (answer, count) = ask(&self.http, &request, self.timeout, self.retries);
        match answer?.data::<Json>(self.http.url()) {
            // The first try did it, and its answer was lost.
            Err(Error::Refused(refusal)) if count > 1 && is_cancelled(&refusal.details) => Ok(()),
            answer => answer.map(drop),
        }
    }

    /// The steps of a task in the template's order, with their results.
    ///
    /// # Errors
    ///
    /// `NOT_FOUND` where there is no such task.
    pub fn list_task_steps(&self, task_uuid: Uuid) -> Result<Vec<Step>, Error> {
        self.ask(&Request::get(format!("/v1/tasks/{task_uuid}/workflow_steps")))
    }

    /// One step, with its result.
    ///
    /// # Errors
    ///
    /// `NOT_FOUND` where there is no such task or step.
    pub fn get_step(&self, task_uuid: Uuid, step_uuid: Uuid) -> Result<Step, Error> {
        self.ask(&Request::get(format!("/v1/tasks/{task_uuid}/workflow_steps/{step_uuid}")))
    }

    /// Why a task isn't finished, step by step.
    ///
    /// # Errors
    ///
    /// `NOT_FOUND` where there is no such task.
    pub fn explain(&self, task_uuid: Uuid) -> Result<Explanation, Error> {
        self.ask(&Request::get(format!("/v1/tasks/{task_uuid}/explain")))
    }

    /// Waits until a task is at rest: final, or blocked by failures. Without a `timeout`, for as long as it takes.
    ///
    /// # Errors
    ///
    /// [`Error::TimedOut`] for a task that isn't at rest by then; `NOT_FOUND` where there is none.
    pub fn wait(&self, task_uuid: Uuid, timeout: Option<Duration>) -> Result<Task, Error> {
        let began = Instant::now();
        let mut pause = Duration::ZERO;
        loop {
            let left = timeout.map_or(LONGEST_WAIT, |timeout| timeout.saturating_sub(began.elapsed()));
            thread::sleep(pause.min(left));
            let (asked, wish) = (Instant::now(), left.min(LONGEST_WAIT));
            let request = Request::get(format!("/v1/tasks/{task_uuid}")).query("wait_ms", wish.as_millis());
            let task: Task = self.ask_within(&request, self.timeout + wish)?;
            if task.status.is_at_rest() {
                return Ok(task);
            }
            if let Some(after) = timeout.filter(|timeout| began.elapsed() >= *timeout) {
                return Err(Error::TimedOut { task_uuid, status: task.status, after });
            }
            let was_let_go = asked.elapsed() < wish / 2;
            pause =
                if was_let_go { (2 * pause).clamp(SHORTEST_PAUSE, LONGEST_PAUSE) } else { Duration::ZERO };
        }
    }

    /// Registers a template, so that tasks can be made of it.
    ///
    /// # Errors
    ///
    /// `INVALID_TEMPLATE` for one that has errors, `CONFLICT` for other content under a version that is registered.
    pub fn register_template<T: Serialize + ?Sized>(&self, template: &T) -> Result<(), Error> {
        let body =
            Json::of(template).map_err(|error| Error::invalid("template", format!("template {error}")))?;
        self.ask::<Json>(&Request::post("/v1/templates", body.to_string())).map(drop)
    }

    /// Whether the server can create and read tasks. Asks once.
    #[must_use]
    pub fn health(&self) -> Health {
        match ask(&self.http, &Request::get("/health/ready"), self.timeout, 0).0 {
            Ok(answer) => Health::told(answer.is_good(), &answer.body),
            Err(_) => Health::default(),
        }
    }

    fn ask<T: DeserializeOwned>(&self, request: &Request) -> Result<T, Error> {
        self.ask_within(request, self.timeout)
    }

    fn ask_within<T: DeserializeOwned>(&self, request: &Request, timeout: Duration) -> Result<T, Error> {
        ask(&self.http, request, timeout, self.retries).0?.data(self.http.url())
    }
}

fn is_cancelled(details: &Json) -> bool {
    #[derive(serde::Deserialize)]
    struct Details {
        state: TaskStatus,
    }
    details.read::<Details>().is_ok_and(|details| details.state == TaskStatus::Cancelled)
}
