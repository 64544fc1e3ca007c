//! Steps on their way over the desk: asked for, taken, run, lost.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::lease::Lease;
use crate::worker::desk::{Desk, Held, Phase, Room, State};
use crate::worker::report::Report;

/// How often a thread looks whether leases are good again.
const LOOK: Duration = Duration::from_millis(50);

impl Desk {
    /// Waits until there is room and no report is about to ask for it. `None` when it isn't this worker any more, or ends.
    pub(crate) fn room_for_poll(&self, worker_no: u64, most: usize) -> Option<Room> {
        let is_over = |state: &State| state.worker_no != worker_no || state.phase > Phase::Draining;
        let is_asked_for = |state: &State| state.reporting || !state.outbox.is_empty();
        let mut state = self.wait_while(|state| {
            let has_room = state.phase == Phase::Running && state.free(self.slots) > 0;
            !is_over(state) && (is_asked_for(state) || !has_room)
        });
        if is_over(&state) { None } else { Some(state.keep_room(self.slots, most)) }
    }

    /// What came of a request that room was kept for.
    pub(crate) fn take(&self, room: &Room, leases: Vec<Lease>) {
        let mut state = self.locked();
        if !state.let_go(room) {
            return;
        }
        let known = |lease: &Lease| state.held.contains_key(&lease.lease_id);
        let new: Vec<_> = leases.into_iter().filter(|lease| !known(lease)).map(Held::new).collect();
        for held in &new {
            state.held.insert(held.lease.lease_id.clone(), Arc::clone(held));
        }
        if state.phase == Phase::Running {
            new.iter().for_each(|_| self.work.notify_one());
            state.queue.extend(new);
        } else {
            state.give_back(new);
        }
        self.changed.notify_all();
    }

    /// The next step for a thread, which is busy from then on. Waits while `unsure` says that leases may be gone.
    pub(crate) fn next_to_run(&self, unsure: impl Fn() -> bool) -> Option<(Arc<Held>, Option<Instant>)> {
        loop {
            let is_idle = |state: &mut State| state.queue.is_empty() && state.phase < Phase::Ended;
            let woken = self.work.wait_while(self.locked(), is_idle);
            let mut state = woken.expect("no thread panics at the desk");
            if state.phase == Phase::Ended {
                return None;
            }
            if unsure() {
                drop(self.work.wait_timeout(state, LOOK));
                continue;
            }
            let Some(held) = state.queue.pop_front() else { continue };
            state.busy += 1;
            let deadline = held.lease.timeout_ms.map(|time| Instant::now() + Duration::from_millis(time));
            if let Some(deadline) = deadline {
                state.deadlines.insert((deadline, held.lease.lease_id.clone()), Arc::clone(&held));
                self.changed.notify_all();
            }
            return Some((held, deadline));
        }
    }

    /// A thread is free again. Its outcome counts if nothing else was said of the lease meanwhile.
    pub(crate) fn finished(&self, held: &Held, deadline: Option<Instant>, report: Report) {
        let mut state = self.locked();
        state.busy -= 1;
        let is_awaited = match deadline {
            Some(deadline) => state.deadlines.remove(&(deadline, report.lease_id.clone())).is_some(),
            None => true,
        };
        if is_awaited && !held.is_cancelled() {
            state.outbox.push_back(report);
        }
        self.changed.notify_all();
    }

    /// Waits for the next attempt whose time is up; `None` when the worker ends.
    pub(crate) fn next_out_of_time(&self) -> Option<Arc<Held>> {
        let mut state = self.locked();
        while state.phase < Phase::Ended {
            let (now, first) = (Instant::now(), state.deadlines.first_key_value());
            let earliest = first.map(|((deadline, _), _)| *deadline);
            if earliest.is_some_and(|deadline| deadline <= now) {
                return state.deadlines.pop_first().map(|(_, held)| held);
            }
            let patience = earliest.map_or(Duration::MAX, |deadline| deadline - now);
            let woken = self.changed.wait_timeout(state, patience);
            state = woken.expect("no thread panics at the desk").0;
        }
        None
    }

    /// The ids of all leases that are ours.
    pub(crate) fn lease_ids(&self) -> Vec<String> {
        self.locked().held.keys().cloned().collect()
    }

    /// A lease isn't ours any more.
    pub(crate) fn lose(&self, lease_id: &str) {
        self.locked().lose(lease_id);
        self.changed.notify_all();
    }

    /// None is.
    pub(crate) fn lose_all(&self) {
        self.locked().lose_all();
        self.changed.notify_all();
    }
}
