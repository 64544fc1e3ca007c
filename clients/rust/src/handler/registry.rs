//! Which handlers there are.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::{IntoOutcome, Outcome, StepContext, StepError};

/// A handler: what one step does. Functions and closures that take a [`StepContext`] are handlers; a type of your own is
/// one where it has something to hold, a connection pool or a client.
///
/// It may be called again for the same step, after a crash or a failure: give
/// [`idempotency_key`](StepContext::idempotency_key) to whoever moves the money. A panic is a failure like any other.
///
/// ```
/// use tasker_core::{Registry, StepContext, StepError, StepHandler};
///
/// struct Greet {
///     salutation: String,
/// }
///
/// impl StepHandler for Greet {
///     type Output = String;
///
///     fn call(&self, context: &StepContext) -> Result<String, StepError> {
///         Ok(format!("{}, {}", self.salutation, context.field::<String>("name")?))
///     }
/// }
///
/// Registry::new().step("greet", Greet { salutation: "Hello".into() });
/// ```
pub trait StepHandler: Send + Sync + 'static {
    /// What it returns: the step's result, or an [`Outcome`].
    type Output: IntoOutcome;

    /// Runs the step.
    ///
    /// # Errors
    ///
    /// A [`StepError`] fails the step and says whether it is tried again.
    fn call(&self, context: &StepContext) -> Result<Self::Output, StepError>;
}

impl<F, T> StepHandler for F
where
    F: Fn(&StepContext) -> Result<T, StepError> + Send + Sync + 'static,
    T: IntoOutcome,
{
    type Output = T;

    fn call(&self, context: &StepContext) -> Result<T, StepError> {
        self(context)
    }
}

/// The handlers of a worker, by the names that templates call them.
#[derive(Default, Clone)]
pub struct Registry {
    handlers: BTreeMap<String, Known>,
}

type Callable = dyn Fn(&StepContext) -> Result<Outcome, StepError> + Send + Sync;

#[derive(Clone)]
pub(crate) struct Known {
    pub(crate) call: Arc<Callable>,
    dependencies: Vec<String>,
}

impl Registry {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a handler under the name that templates have under `callable`; one of this name before is replaced.
    pub fn step<H: StepHandler>(&mut self, name: impl Into<String>, handler: H) -> &mut Self {
        self.step_after(name, &[], handler)
    }

    /// The same, for a handler that reads the results of earlier steps besides those that its own depends on.
    pub fn step_after<H: StepHandler>(
        &mut self,
        name: impl Into<String>,
        dependencies: &[&str],
        handler: H,
    ) -> &mut Self {
        let known = Known {
            call: Arc::new(move |context| handler.call(context)?.into_outcome()),
            dependencies: dependencies.iter().copied().map(Into::into).collect(),
        };
        self.handlers.insert(name.into(), known);
        self
    }

    /// The names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.handlers.keys().map(String::as_str)
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Known> {
        self.handlers.get(name)
    }

    /// The names, each with the steps whose results its handler reads besides.
    pub(crate) fn dependencies(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.handlers.iter().map(|(name, known)| (name.as_str(), known.dependencies.as_slice()))
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}
