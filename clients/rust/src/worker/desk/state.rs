//! What lies on the desk.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use crate::Error;
use crate::lease::Lease;
use crate::worker::desk::Phase;
use crate::worker::report::Report;

/// A lease, and whether it still is one.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) lease: Arc<Lease>,
    cancelled: AtomicBool,
}

impl Held {
    pub(crate) fn new(lease: Lease) -> Arc<Self> {
        Arc::new(Self { lease: Arc::new(lease), cancelled: AtomicBool::new(false) })
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    pub(crate) fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }
}

/// Places that are kept for what a request brings. Those of a worker that it isn't any more are nobody's.
#[derive(Debug)]
#[must_use = "places are kept until they are filled"]
pub(crate) struct Room {
    pub(crate) places: usize,
    worker_no: u64,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) phase: Phase,
    pub(super) failure: Option<Error>,
    pub(super) worker_no: u64,
    /// All that the server is to know of as ours, by lease id.
    pub(super) held: HashMap<String, Arc<Held>>,
    pub(super) queue: VecDeque<Arc<Held>>,
    pub(super) outbox: VecDeque<Report>,
    /// Threads that run a handler, whether or not its lease is still ours.
    pub(super) busy: usize,
    /// Places that open requests may fill.
    pub(super) asked: usize,
    /// Reports are on their way.
    pub(super) reporting: bool,
    /// When attempts are out of time, the earliest first.
    pub(super) deadlines: BTreeMap<(Instant, String), Arc<Held>>,
}

impl State {
    pub(super) fn new() -> Self {
        Self {
            phase: Phase::Running,
            failure: None,
            worker_no: 0,
            held: HashMap::new(),
            queue: VecDeque::new(),
            outbox: VecDeque::new(),
            busy: 0,
            asked: 0,
            reporting: false,
            deadlines: BTreeMap::new(),
        }
    }

    /// How many more steps could begin at once.
    pub(super) fn free(&self, slots: usize) -> usize {
        slots.saturating_sub(self.busy + self.queue.len() + self.asked)
    }

    /// Keeps what is free, so many places at most.
    pub(super) fn keep_room(&mut self, slots: usize, most: usize) -> Room {
        let places = if self.phase == Phase::Running { self.free(slots).min(most) } else { 0 };
        self.asked += places;
        Room { places, worker_no: self.worker_no }
    }

    /// Ends the keeping, unless the room is another worker's.
    pub(super) fn let_go(&mut self, room: &Room) -> bool {
        let is_ours = room.worker_no == self.worker_no;
        if is_ours {
            self.asked -= room.places;
        }
        is_ours
    }

    pub(super) fn give_back(&mut self, waiting: Vec<Arc<Held>>) {
        self.outbox
            .extend(waiting.iter().map(|held| Report::release(&held.lease, "the worker takes no more")));
    }

    pub(super) fn lose(&mut self, lease_id: &str) {
        if let Some(held) = self.held.remove(lease_id) {
            held.cancel();
            self.queue.retain(|waiting| waiting.lease.lease_id != lease_id);
            self.outbox.retain(|report| report.lease_id != lease_id);
        }
    }

    pub(super) fn lose_all(&mut self) {
        for lease_id in self.held.keys().cloned().collect::<Vec<_>>() {
            self.lose(&lease_id);
        }
    }
}
