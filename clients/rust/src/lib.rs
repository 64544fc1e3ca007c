//! Client and worker of a Tasker server: durable multi-step workflows.
//!
//! A template says which steps there are and what each waits for; a handler, written in any language, is one step; a task
//! is one run of a template. This crate creates tasks and looks at them ([`Client`]), and runs handlers in Rust ([`Worker`]).
//! Both speak HTTP with a `tasker server`, block, and need no async runtime.
//!
//! Handlers are functions, or types that implement [`StepHandler`]:
//!
//! ```
//! use std::time::Duration;
//! use serde::{Deserialize, Serialize};
//! use tasker_core::{Registry, StepContext, StepError};
//!
//! #[derive(Deserialize)]
//! struct Cart {
//!     card: String,
//! }
//!
//! #[derive(Serialize, Deserialize)]
//! struct Charge {
//!     charge_id: String,
//!     cents: u64,
//! }
//!
//! fn charge_card(context: &StepContext) -> Result<Charge, StepError> {
//!     let cart: Cart = context.input()?;
//!     let cents: u64 = context.dependency("validate_cart")?;
//!     match cart.card.as_str() {
//!         "tok_declined" => Err(StepError::permanent("card declined").code("card_declined")),
//!         "tok_busy" => Err(StepError::retryable("gateway is busy").retry_after(Duration::from_secs(5))),
//!         // The key is the same for every attempt, so the gateway charges once.
//!         _ => Ok(Charge { charge_id: format!("ch_{}", context.idempotency_key()), cents }),
//!     }
//! }
//!
//! let mut registry = Registry::new();
//! registry.step("charge_card", charge_card);
//! registry.step("greet", |context: &StepContext| -> Result<String, StepError> {
//!     Ok(format!("Hello, {}", context.field::<String>("name")?))
//! });
//!
//! // A handler is tried without a server:
//! let context = StepContext::sample(&serde_json::json!({"card": "tok_declined"}))
//!     .with_dependency("validate_cart", &900);
//! assert_eq!(charge_card(&context).err().unwrap().error_code(), Some("card_declined"));
//! ```
//!
//! A worker serves them until the process is told to end:
//!
//! ```no_run
//! # let registry = tasker_core::Registry::new();
//! use tasker_core::{Settings, Worker};
//!
//! Worker::new(registry).slots(20).namespaces(["shop"]).run(&Settings::new().url("http://127.0.0.1:8080"))?;
//! # Ok::<(), tasker_core::Error>(())
//! ```

mod answers;
mod client;
mod error;
mod filter;
mod handler;
mod http;
mod json;
mod lease;
mod settings;
mod task_request;
mod tries;
mod worker;

pub use answers::{
    Explanation, Failure, Health, Page, Paused, Step, StepFailure, StepReadiness, StepResults, StepState,
    Task, TaskList, TaskStatus, TaskWarning, UnfinishedStep,
};
pub use client::Client;
pub use error::{Error, Refusal};
pub use filter::TaskFilter;
pub use handler::{Checkpoint, IntoOutcome, Outcome, Registry, StepContext, StepError, StepHandler};
pub use json::Json;
pub use settings::Settings;
pub use task_request::TaskRequest;
pub use uuid::Uuid;
pub use worker::{RunningWorker, Worker};

/// The code of the README, which is compiled with the other examples.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
