//! The long poll, by which a worker with room comes to steps.

use std::sync::Arc;
use std::time::Instant;

use uuid::Uuid;

use crate::worker::Crew;
use crate::worker::desk::Phase;
use crate::worker::heart::PATIENCE;
use crate::worker::link::{Pauses, Session, Trouble};
use crate::worker::messages::{Claim, Claimed, millis};

/// By chance up to so long after a poll in vain, so that many workers don't ask at the same moment.
const JITTER_MS: u64 = 100;
/// The same after one that another claim of this worker ended.
const SHORT_JITTER_MS: u64 = 20;

impl Crew {
    /// Asks for steps whenever there is room, for as long as it is this worker, or until it stops.
    pub(crate) fn poll(self: &Arc<Self>, worker_no: u64) {
        while let Some(session) = self.session() {
            let Some(room) = self.desk.room_for_poll(worker_no, session.terms.max_claim) else { return };
            let began = Instant::now();
            let claimed = self.claimed(&session, room.places).unwrap_or_default();
            let is_empty = claimed.leases.is_empty();
            self.desk.take(&room, claimed.leases);
            self.obey(claimed.directive);
            if is_empty {
                let was_ended = began.elapsed() < millis(session.terms.max_wait_ms) / 2;
                let longest = if was_ended { SHORT_JITTER_MS } else { JITTER_MS };
                self.desk.pause_in(Phase::Running, millis(fastrand::u64(0..=longest)));
            }
        }
    }

    /// What the poll brings. A lost answer is asked for again; `None` where nobody is left to ask or to be told.
    fn claimed(self: &Arc<Self>, session: &Session, max: usize) -> Option<Claimed> {
        let wait_ms = session.terms.max_wait_ms;
        let claim = Claim { request_id: Uuid::new_v4(), max, wait_ms: Some(wait_ms) };
        let mut pauses = Pauses::within_beats(session);
        while self.desk.phase() == Phase::Running {
            match self.link.ask(session, "claims", &claim, millis(wait_ms) + PATIENCE) {
                Ok(claimed) => return claimed,
                Err(Trouble::NotNow(asked_for, error)) => {
                    log::warn!("no steps can be asked for: {error}");
                    self.desk.pause_in(Phase::Running, pauses.next(asked_for));
                }
                Err(Trouble::Unknown) => {
                    self.register(session.no);
                    return None;
                }
                Err(Trouble::Denied(error) | Trouble::Refused(error)) => {
                    self.desk.fail(error);
                    return None;
                }
            }
        }
        None
    }
}
