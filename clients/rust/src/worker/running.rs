//! A handler at work.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::handler::Line;
use crate::http::escaped;
use crate::lease::StepResult;
use crate::worker::Crew;
use crate::worker::desk::Held;
use crate::worker::heart::PATIENCE;
use crate::worker::link::Trouble;
use crate::worker::messages::{Found, Wanted};
use crate::worker::report::Report;
use crate::{Outcome, StepContext, StepError};

impl Crew {
    /// Runs one step after another, until the worker ends.
    pub(crate) fn run_steps(self: &Arc<Self>) {
        while let Some((held, deadline)) = self.desk.next_to_run(|| self.link.clock.has_lapsed()) {
            let line = Attempt { held: Arc::clone(&held), crew: Arc::clone(self) };
            let context = StepContext::new(Arc::clone(&held.lease), deadline, Arc::new(line));
            let outcome = self.called(&context);
            self.desk.finished(&held, deadline, Report::ended(&held.lease, &outcome));
        }
    }

    fn called(&self, context: &StepContext) -> Result<Outcome, StepError> {
        let name = context.handler();
        let Some(known) = self.registry.get(name) else {
            let message = format!("this worker has no handler '{name}'");
            return Err(StepError::of_type("handler_not_found", message, false));
        };
        catch_unwind(AssertUnwindSafe(|| (known.call)(context)))
            .unwrap_or_else(|panic| Err(StepError::of_type("handler_error", said(&*panic), true)))
    }

    /// Ends attempts whose time is up, until the worker ends. The handler's thread stays with it.
    pub(crate) fn watch_time(&self) {
        while let Some(held) = self.desk.next_out_of_time() {
            let (step, time) = (&held.lease.step, held.lease.timeout_ms.unwrap_or_default());
            let message = format!("step '{step}' took longer than {time} ms");
            let error = StepError::of_type("timeout", message, true);
            self.desk.tell(&held, Report::ended(&held.lease, &Err(error)));
        }
    }
}

/// What a panic said.
fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "the handler panicked".into())
}

struct Attempt {
    held: Arc<Held>,
    crew: Arc<Crew>,
}

impl Line for Attempt {
    fn is_cancelled(&self) -> bool {
        let crew = &self.crew;
        self.held.is_cancelled() || crew.link.clock.has_lapsed() || crew.is_hurried.load(Ordering::Relaxed)
    }

    fn result_of(&self, step: &str) -> Result<Option<StepResult>, StepError> {
        let path = format!("/v1/leases/{}/results", escaped(&self.held.lease.lease_id));
        let body = serde_json::to_string(&Wanted { token: &self.held.lease.token, step })?;
        match self.crew.link.post::<Found>(&path, &body, PATIENCE) {
            Ok(found) => Ok(found.and_then(|found| found.result)),
            Err(Trouble::NotNow(_, error)) => Err(StepError::retryable(error.to_string())),
            Err(Trouble::Denied(error) | Trouble::Refused(error)) => {
                Err(StepError::retryable(error.to_string()))
            }
            Err(Trouble::Unknown) => Err(StepError::cancelled()),
        }
    }
}
