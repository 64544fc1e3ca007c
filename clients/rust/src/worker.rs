//! A worker: asks a server for steps, runs their handlers, and reports what became of them.

mod desk;
mod heart;
mod lapse;
mod link;
mod messages;
mod poll;
mod report;
mod reporting;
mod running;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use std::{env, process};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use uuid::Uuid;

use crate::http::Http;
use crate::worker::desk::{Desk, Phase};
use crate::worker::link::Link;
use crate::worker::messages::{Registration, Served};
use crate::{Error, Registry, Settings};

/// For how long handlers may go on once they are told to stop.
const GRACE: Duration = Duration::from_secs(2);
/// How long a worker that ends tries to give back what it holds.
const LAST_TRIES: [Duration; 3] = [Duration::from_secs(5), Duration::from_secs(2), Duration::from_secs(1)];

/// Serves the handlers of a [`Registry`], as many at once as it has slots, each in a thread of its own.
///
/// ```no_run
/// use tasker_core::{Registry, Settings, StepContext, StepError, Worker};
///
/// let mut registry = Registry::new();
/// registry.step("greet", |context: &StepContext| -> Result<String, StepError> {
///     Ok(format!("Hello, {}", context.field::<String>("name")?))
/// });
/// // Until SIGTERM or Ctrl-C; the server is the one that TASKER_URL names.
/// Worker::new(registry).slots(20).run(&Settings::new())?;
/// # Ok::<(), tasker_core::Error>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "a worker does nothing until it is started"]
pub struct Worker {
    registry: Registry,
    slots: usize,
    namespaces: Vec<String>,
    name: String,
    shutdown_timeout: Duration,
}

impl Worker {
    /// A worker of ten slots, for all namespaces.
    pub fn new(registry: Registry) -> Self {
        let program = env::current_exe().ok().and_then(|path| Some(path.file_stem()?.to_str()?.to_owned()));
        Self {
            registry,
            slots: 10,
            namespaces: Vec::new(),
            name: format!("{}-{}", program.as_deref().unwrap_or("rust"), process::id()),
            shutdown_timeout: Duration::from_secs(30),
        }
    }

    /// How many handlers run at once; at least one.
    pub fn slots(mut self, slots: usize) -> Self {
        self.slots = slots.max(1);
        self
    }

    /// Serves only these namespaces.
    pub fn namespaces<T: Into<String>>(mut self, namespaces: impl IntoIterator<Item = T>) -> Self {
        self.namespaces = namespaces.into_iter().map(Into::into).collect();
        self
    }

    /// What operators see; else the program's name and process id.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// For how long a stop waits for what runs; 30 s without it. Then handlers are told to stop. Steps of those that do go back
    /// into the queue; those of others are found as lost, and run again elsewhere.
    pub fn shutdown_timeout(mut self, timeout: Duration) -> Self {
        self.shutdown_timeout = timeout;
        self
    }

    /// Works until SIGTERM or Ctrl-C, or until the server says to stop: then it finishes what runs. A second signal ends the
    /// process at once.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] for settings that can't be used; a refusal where the credentials don't let it be a worker.
    ///
    /// # Panics
    ///
    /// The process can't listen for signals.
    pub fn run(self, settings: &Settings) -> Result<(), Error> {
        let running = self.start(settings)?;
        let mut signals = Signals::new([SIGTERM, SIGINT]).expect("a process can listen for signals");
        let (handle, crew) = (signals.handle(), Arc::clone(&running.crew));
        let listening = thread::spawn(move || {
            let mut heard = signals.forever();
            if heard.next().is_some() {
                crew.desk.advance(Phase::Stopping);
            }
            if heard.next().is_some() {
                process::exit(1);
            }
        });
        let end = running.wait();
        handle.close();
        let _ = listening.join();
        end
    }

