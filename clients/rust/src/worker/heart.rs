//! The heartbeat, and the registration that comes before it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::worker::Crew;
use crate::worker::desk::Phase;
use crate::worker::link::{Pauses, Session, Trouble};
use crate::worker::messages::{Beat, Beaten, Directive, Named, Standing, millis};

/// How long an answer may take that isn't held back.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

impl Crew {
    /// Registers and beats until the worker ends.
    pub(crate) fn beat(self: &Arc<Self>) {
        self.register(0);
        let mut known = Phase::Running;
        // A registration is a sign of life.
        let mut registered = 0;
        while let Some(session) = self.session() {
            if session.no != registered {
                registered = session.no;
                self.desk.pause_in(known, millis(session.terms.heartbeat_ms));
            }
            let sent = Instant::now();
            known = known.max(self.desk.phase());
            let pause = self.beat_once(&session, known, sent);
            self.desk.pause_in(known, pause.saturating_sub(sent.elapsed()));
            known = known.max(self.desk.phase());
        }
    }

    /// For how long to be silent after it.
    fn beat_once(self: &Arc<Self>, session: &Session, phase: Phase, sent: Instant) -> Duration {
        let ids = self.desk.lease_ids();
        let state = if phase == Phase::Running { "running" } else { "draining" };
        let beat = Beat { state, leases: ids.iter().map(|lease_id| Named { lease_id }).collect() };
        // One that hangs must not keep the next ones from being sent while the leases are good.
        let (every, lease) = (millis(session.terms.heartbeat_ms), millis(session.terms.lease_ms));
        let within = (lease / 3).clamp(Duration::from_millis(100), PATIENCE);
        match self.link.ask::<Beaten>(session, "heartbeat", &beat, within) {
            Ok(beaten) => {
                let extended = beaten.as_ref().and_then(|beaten| beaten.lease_ms).map_or(lease, millis);
                // What is lost is told first: a step that waits mustn't begin in between.
                if let Some(beaten) = beaten {
                    self.heard(&beaten);
                }
                self.link.clock.extend(sent, extended);
                every
            }
            Err(Trouble::NotNow(asked_for, error)) => {
                log::warn!("a heartbeat didn't get through: {error}");
                every.max(asked_for.unwrap_or_default())
            }
            Err(Trouble::Unknown) => {
                self.register(session.no);
                // One that stops doesn't register again.
                if self.desk.phase() < Phase::Stopping { Duration::ZERO } else { every }
            }
            Err(Trouble::Denied(error) | Trouble::Refused(error)) => {
                self.desk.fail(error);
                every
            }
        }
    }

    fn heard(&self, beaten: &Beaten) {
        for lease in &beaten.leases {
            match lease.status {
                Standing::Extended => {}
                Standing::Lost | Standing::Cancel => self.desk.lose(&lease.lease_id),
            }
        }
        self.obey(beaten.directive);
    }

    /// Does what an operator says through the server.
    pub(crate) fn obey(&self, directive: Directive) {
        match directive {
            Directive::Run => {}
            Directive::Drain => self.desk.advance(Phase::Draining),
            Directive::Stop => self.desk.advance(Phase::Stopping),
        }
    }

    /// Makes a session in place of the one of this number, unless another thread has. What was held is lost.
    pub(crate) fn register(self: &Arc<Self>, instead_of: u64) {
        let _turn = self.registering.lock().expect("no thread panics while it registers");
        let before = self.link.session(Duration::ZERO);
        if before.as_ref().is_some_and(|before| before.no != instead_of) {
            return;
        }
        self.desk.lose_all();
        if let Some(before) = &before {
            // A server that forgets at once isn't asked any faster.
            let every = millis(before.terms.heartbeat_ms);
            self.desk.pause_in(self.desk.phase(), every.saturating_sub(before.since.elapsed()));
        }
        let mut pauses = Pauses::new();
        while self.desk.phase() < Phase::Stopping {
            match self.link.register(&self.registration, PATIENCE) {
                Ok(session) => return self.begin(session, before.as_ref()),
                Err(Trouble::NotNow(asked_for, error)) => {
                    log::warn!("the worker can't register yet: {error}");
                    self.desk.pause_in(self.desk.phase(), pauses.next(asked_for));
                }
                Err(Trouble::Denied(error) | Trouble::Refused(error)) => self.desk.fail(error),
                Err(Trouble::Unknown) => unreachable!("a registration names no worker"),
            }
        }
    }

    /// Where the server takes it for the worker that it was, the poll goes on; another worker has one of its own.
    fn begin(self: &Arc<Self>, session: Session, before: Option<&Session>) {
        if before.is_some_and(|before| before.worker_no == session.worker_no) {
            return;
        }
        self.desk.begin_as(session.worker_no);
        // Its end isn't waited for: it may wait for an answer for long.
        drop(self.spawn("poll", move |crew| crew.poll(session.worker_no)));
    }

    /// The session, once there is one; `None` when the worker ends.
    pub(crate) fn session(&self) -> Option<Session> {
        while !self.desk.has_ended() {
            if let Some(session) = self.link.session(Duration::from_millis(50)) {
                return Some(session);
            }
        }
        None
    }
}
