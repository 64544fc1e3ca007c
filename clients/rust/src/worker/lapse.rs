//! How long a worker may believe in its leases, by its own clock.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Until when leases are good: nine tenths of a lease's time after the last heartbeat that got through was sent.
#[derive(Debug)]
pub(crate) struct LeaseClock {
    began: Instant,
    good_until_ms: AtomicU64,
}

impl LeaseClock {
    pub(crate) fn new() -> Self {
        Self { began: Instant::now(), good_until_ms: AtomicU64::new(0) }
    }

    /// A heartbeat got through that was sent at `sent`.
    pub(crate) fn extend(&self, sent: Instant, lease: Duration) {
        let until = sent.duration_since(self.began) + lease * 9 / 10;
        self.good_until_ms.store(until.as_millis().try_into().unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub(crate) fn has_lapsed(&self) -> bool {
        self.left().is_zero()
    }

    /// How long leases are good yet.
    pub(crate) fn left(&self) -> Duration {
        let until = Duration::from_millis(self.good_until_ms.load(Ordering::Relaxed));
        until.saturating_sub(self.began.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leases_lapse_before_they_end_and_count_from_the_sending() {
        let clock = LeaseClock::new();
        assert!(clock.has_lapsed());
        let sent = Instant::now();
        clock.extend(sent, Duration::from_secs(100));
        assert!(clock.left() <= Duration::from_secs(90) && clock.left() > Duration::from_secs(80));
        clock.extend(sent, Duration::ZERO);
        assert!(clock.has_lapsed());
    }
}
