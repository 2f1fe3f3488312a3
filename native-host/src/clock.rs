//! The clock. The core never reads it.

use std::time::{SystemTime, UNIX_EPOCH};

use turnledger_core::UnixMillis;

/// The time now.
pub fn now() -> UnixMillis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMillis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// A clock that no correction of the machine's turns back or forth: Unix milliseconds when it was made, and from then
/// on what has passed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SteadyClock {
    wall: UnixMillis,
    start: std::time::Instant,
}

impl SteadyClock {
    pub(crate) fn new() -> Self {
        Self { wall: now(), start: std::time::Instant::now() }
    }

    pub(crate) fn now(&self) -> UnixMillis {
        let passed = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        UnixMillis(self.wall.0.saturating_add(passed))
    }
}
