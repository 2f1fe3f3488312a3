//! Events that wait for delivery: on disk, or in memory where there is no disk.

mod log;
mod memory;
mod spool;
#[cfg(feature = "spool-sqlite")]
mod sqlite;

use std::time::Duration;

use turnledger_core::{BatchLimits, Batcher, DigestValue, Event, UnixMillis};

pub use memory::MemoryStore;
pub use spool::{Clear, Damage, Listed, Spool, SpoolError, SpoolStatus, State};

use crate::delivery::account::AccountKey;

/// An event as it waits.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoredEvent {
    /// When it came out.
    pub at: UnixMillis,
    /// Whose it is: who was logged in then.
    pub account: AccountKey,
    /// Its JSON text.
    pub json: String,
    /// Whether it goes in a request of its own.
    pub is_isolated: bool,
}

impl StoredEvent {
    /// An event of an account that came out at a time.
    pub fn new(at: UnixMillis, account: AccountKey, event: &Event) -> Self {
        Self { at, account, json: event.to_json(), is_isolated: event.is_isolated() }
    }

    /// An event that was written before, as [`Event::to_json`] does it.
    pub const fn from_json(at: UnixMillis, account: AccountKey, json: String, is_isolated: bool) -> Self {
        Self { at, account, json, is_isolated }
    }
}

/// How much waits at most, and in what portions it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
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

impl StoreLimits {
    /// What a request may hold.
    #[must_use]
    pub const fn batch(mut self, batch: BatchLimits) -> Self {
        self.batch = batch;
        self
    }

    /// How long an event waits for others to share its request.
    #[must_use]
    pub const fn batch_age(mut self, batch_age: Duration) -> Self {
        self.batch_age = batch_age;
        self
    }

    /// How many bytes of events wait at most; the oldest go first.
    #[must_use]
    pub const fn bytes(mut self, bytes: u64) -> Self {
        self.bytes = bytes;
        self
    }

    /// How long an event waits at most.
    #[must_use]
    pub const fn age(mut self, age: Duration) -> Self {
        self.age = age;
        self
    }

    /// For how long a batch is one process's to send.
    #[must_use]
    pub const fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }
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
#[non_exhaustive]
pub struct StoredBatch {
    /// Its place.
    pub number: i64,
    /// Until when it is this process's to send, in Unix milliseconds; a lease is known by its end.
    pub leased_until: i64,
    /// Whose events they are.
    pub account: AccountKey,
    /// Its idempotency key: no two sets of events ever have the same one.
    pub key: DigestValue,
    /// How many events it has.
    pub events: usize,
    /// `{"events":[…]}`
    pub body: String,
}

/// Which batch is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Wanted {
    /// The time.
    pub now: UnixMillis,
    /// Whose events.
    pub account: AccountKey,
    /// After how long an event has waited enough for company.
    pub age: Duration,
    /// The most events of a new batch, if that is less than the limits say.
    pub most_events: usize,
}

impl StoredBatch {
    /// A batch that no store has: it is its maker's to send for ever.
    pub const fn new(number: i64, account: AccountKey, key: DigestValue, events: usize, body: String) -> Self {
        Self { number, leased_until: i64::MAX, account, key, events, body }
    }
}

impl Wanted {
    /// A batch of this account's events: as many as the limits allow, and none has to wait for company.
    pub const fn new(now: UnixMillis, account: AccountKey) -> Self {
        Self { now, account, age: Duration::ZERO, most_events: usize::MAX }
    }

    /// After how long an event has waited enough for company.
    #[must_use]
    pub const fn age(mut self, age: Duration) -> Self {
        self.age = age;
        self
    }

    /// The most events of a new batch, if that is less than the limits say.
    #[must_use]
    pub const fn most_events(mut self, most_events: usize) -> Self {
        self.most_events = most_events;
        self
    }
}

/// The first batch of what waits, as it comes together event by event.
struct Forming {
    batcher: Batcher,
    /// Whether what there is goes even if it is not full.
    is_due: bool,
    now: UnixMillis,
    /// Milliseconds after which an event has waited long enough.
    age: u64,
}

/// A batch's events, how many there are, and its body.
struct Formed {
    events: usize,
    body: String,
}

impl Forming {
    fn new(limits: &StoreLimits, wanted: &Wanted) -> Self {
        let events = limits.batch.events.min(wanted.most_events).max(1);
        Self {
            batcher: Batcher::new(limits.batch.events(events)),
            is_due: false,
            now: wanted.now,
            age: millis(wanted.age),
        }
    }

    /// Adds the next event; returns the batch if it is full with it, or before it.
    fn push(&mut self, at: UnixMillis, json: &str, is_isolated: bool) -> Option<Formed> {
        // An event from the future has a wrong time, and does not wait for it.
        self.is_due |= at > self.now || self.now.0 - at.0 >= self.age;
        let batch = self.batcher.push_json(json, is_isolated).into_iter().next()?;
        Some(Formed { events: batch.events, body: batch.body })
    }

    /// What there is, if it goes as it is.
    fn finish(mut self) -> Option<Formed> {
        let batch = if self.is_due { self.batcher.flush() } else { None }?;
        Some(Formed { events: batch.events, body: batch.body })
    }
}

/// How many batches that were refused are kept.
const MOST_REFUSED: usize = 100;

/// A time or a size as a store has it; none of ours is beyond.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// What waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Waiting {
    /// Events.
    pub events: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Events of requests that the server refused for good, kept to be looked at.
    pub refused: u64,
}

#[cfg(test)]
mod tests;
