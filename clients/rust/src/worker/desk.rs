//! What a worker has in hand: steps that wait for a thread, steps that run, and outcomes that nobody has heard of yet.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use crate::Error;
use crate::lease::Lease;
use crate::worker::messages::Report;

/// A lease, and what became of it.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) lease: Arc<Lease>,
    cancelled: AtomicBool,
}

impl Held {
    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// Takes steps.
    Running,
    /// Takes none, and finishes what runs.
    Draining,
    /// The same, and then the process ends.
    Stopping,
    /// All threads end.
    Ended,
}

#[derive(Debug)]
struct State {
    phase: Phase,
    failure: Option<Error>,
    /// All that the server is to know of as ours, by lease id.
    held: HashMap<String, Arc<Held>>,
    queue: VecDeque<Arc<Held>>,
    outbox: VecDeque<Report>,
    /// Threads that run a handler, whether or not its lease is still ours.
    busy: usize,
    /// Places that an open request may fill.
    asked: usize,
    /// Reports are on their way.
    reporting: bool,
    /// When attempts are out of time, the earliest first.
    deadlines: BTreeMap<(Instant, String), Arc<Held>>,
}

/// The desk. The threads that run handlers wait for work, one for each step that comes; all others for any change.
pub(crate) struct Desk {
    slots: usize,
    state: Mutex<State>,
    work: Condvar,
    changed: Condvar,
}

impl Desk {
    pub(crate) fn new(slots: usize) -> Self {
        let state = State {
            phase: Phase::Running,
            failure: None,
            held: HashMap::new(),
            queue: VecDeque::new(),
            outbox: VecDeque::new(),
            busy: 0,
            asked: 0,
            reporting: false,
            deadlines: BTreeMap::new(),
        };
        Self {
            slots,
            state: Mutex::new(state),
            work: Condvar::new(),
            changed: Condvar::new(),
        }
    }

    pub(crate) fn phase(&self) -> Phase {
        self.locked().phase
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.phase() == Phase::Ended
    }

    /// Goes on to a later phase. Steps that haven't begun are given back from draining on.
    pub(crate) fn advance(&self, phase: Phase) {
        let mut state = self.locked();
        state.phase = state.phase.max(phase);
        if state.phase > Phase::Running {
            let waiting: Vec<_> = state.queue.drain(..).collect();
            state.give_back(waiting);
        }
        self.work.notify_all();
        self.changed.notify_all();
    }

    /// Ends because of something that no repetition mends.
    pub(crate) fn fail(&self, error: Error) {
        log::error!("the worker ends: {error}");
        self.locked().failure.get_or_insert(error);
        self.advance(Phase::Stopping);
    }

    pub(crate) fn failure(&self) -> Option<Error> {
        self.locked().failure.take()
    }

    /// Waits until it is told to stop.
    pub(crate) fn wait_for_stop(&self) {
        drop(self.wait_while(|state| state.phase < Phase::Stopping));
    }

    /// Waits, at most so long, until nothing runs and every outcome is told. Says whether that came true.
    pub(crate) fn wait_until_told(&self, patience: Duration) -> bool {
        let open =
            |state: &mut State| state.busy > 0 || !state.outbox.is_empty() || state.reporting;
        let state = self
            .changed
            .wait_timeout_while(self.locked(), patience, open);
        !open(&mut state.expect("no thread panics at the desk").0)
    }

    /// Waits so long, unless the worker ends.
    pub(crate) fn pause(&self, pause: Duration) {
        let ended = |state: &mut State| state.phase < Phase::Ended;
        drop(self.changed.wait_timeout_while(self.locked(), pause, ended));
    }

    /// Waits so long, unless a phase later than `known` begins.
    pub(crate) fn pause_in(&self, known: Phase, pause: Duration) {
        drop(
            self.changed
                .wait_timeout_while(self.locked(), pause, |state| state.phase == known),
        );
    }

    /// Waits until there is room and no report is about to ask for it, and keeps the room, for `forget_asked`.
    pub(crate) fn room_for_poll(&self, most: usize) -> Option<usize> {
        let slots = self.slots;
        let mut state = self.wait_while(|state| match state.phase {
            Phase::Running => state.reporting || !state.outbox.is_empty() || state.room(slots) == 0,
            Phase::Draining => true,
            Phase::Stopping | Phase::Ended => false,
        });
        if state.phase > Phase::Draining {
            return None;
        }
        let room = state.room(slots).min(most);
        state.asked += room;
        Some(room)
    }

