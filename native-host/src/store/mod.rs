//! Events that wait for delivery: on disk, or in memory where there is no disk.

mod memory;
mod spool;

use std::time::Duration;

use turnledger_core::{Batch, BatchLimits, Batcher, Event, UnixMillis};

pub use memory::MemoryStore;
pub use spool::{Clear, Listed, Spool, SpoolError, SpoolStatus, State};

use crate::Sha2;

/// An event as it waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEvent {
    /// When it came out.
    pub at: UnixMillis,
    /// Its JSON text.
    pub json: String,
    /// Whether it goes in a request of its own.
    pub is_isolated: bool,
}

impl StoredEvent {
    /// An event that came out at a time.
    pub fn new(at: UnixMillis, event: &Event) -> Self {
        Self { at, json: event.to_json(), is_isolated: event.is_isolated() }
    }
}

/// How much waits at most, and in what portions it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreLimits {
    /// What a request may hold.
    pub batch: BatchLimits,
    /// How long an event waits for others to share its request.
    pub batch_age: Duration,
    /// How many bytes of events wait at most; the oldest go first.
    pub bytes: u64,
    /// How long an event waits at most.
    pub age: Duration,
    /// For how long a batch is one process's to send.
    pub lease: Duration,
}

impl Default for StoreLimits {
    fn default() -> Self {
        Self {
            batch: BatchLimits::default(),
            batch_age: Duration::from_secs(5),
            bytes: 256 << 20,
            age: Duration::from_secs(30 * 24 * 3600),
            lease: Duration::from_secs(60),
        }
    }
}

/// A batch that is to be sent, and its place in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredBatch {
    /// Its place.
    pub number: i64,
    /// Until when it is this process's to send, in Unix milliseconds; a lease is known by its end.
    pub leased_until: i64,
    /// What is sent.
    pub batch: Batch,
}

/// The first batch of what waits, as it comes together event by event.
struct Forming {
    batcher: Batcher,
    digest: Sha2,
    /// Whether what there is goes even if it is not full.
    is_due: bool,
    now: UnixMillis,
    /// Milliseconds after which an event has waited long enough.
    batch_age: u64,
}

impl Forming {
    fn new(limits: &StoreLimits, now: UnixMillis, everything: bool) -> Self {
        Self {
            batcher: Batcher::new(limits.batch),
            digest: Sha2::default(),
            is_due: everything,
            now,
            batch_age: millis(limits.batch_age),
        }
    }

    /// Adds the next event; returns the batch if it is full with it, or before it.
    fn push(&mut self, at: UnixMillis, json: &str, is_isolated: bool) -> Option<Batch> {
        self.is_due |= self.now.0.saturating_sub(at.0) >= self.batch_age;
        self.batcher.push_json(json, is_isolated, &self.digest).into_iter().next()
    }

    /// What there is, if it goes as it is.
    fn finish(mut self) -> Option<Batch> {
        if self.is_due { self.batcher.flush(&self.digest) } else { None }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// What waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// Events.
    pub events: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Events of requests that the server refused for good, kept to be looked at.
    pub refused: u64,
}
