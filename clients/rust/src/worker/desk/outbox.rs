//! Outcomes that wait to be told.

use std::time::Duration;

use crate::worker::desk::{Desk, Held, Phase, Room};
use crate::worker::messages::Terms;
use crate::worker::report::Report;

/// What of a body isn't reports.
const FRAME_BYTES: usize = 4096;
/// For so long the first outcome waits for those of other handlers, since steps that came together often end together:
/// little beside a round trip, of which it saves many.
const TOGETHER: Duration = Duration::from_micros(200);

impl Desk {
    /// What is to be told of a lease, unless it is lost.
    pub(crate) fn tell(&self, held: &Held, report: Report) {
        let mut state = self.locked();
        if !held.is_cancelled() {
            state.outbox.push_back(report);
        }
        self.changed.notify_all();
    }

    /// Waits for outcomes: as many as one request may hold, and with them the room to be filled.
    pub(crate) fn next_reports(&self, terms: &Terms) -> Option<(Vec<Report>, Room)> {
        let state = self.wait_while(|state| state.outbox.is_empty() && state.phase < Phase::Ended);
        let together = self.changed.wait_timeout_while(state, TOGETHER, |state| state.busy > 0);
        let mut state = together.expect("no thread panics at the desk").0;
        let (mut reports, mut bytes) = (Vec::new(), FRAME_BYTES);
        while let Some(report) = state.outbox.front() {
            bytes += report.text.get().len() + 1;
            let is_full = reports.len() >= terms.max_reports || bytes > terms.max_body_bytes;
            if is_full && !reports.is_empty() {
                break;
            }
            reports.extend(state.outbox.pop_front());
        }
        if reports.is_empty() {
            return None;
        }
        state.reporting = true;
        Some((reports, state.keep_room(self.slots, terms.max_claim)))
    }

    /// These are answered for. `again` is what is to be said instead.
    pub(crate) fn reported(&self, reports: &[Report], again: Vec<Report>) {
        let mut state = self.locked();
        for report in reports {
            if again.iter().all(|next| next.lease_id != report.lease_id) {
                state.held.remove(&report.lease_id);
            }
        }
        state.outbox.extend(again);
        state.reporting = false;
        self.changed.notify_all();
    }
}
