//! The way to the server: what it answers, sorted by what a worker does about it.

use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::Error;
use crate::http::{Answer, Http, Request};
use crate::worker::lapse::LeaseClock;
use crate::worker::messages::{Terms, millis};

const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// Why a request of a worker has no good answer.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// The same request again, after a pause; the server may say of how long.
    NotNow(Option<Duration>, Error),
    /// The server doesn't know the worker any more.
    Unknown,
    /// The credentials don't let this process be a worker.
    Denied(Error),
    /// The same request would be answered the same.
    Refused(Error),
}

/// What the worker is to the server since it registered last.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    /// Counts the registrations.
    pub(crate) no: u64,
    /// Counts those that made another worker of it.
    pub(crate) worker_no: u64,
    pub(crate) terms: Terms,
    pub(crate) since: Instant,
}

pub(crate) struct Link {
    http: Http,
    session: Mutex<Option<Session>>,
    registered: Condvar,
    pub(crate) clock: LeaseClock,
}

impl Link {
    pub(crate) fn new(http: Http) -> Self {
        Self { http, session: Mutex::new(None), registered: Condvar::new(), clock: LeaseClock::new() }
    }

    /// The session, waiting `patience` for it.
    pub(crate) fn session(&self, patience: Duration) -> Option<Session> {
        let found = self.locked();
        let (found, _) = self
            .registered
            .wait_timeout_while(found, patience, |found| found.is_none())
            .expect("no thread panics with the session");
        found.clone()
    }

    /// Asks to be this worker, which makes a session.
    pub(crate) fn register(&self, body: &str, within: Duration) -> Result<Session, Trouble> {
        let sent = Instant::now();
        let terms: Terms = self.post("/v1/workers", body, within)?.ok_or_else(|| self.nothing())?;
        self.clock.extend(sent, millis(terms.lease_ms));
        let mut current = self.locked();
        let (no, worker_no) = match &*current {
            None => (1, 1),
            Some(before) if before.terms.worker_id == terms.worker_id => (before.no + 1, before.worker_no),
            Some(before) => (before.no + 1, before.worker_no + 1),
        };
        let session = Session { no, worker_no, terms, since: sent };
        *current = Some(session.clone());
        self.registered.notify_all();
        Ok(session)
    }

    /// Asks something of the session; `None` is an answer that brings nothing.
    pub(crate) fn ask<T: DeserializeOwned>(
        &self,
        session: &Session,
        what: &str,
        body: &impl Serialize,
        within: Duration,
    ) -> Result<Option<T>, Trouble> {
        let body = serde_json::to_string(body).expect("a request is made of JSON");
        self.post(&format!("/v1/workers/{}/{what}", session.terms.worker_id), &body, within)
    }

    pub(crate) fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &str,
        within: Duration,
    ) -> Result<Option<T>, Trouble> {
        let answer = self.exchange(&Request::post(path, body.to_owned()), within)?;
        match answer.status {
            204 => Ok(None),
            _ => answer.data(self.http.url()).map(Some).map_err(|error| Trouble::NotNow(None, error)),
        }
    }

    /// Gives back all that is still held.
    pub(crate) fn end(&self, session: &Session, within: Duration) -> Result<(), Trouble> {
        let request = Request::delete(format!("/v1/workers/{}", session.terms.worker_id));
        self.exchange(&request, within).map(drop)
    }

    fn exchange(&self, request: &Request, within: Duration) -> Result<Answer, Trouble> {
        let answer = self.http.exchange(request, &Uuid::new_v4().to_string(), within).map_err(|error| {
            let message = format!("{} didn't answer: {error}", self.http.url());
            Trouble::NotNow(None, Error::Unanswered { message })
        })?;
        if answer.is_good() { Ok(answer) } else { Err(self.trouble(&answer)) }
    }

    fn trouble(&self, answer: &Answer) -> Trouble {
        let error = answer.error(self.http.url());
        match (answer.status, error.code()) {
            (404, Some("WORKER_UNKNOWN")) => Trouble::Unknown,
            (401 | 403, Some(_)) => Trouble::Denied(error),
            // What isn't a server of Tasker is one that stands before it while it is away.
            (408 | 429 | 500.., _) | (_, None) => Trouble::NotNow(answer.retry_after, error),
            _ => Trouble::Refused(error),
        }
    }

    fn nothing(&self) -> Trouble {
        let message = format!("{} answered a registration with nothing", self.http.url());
        Trouble::Refused(Error::Stranger { status: 204, message })
    }

    fn locked(&self) -> MutexGuard<'_, Option<Session>> {
        self.session.lock().expect("no thread panics with the session")
    }
}

/// Pauses between repetitions: longer and longer, by chance between nothing and the longest.
pub(crate) struct Pauses {
    longest: Duration,
}

impl Pauses {
    pub(crate) fn new() -> Self {
        Self { longest: FIRST_PAUSE }
    }

    /// For a request that may have brought leases: those that no two heartbeats in a row name go back.
    pub(crate) fn within_beats(session: &Session) -> Self {
        Self { longest: FIRST_PAUSE.min(millis(session.terms.heartbeat_ms) / 2) }
    }

    pub(crate) fn next(&mut self, asked_for: Option<Duration>) -> Duration {
        let by_chance = self.longest.mul_f64(fastrand::f64());
        self.longest = (self.longest * 2).min(LONGEST_PAUSE);
        asked_for.unwrap_or(by_chance)
    }
}
