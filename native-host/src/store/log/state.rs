//! What the records of a log amount to. Texts of events stay on disk.

use std::collections::{BTreeMap, BTreeSet};

use turnledger_core::UnixMillis;

use super::record::{BatchRecord, EventRecord, Range, Record};
use crate::delivery::account::AccountKey;
use crate::store::Waiting;

/// Events, batches, and who wants no request.
#[derive(Debug)]
pub(super) struct State {
    /// Of the newest head: what the program that wrote it knew.
    pub(super) version: u32,
    /// The first number of an event that is free.
    pub(super) next_event: u64,
    /// The first number of a batch that is free.
    pub(super) next_batch: u64,
    pub(super) events: BTreeMap<u64, Entry>,
    pub(super) batches: BTreeMap<u64, Held>,
    /// Events in no batch, by account.
    pub(super) free: BTreeMap<AccountKey, BTreeSet<u64>>,
    pub(super) asked: BTreeMap<[u8; 32], UnixMillis>,
    pub(super) waiting: Waiting,
    /// Bytes of the records of the events that are there.
    pub(super) live: u64,
}

/// An event.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    /// Where its record begins in the log.
    pub(super) offset: u64,
    /// Bytes of its record.
    pub(super) size: u32,
    /// Bytes of its JSON text.
    pub(super) bytes: u32,
    pub(super) is_isolated: bool,
    pub(super) at: UnixMillis,
    pub(super) account: AccountKey,
    /// 0 is none.
    pub(super) batch: u64,
}

/// A batch.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) record: BatchRecord,
    /// How many of its events are there.
    pub(super) left: usize,
}

impl Default for State {
    fn default() -> Self {
        let (events, batches, free, asked, waiting) = Default::default();
        // 0 is no number.
        Self { version: 0, next_event: 1, next_batch: 1, events, batches, free, asked, waiting, live: 0 }
    }
}

impl State {
    /// Applies a record that begins at an offset.
    pub(super) fn apply(&mut self, record: &Record<'_>, offset: u64, size: usize) {
        match record {
            Record::Head { version, event, batch } => {
                self.version = *version;
                self.next_event = self.next_event.max(*event);
                self.next_batch = self.next_batch.max(*batch);
            }
            Record::Event(event) => self.insert(event, offset, size),
            Record::Batch(batch) => self.hold(batch),
            Record::Dissolved { batch } => self.dissolve(*batch),
            Record::Gone { events } => {
                for number in self.numbers(events) {
                    self.remove(number);
                }
            }
            Record::Asked { server, until } => {
                self.asked.insert(*server, *until);
            }
        }
    }

    /// The numbers of events that are there, in some ranges.
    pub(super) fn numbers(&self, ranges: &[Range]) -> Vec<u64> {
        let in_range = |(first, end): &Range| self.events.range(*first..(*end).max(*first)).map(|(number, _)| *number);
        ranges.iter().flat_map(in_range).collect()
    }

    /// The numbers of a batch's events.
    pub(super) fn numbers_of(&self, batch: u64) -> Vec<u64> {
        let Some(held) = self.batches.get(&batch) else { return Vec::new() };
        let mut numbers = self.numbers(&held.record.events);
        numbers.retain(|number| self.events.get(number).is_some_and(|entry| entry.batch == batch));
        numbers
    }

    /// The status with which an event was refused.
    pub(super) fn refused_with(&self, entry: &Entry) -> Option<u16> {
        self.batches.get(&entry.batch)?.record.refused_with
    }

    fn insert(&mut self, event: &EventRecord<'_>, offset: u64, size: usize) {
        let EventRecord { number, batch, at, account, is_isolated, json } = *event;
        self.next_event = self.next_event.max(number.saturating_add(1));
        // A batch that cannot be read is none.
        let batch = if self.batches.contains_key(&batch) { batch } else { 0 };
        let length = |bytes: usize| u32::try_from(bytes).unwrap_or(u32::MAX);
        let (size, bytes) = (length(size), length(json.len()));
        let entry = Entry { offset, size, bytes, is_isolated, at, account, batch };
        if self.events.contains_key(&number) {
            return;
        }
        self.events.insert(number, entry);
        self.live += u64::from(size);
        match self.batches.get_mut(&batch) {
            Some(held) => held.left += 1,
            None => _ = self.free.entry(account).or_default().insert(number),
        }
        self.count(&entry, self.refused_with(&entry).is_some(), true);
    }

    fn remove(&mut self, number: u64) {
        let Some(entry) = self.events.remove(&number) else { return };
        self.live -= u64::from(entry.size);
        self.count(&entry, self.refused_with(&entry).is_some(), false);
        match self.batches.get_mut(&entry.batch) {
            Some(held) => {
                held.left -= 1;
                if held.left == 0 {
                    self.batches.remove(&entry.batch);
                }
            }
            None => self.no_longer_free(&entry, number),
        }
    }

    fn no_longer_free(&mut self, entry: &Entry, number: u64) {
        if let Some(free) = self.free.get_mut(&entry.account) {
            free.remove(&number);
            if free.is_empty() {
                self.free.remove(&entry.account);
            }
        }
    }

    fn hold(&mut self, record: &BatchRecord) {
        self.next_batch = self.next_batch.max(record.number.saturating_add(1));
        if let Some(held) = self.batches.get_mut(&record.number) {
            let was_refused = std::mem::replace(&mut held.record, record.clone()).refused_with.is_some();
            self.recount(record.number, was_refused);
            return;
        }
        self.batches.insert(record.number, Held { record: record.clone(), left: 0 });
        for number in self.numbers(&record.events) {
            let Some(entry) = self.events.get_mut(&number).filter(|entry| entry.batch == 0) else { continue };
            entry.batch = record.number;
            let entry = *entry;
            self.no_longer_free(&entry, number);
            if let Some(held) = self.batches.get_mut(&record.number) {
                held.left += 1;
            }
        }
        self.recount(record.number, false);
    }

    fn dissolve(&mut self, batch: u64) {
        let numbers = self.numbers_of(batch);
        let Some(held) = self.batches.remove(&batch) else { return };
        let was_refused = held.record.refused_with.is_some();
        for number in numbers {
            let Some(entry) = self.events.get_mut(&number) else { continue };
            entry.batch = 0;
            let entry = *entry;
            self.free.entry(entry.account).or_default().insert(number);
            self.count(&entry, was_refused, false);
            self.count(&entry, false, true);
        }
    }

    /// Counts a batch's events again after it was refused, or is not any more.
    fn recount(&mut self, batch: u64, was_refused: bool) {
        let is_refused = self.batches.get(&batch).is_some_and(|held| held.record.refused_with.is_some());
        if was_refused == is_refused {
            return;
        }
        for number in self.numbers_of(batch) {
            let Some(entry) = self.events.get(&number).copied() else { continue };
            self.count(&entry, was_refused, false);
            self.count(&entry, is_refused, true);
        }
    }

    fn count(&mut self, entry: &Entry, is_refused: bool, comes: bool) {
        let change = |count: &mut u64, by: u64| *count = if comes { *count + by } else { *count - by };
        if is_refused {
            change(&mut self.waiting.refused, 1);
        } else {
            change(&mut self.waiting.events, 1);
            change(&mut self.waiting.bytes, u64::from(entry.bytes));
        }
    }
}