    /// What came of a request that had asked for so many.
    pub(crate) fn take(&self, asked: usize, leases: Vec<Lease>) {
        let mut state = self.locked();
        state.asked -= asked;
        let new: Vec<_> = leases
            .into_iter()
            .filter(|lease| !state.held.contains_key(&lease.lease_id))
            .map(|lease| {
                Arc::new(Held {
                    lease: Arc::new(lease),
                    cancelled: AtomicBool::new(false),
                })
            })
            .collect();
        for held in &new {
            state
                .held
                .insert(held.lease.lease_id.clone(), Arc::clone(held));
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
    pub(crate) fn next_to_run(
        &self,
        unsure: impl Fn() -> bool,
    ) -> Option<(Arc<Held>, Option<Instant>)> {
        loop {
            let idle = |state: &mut State| state.queue.is_empty() && state.phase < Phase::Ended;
            let woken = self.work.wait_while(self.locked(), idle);
            let mut state = woken.expect("no thread panics at the desk");
            if state.phase == Phase::Ended {
                return None;
            }
            if unsure() {
                drop(self.work.wait_timeout(state, Duration::from_millis(50)));
                continue;
            }
            let Some(held) = state.queue.pop_front() else {
                continue;
            };
            state.busy += 1;
            let deadline = held
                .lease
                .timeout_ms
                .map(|time| Instant::now() + Duration::from_millis(time));
            if let Some(deadline) = deadline {
                state
                    .deadlines
                    .insert((deadline, held.lease.lease_id.clone()), Arc::clone(&held));
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
            Some(deadline) => state
                .deadlines
                .remove(&(deadline, report.lease_id.clone()))
                .is_some(),
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
        loop {
            if state.phase == Phase::Ended {
                return None;
            }
            let now = Instant::now();
            let earliest = state
                .deadlines
                .first_key_value()
                .map(|((deadline, _), _)| *deadline);
            if earliest.is_some_and(|deadline| deadline <= now) {
                return state.deadlines.pop_first().map(|(_, held)| held);
            }
            let patience = earliest.map_or(Duration::MAX, |deadline| deadline - now);
            let woken = self.changed.wait_timeout(state, patience);
            state = woken.expect("no thread panics at the desk").0;
        }
    }

    /// What is to be told of a lease that isn't cancelled.
    pub(crate) fn tell(&self, held: &Held, report: Report) {
        let mut state = self.locked();
        if !held.is_cancelled() {
            state.outbox.push_back(report);
        }
        self.changed.notify_all();
    }

    /// Waits for outcomes: so many at most, of so many bytes, and with them the room to be filled.
    pub(crate) fn next_reports(&self, most: usize, bytes: usize) -> Option<(Vec<Report>, usize)> {
        let mut state =
            self.wait_while(|state| state.outbox.is_empty() && state.phase < Phase::Ended);
        let (mut reports, mut size) = (Vec::new(), 0);
        while let Some(report) = state.outbox.front() {
            size += report.bytes() + 1;
            if !reports.is_empty() && (reports.len() >= most || size > bytes) {
                break;
            }
            reports.extend(state.outbox.pop_front());
        }
        if reports.is_empty() {
            return None;
        }
        state.reporting = true;
        let room = if state.phase == Phase::Running {
            state.room(self.slots)
        } else {
            0
        };
        state.asked += room;
        Some((reports, room))
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
        let mut state = self.locked();
        for lease_id in state.held.keys().cloned().collect::<Vec<_>>() {
            state.lose(&lease_id);
        }
        self.changed.notify_all();
    }

    /// Handlers are told to stop, because the worker ends without them.
    pub(crate) fn cancel_all(&self) {
        for held in self.locked().held.values() {
            held.cancel();
        }
    }

    fn wait_while(&self, condition: impl FnMut(&mut State) -> bool) -> MutexGuard<'_, State> {
        self.changed
            .wait_while(self.locked(), condition)
            .expect("no thread panics at the desk")
    }

    fn locked(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no thread panics at the desk")
    }
}

impl State {
    fn room(&self, slots: usize) -> usize {
        slots.saturating_sub(self.busy + self.queue.len() + self.asked)
    }

    fn give_back(&mut self, waiting: Vec<Arc<Held>>) {
        let reports = waiting
            .iter()
            .map(|held| Report::release(&held.lease, "the worker takes no more"));
        self.outbox.extend(reports);
    }

    fn lose(&mut self, lease_id: &str) {
        if let Some(held) = self.held.remove(lease_id) {
            held.cancel();
            self.queue
                .retain(|waiting| waiting.lease.lease_id != lease_id);
            self.outbox.retain(|report| report.lease_id != lease_id);
        }
    }
}
