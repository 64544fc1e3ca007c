//! What a worker has in hand: steps that wait for a thread, steps that run, and outcomes that nobody has heard of yet.

mod outbox;
mod state;
mod steps;

use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::Duration;

use crate::Error;
use crate::worker::desk::state::State;
pub(crate) use crate::worker::desk::state::{Held, Room};

/// How far the worker is in its life.
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

/// The desk. The threads that run handlers wait for work, one for each step that comes; all others for any change.
pub(crate) struct Desk {
    slots: usize,
    state: Mutex<State>,
    work: Condvar,
    changed: Condvar,
}

impl Desk {
    pub(crate) fn new(slots: usize) -> Self {
        Self { slots, state: Mutex::new(State::new()), work: Condvar::new(), changed: Condvar::new() }
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

    /// Begins as another worker: whatever came to the one before, or comes yet, is lost.
    pub(crate) fn begin_as(&self, worker_no: u64) {
        let mut state = self.locked();
        state.worker_no = worker_no;
        state.asked = 0;
        state.lose_all();
        self.changed.notify_all();
    }

    /// Waits until it is told to stop.
    pub(crate) fn wait_for_stop(&self) {
        drop(self.wait_while(|state| state.phase < Phase::Stopping));
    }

    /// Waits, at most so long, until nothing runs and every outcome is told. Says whether that came true.
    pub(crate) fn wait_until_told(&self, patience: Duration) -> bool {
        let mut is_open = |state: &mut State| state.busy > 0 || !state.outbox.is_empty() || state.reporting;
        let woken = self.changed.wait_timeout_while(self.locked(), patience, &mut is_open);
        !is_open(&mut woken.expect("no thread panics at the desk").0)
    }

    /// Waits so long, unless a phase later than `known` begins.
    pub(crate) fn pause_in(&self, known: Phase, pause: Duration) {
        drop(self.changed.wait_timeout_while(self.locked(), pause, |state| state.phase == known));
    }

    fn wait_while(&self, condition: impl FnMut(&mut State) -> bool) -> MutexGuard<'_, State> {
        self.changed.wait_while(self.locked(), condition).expect("no thread panics at the desk")
    }

    fn locked(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no thread panics at the desk")
    }
}
