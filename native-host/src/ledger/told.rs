//! What the threads of a ledger count together, and report.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crossbeam_channel::Sender;

use super::passing::Passing;
use super::stats::{LedgerStats, Trouble};
use crate::store::{Spool, Waiting};

/// Counts, and who is told of trouble.
pub(super) struct Told {
    stats: Mutex<LedgerStats>,
    /// The hooks' thread, if there is an `on_trouble` hook.
    listener: Option<Sender<Passing>>,
}

impl Told {
    pub(super) fn new(listener: Option<Sender<Passing>>) -> Self {
        Self { stats: Mutex::default(), listener }
    }

    pub(super) fn stats(&self) -> MutexGuard<'_, LedgerStats> {
        self.stats.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What waits on disk and in memory.
    pub(super) fn count_waiting(&self, on_disk: Option<Waiting>, in_memory: Waiting) {
        self.count(on_disk, in_memory, |_| {});
    }

    /// What waits on disk and in memory, and what became of events that do not wait any more: at once, so that no event is
    /// in two places.
    pub(super) fn count(&self, on_disk: Option<Waiting>, in_memory: Waiting, change: impl FnOnce(&mut LedgerStats)) {
        let mut stats = self.stats();
        change(&mut stats);
        let on_disk = on_disk.unwrap_or_else(|| {
            let Waiting { events, bytes, refused } = stats.waiting;
            let before = stats.in_memory;
            // A disk that does not answer still holds what it held.
            Waiting {
                events: events.saturating_sub(before.events),
                bytes: bytes.saturating_sub(before.bytes),
                refused: refused.saturating_sub(before.refused),
            }
        });
        stats.in_memory = in_memory;
        stats.waiting = Waiting {
            events: on_disk.events + in_memory.events,
            bytes: on_disk.bytes + in_memory.bytes,
            refused: on_disk.refused + in_memory.refused,
        };
    }

    /// Counts and tells the damage that was found in a spool since the last time.
    pub(super) fn damage_in(&self, spool: &mut Spool) {
        let Some(damage) = spool.take_damage() else { return };
        {
            let mut stats = self.stats();
            stats.spool_damage.places += damage.places;
            stats.spool_damage.bytes += damage.bytes;
        }
        self.tell(Trouble::SpoolDamage { damage, spool: spool.path().into() });
    }

    pub(super) fn tell(&self, trouble: Trouble) {
        match &trouble {
            Trouble::Held { hold, .. } if hold.may_pass() => tracing::info!(%trouble, "delivery is held up"),
            Trouble::SpoolIsBack => tracing::info!(%trouble),
            _ => tracing::warn!(%trouble),
        }
        if let Some(listener) = &self.listener {
            let _ = listener.send(Passing::Trouble(trouble));
        }
    }

    /// Answers a flush, after the hook has heard of all trouble so far.
    pub(super) fn sent(&self, delivered: u64, reply: Sender<u64>) {
        if let Some(listener) = &self.listener {
            let _ = listener.send(Passing::Sent { delivered, reply });
        } else {
            // Who asked may have given up.
            let _ = reply.send(delivered);
        }
    }

    /// Nothing more will be told.
    pub(super) fn ended(&self) {
        if let Some(listener) = &self.listener {
            let _ = listener.send(Passing::Ended);
        }
    }

    /// Calls the host's code. A panic is caught, counted and reported.
    pub(super) fn guard<T>(&self, what: &'static str, call: impl FnOnce() -> T) -> Option<T> {
        let called = catch_unwind(AssertUnwindSafe(call)).ok();
        if called.is_none() {
            self.panicked(what, 1);
        }
        called
    }

    /// How often the host's code has panicked since the last report.
    pub(super) fn panicked(&self, what: &'static str, times: u64) {
        if times > 0 {
            self.stats().panics += times;
            self.tell(Trouble::Panicked { what });
        }
    }
}