    /// Works in the background. It registers as soon as the server answers.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] for settings that can't be used.
    pub fn start(self, settings: &Settings) -> Result<RunningWorker, Error> {
        let registration = self.registration();
        let crew = Arc::new(Crew {
            link: Link::new(Http::new(&settings.known()?)),
            desk: Desk::new(self.slots),
            registry: self.registry,
            registration,
            registering: Mutex::new(()),
            is_hurried: AtomicBool::new(false),
        });
        let mut threads = vec![
            crew.spawn("heart", Crew::beat),
            crew.spawn("reports", Crew::report),
            crew.spawn("clock", |crew| crew.watch_time()),
        ];
        threads.extend((0..self.slots).map(|no| crew.spawn(&format!("step-{no}"), Crew::run_steps)));
        Ok(RunningWorker { crew, threads, shutdown_timeout: self.shutdown_timeout })
    }

    fn registration(&self) -> String {
        let served = |(name, known)| Served { callable: name, dependencies: known };
        let registration = Registration {
            instance_id: Uuid::new_v4(),
            name: &self.name,
            language: "rust",
            sdk_version: env!("CARGO_PKG_VERSION"),
            namespaces: &self.namespaces,
            handlers: self.registry.dependencies().map(served).collect(),
            slots: self.slots,
        };
        serde_json::to_string(&registration).expect("a registration is made of texts")
    }
}

/// A worker at work. Dropped, it goes on until the process ends.
#[must_use = "stop it, or wait for its end"]
pub struct RunningWorker {
    crew: Arc<Crew>,
    threads: Vec<JoinHandle<()>>,
    shutdown_timeout: Duration,
}

impl RunningWorker {
    /// Takes no more steps, finishes what runs, gives back the rest, and ends.
    ///
    /// # Errors
    ///
    /// What ended it before, if something did: credentials that the server refused.
    pub fn stop(self) -> Result<(), Error> {
        self.crew.desk.advance(Phase::Stopping);
        self.wait()
    }

    /// Waits until it ends by itself: the server said so, or refused it.
    ///
    /// # Errors
    ///
    /// A refusal where the credentials don't let it be a worker.
    pub fn wait(self) -> Result<(), Error> {
        let (crew, desk) = (&self.crew, &self.crew.desk);
        desk.wait_for_stop();
        let is_idle = desk.wait_until_told(self.shutdown_timeout) || {
            log::warn!("handlers that still run after {:?} are told to stop", self.shutdown_timeout);
            crew.is_hurried.store(true, Ordering::Relaxed);
            desk.wait_until_told(GRACE)
        };
        // What still runs must not begin elsewhere as if nothing had been done: silence tells that it is lost.
        if is_idle {
            crew.say_goodbye();
        }
        desk.advance(Phase::Ended);
        for thread in self.threads.into_iter().filter(|thread| is_idle || thread.is_finished()) {
            let _ = thread.join();
        }
        desk.failure().map_or(Ok(()), Err)
    }
}

/// What the threads of a worker share.
pub(crate) struct Crew {
    link: Link,
    desk: Desk,
    registry: Registry,
    /// The body of each registration.
    registration: String,
    registering: Mutex<()>,
    /// The worker ends, whether or not handlers do.
    is_hurried: AtomicBool,
}

impl Crew {
    fn spawn(self: &Arc<Self>, name: &str, work: impl FnOnce(&Arc<Self>) + Send + 'static) -> JoinHandle<()> {
        let crew = Arc::clone(self);
        let thread = thread::Builder::new().name(format!("tasker-{name}"));
        thread.spawn(move || work(&crew)).expect("a process can start threads")
    }

    /// Gives back what is still held.
    fn say_goodbye(&self) {
        let Some(session) = self.link.session(Duration::ZERO) else {
            return;
        };
        for within in LAST_TRIES {
            match self.link.end(&session, within) {
                Err(link::Trouble::NotNow(..)) => thread::sleep(Duration::from_millis(200)),
                _ => return,
            }
        }
    }
}
