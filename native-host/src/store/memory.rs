//! Events that wait in memory.

use std::collections::VecDeque;

use turnledger_core::{Digest, UnixMillis};

use super::{Forming, StoreLimits, StoredBatch, StoredEvent, Waiting, millis};
use crate::Sha2;

/// Events that wait in memory, and are gone with the process.
#[derive(Debug)]
pub struct MemoryStore {
    limits: StoreLimits,
    events: VecDeque<StoredEvent>,
    /// The batch that is being sent.
    batch: Option<StoredBatch>,
    /// How many of the first events it has.
    in_batch: usize,
    bytes: u64,
    refused: u64,
    sequence: i64,
}

impl MemoryStore {
    /// A store without events.
    pub fn new(limits: StoreLimits) -> Self {
        Self { limits, events: VecDeque::new(), batch: None, in_batch: 0, bytes: 0, refused: 0, sequence: 0 }
    }

    /// How much it holds.
    pub fn limits(&self) -> StoreLimits {
        self.limits
    }

    /// Takes events. Returns how many others had to go for them.
    pub fn append(&mut self, events: Vec<StoredEvent>, now: UnixMillis) -> u64 {
        for event in events {
            self.bytes += event.json.len() as u64;
            self.events.push_back(event);
        }
        let oldest = now.0.saturating_sub(millis(self.limits.age));
        let mut dropped = 0;
        // What is being sent may have arrived already.
        while let Some(event) = self.events.get(self.in_batch)
            && (self.bytes > self.limits.bytes || event.at.0 < oldest)
        {
            self.bytes -= event.json.len() as u64;
            self.events.remove(self.in_batch);
            dropped += 1;
        }
        dropped
    }

    /// The batch to send next; the same until it is [delivered](Self::delivered) or
    /// [refused](Self::refused). `None` if nothing waits, or what waits may still get company: unless
    /// `everything` is to go.
    pub fn next(&mut self, now: UnixMillis, everything: bool) -> Option<StoredBatch> {
        if self.batch.is_none() {
            let mut forming = Forming::new(&self.limits, now, everything);
            let complete = self.events.iter().find_map(|event| forming.push(event.at, &event.json, event.is_isolated));
            let mut batch = complete.or_else(|| forming.finish())?;
            self.sequence += 1;
            // Two processes, and two batches of one, may have equal bodies.
            let process = std::process::id().to_be_bytes();
            let parts: [&[u8]; 4] =
                [&process, &now.0.to_be_bytes(), &self.sequence.to_be_bytes(), batch.body.as_bytes()];
            batch.id = Sha2::default().digest(&parts);
            self.in_batch = batch.events;
            self.batch = Some(StoredBatch { number: self.sequence, leased_until: i64::MAX, batch });
        }
        self.batch.clone()
    }

    /// The batch was taken by the server.
    pub fn delivered(&mut self, batch: &StoredBatch) {
        if self.batch.as_ref().is_some_and(|held| held.number == batch.number) {
            self.batch = None;
            for event in self.events.drain(..self.in_batch) {
                self.bytes -= event.json.len() as u64;
            }
            self.in_batch = 0;
        }
    }

    /// The batch will never be taken.
    pub fn refused(&mut self, batch: &StoredBatch) {
        self.refused += batch.batch.events as u64;
        self.delivered(batch);
    }

    /// What waits.
    pub fn waiting(&self) -> Waiting {
        Waiting { events: self.events.len() as u64, bytes: self.bytes, refused: self.refused }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use turnledger_core::{BatchLimits, UnixMillis};

    use super::super::{StoreLimits, StoredEvent, Waiting};
    use super::MemoryStore;

    fn event(at: u64, json: &str) -> StoredEvent {
        StoredEvent { at: UnixMillis(at), json: json.into(), is_isolated: json.contains("alone") }
    }

    fn limits() -> StoreLimits {
        StoreLimits {
            batch: BatchLimits { events: 2, bytes: 1000 },
            batch_age: Duration::from_millis(100),
            bytes: 20,
            age: Duration::from_secs(10),
            ..StoreLimits::default()
        }
    }

    #[test]
    fn batches_by_count_age_and_kind() {
        let mut store = MemoryStore::new(limits());
        let body = |store: &mut MemoryStore, now, everything| {
            store.next(UnixMillis(now), everything).map(|next| next.batch.body)
        };
        assert_eq!(body(&mut store, 0, true), None);
        store.append(vec![event(0, "1")], UnixMillis(0));
        assert_eq!(body(&mut store, 99, false), None, "it may get company");
        assert_eq!(body(&mut store, 100, false).as_deref(), Some(r#"{"events":[1]}"#));
        store.append(vec![event(100, "2"), event(100, "3"), event(100, "4"), event(100, "\"alone\"")], UnixMillis(100));
        let first = store.next(UnixMillis(100), false).unwrap();
        assert_eq!(first.batch.body, r#"{"events":[1]}"#, "the same until it is delivered");
        store.delivered(&first);
        let mut sent = vec![first];
        while let Some(next) = store.next(UnixMillis(100), true) {
            store.delivered(&next);
            store.delivered(&next);
            sent.push(next);
        }
        let bodies: Vec<_> = sent.iter().map(|next| next.batch.body.as_str()).collect();
        assert_eq!(
            bodies,
            [r#"{"events":[1]}"#, r#"{"events":[2,3]}"#, r#"{"events":[4]}"#, r#"{"events":["alone"]}"#]
        );
        assert_eq!(store.waiting(), Waiting::default());
        let mut ids: Vec<_> = sent.iter().map(|next| next.batch.id).collect();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), 4);
    }

    #[test]
    fn the_oldest_go_first() {
        let mut store = MemoryStore::new(limits());
        assert_eq!(store.append(vec![event(0, "12345678"), event(1, "12345678")], UnixMillis(1)), 0);
        let sending = store.next(UnixMillis(1), true).unwrap();
        assert_eq!(sending.batch.events, 2);
        // What is being sent stays.
        assert_eq!(store.append(vec![event(2, "12345678")], UnixMillis(2)), 1);
        store.refused(&sending);
        assert_eq!(store.waiting(), Waiting { events: 0, bytes: 0, refused: 2 });
        assert_eq!(store.append(vec![event(3, "1"), event(9000, "2")], UnixMillis(9000)), 0);
        assert_eq!(store.append(vec![event(11_000, "3")], UnixMillis(11_000)), 1);
        assert_eq!(store.waiting(), Waiting { events: 2, bytes: 2, refused: 2 });
    }
}
