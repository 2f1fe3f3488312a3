//! Events that wait in memory.

use std::collections::VecDeque;

use turnledger_core::{Digest, DigestValue, UnixMillis};

use super::{Forming, StoreLimits, StoredBatch, StoredEvent, Waiting, Wanted, millis};
use crate::Sha2;

/// Events that wait in memory, and are gone with the process.
#[derive(Debug)]
pub struct MemoryStore {
    limits: StoreLimits,
    /// Makes this store's keys its own.
    salt: [u8; 32],
    /// Those that are in no batch, with their numbers.
    events: VecDeque<(i64, StoredEvent)>,
    batches: Vec<Held>,
    bytes: u64,
    refused: u64,
    /// Numbers of events and batches so far.
    numbers: i64,
}

/// A batch with its events.
#[derive(Debug)]
struct Held {
    batch: StoredBatch,
    first: i64,
    events: Vec<StoredEvent>,
    /// How often it went behind the others.
    deferred: u32,
    /// Whether it is being sent.
    is_out: bool,
}

impl Held {
    fn bytes(&self) -> u64 {
        self.events.iter().map(|event| event.json.len() as u64).sum()
    }
}

/// What leaves a store in memory for one on disk.
#[derive(Debug, Default)]
pub struct Taken {
    /// Events that no request had.
    pub events: Vec<StoredEvent>,
    /// Batches that may have arrived already, each with its key.
    pub batches: Vec<(DigestValue, Vec<StoredEvent>)>,
}

impl MemoryStore {
    /// A store without events.
    pub fn new(limits: StoreLimits) -> Self {
        let mut salt = [0; 32];
        if getrandom::fill(&mut salt).is_err() {
            // A machine without randomness still tells its processes and times apart.
            salt[..4].copy_from_slice(&std::process::id().to_be_bytes());
            salt[4..12].copy_from_slice(&crate::now().0.to_be_bytes());
        }
        Self { limits, salt, events: VecDeque::new(), batches: Vec::new(), bytes: 0, refused: 0, numbers: 0 }
    }

    /// How much it holds.
    pub fn limits(&self) -> StoreLimits {
        self.limits
    }

    /// Takes events. Returns how many others had to go for them.
    pub fn append(&mut self, events: Vec<StoredEvent>, now: UnixMillis) -> u64 {
        for event in events {
            self.bytes += event.json.len() as u64;
            self.numbers += 1;
            self.events.push_back((self.numbers, event));
        }
        let oldest = now.0.saturating_sub(millis(self.limits.age));
        let mut dropped = 0;
        while self.bytes > self.limits.bytes || self.oldest().is_some_and(|at| at.0 < oldest) {
            match self.drop_oldest() {
                0 => break,
                events => dropped += events,
            }
        }
        dropped
    }

    /// The place of the oldest batch that is not being sent, and whether its events are older than those in none.
    fn oldest_batch(&self) -> Option<usize> {
        let idle = self.batches.iter().enumerate().filter(|(_, held)| !held.is_out);
        let (place, held) = idle.min_by_key(|(_, held)| held.first)?;
        self.events.front().is_none_or(|(number, _)| held.first < *number).then_some(place)
    }

    fn oldest(&self) -> Option<UnixMillis> {
        match self.oldest_batch() {
            Some(place) => self.batches[place].events.first().map(|event| event.at),
            None => self.events.front().map(|(_, event)| event.at),
        }
    }

    /// Drops the oldest event, or the batch that it is in; what is being sent may have arrived already, and stays.
    fn drop_oldest(&mut self) -> u64 {
        if let Some(place) = self.oldest_batch() {
            let held = self.batches.remove(place);
            self.bytes -= held.bytes();
            return held.events.len() as u64;
        }
        let Some((_, event)) = self.events.pop_front() else { return 0 };
        self.bytes -= event.json.len() as u64;
        1
    }

    /// The batch to send next, until it is given back: one that is not out, or a new one; those that were deferred
    /// come last. `None` if nothing of the account waits, or what waits may still get company.
    pub fn next(&mut self, wanted: &Wanted) -> Option<StoredBatch> {
        let idle = self.batches.iter_mut().filter(|held| !held.is_out && held.batch.account == wanted.account);
        let left = idle.min_by_key(|held| (held.deferred, held.batch.number));
        let left = left.map(|held| (held.deferred, held.batch.number));
        let number = match left {
            Some((0, number)) => number,
            _ => self.form(wanted).or(left.map(|(_, number)| number))?,
        };
        let held = self.batches.iter_mut().find(|held| held.batch.number == number)?;
        held.is_out = true;
        Some(held.batch.clone())
    }

    /// Makes a batch of events that are in none. Returns its number.
    fn form(&mut self, wanted: &Wanted) -> Option<i64> {
        let mut forming = Forming::new(&self.limits, wanted);
        let mut of_account = self.events.iter().filter(|(_, event)| event.account == wanted.account);
        let complete = of_account.find_map(|(_, event)| forming.push(event.at, &event.json, event.is_isolated));
        let formed = complete.or_else(|| forming.finish())?;
        let mut taken: Vec<(i64, StoredEvent)> = Vec::with_capacity(formed.events);
        let mut kept = VecDeque::with_capacity(self.events.len() - formed.events);
        for (number, event) in self.events.drain(..) {
            if taken.len() < formed.events && event.account == wanted.account {
                taken.push((number, event));
            } else {
                kept.push_back((number, event));
            }
        }
        self.events = kept;
        self.numbers += 1;
        let number = self.numbers;
        let key = Sha2::default().digest(&[&self.salt, &number.to_be_bytes(), formed.body.as_bytes()]);
        let batch = StoredBatch {
            number,
            leased_until: i64::MAX,
            account: wanted.account,
            key,
            events: formed.events,
            body: formed.body,
        };
        let first = taken.first().map_or(number, |(number, _)| *number);
        let events = taken.into_iter().map(|(_, event)| event).collect();
        self.batches.push(Held { batch, first, events, deferred: 0, is_out: false });
        Some(number)
    }

    fn remove(&mut self, batch: &StoredBatch) -> Option<Held> {
        let place = self.batches.iter().position(|held| held.batch.number == batch.number)?;
        let held = self.batches.remove(place);
        self.bytes -= held.bytes();
        Some(held)
    }

    /// The batch was taken by the server.
    pub fn delivered(&mut self, batch: &StoredBatch) {
        self.remove(batch);
    }

    /// The batch will never be taken.
    pub fn refused(&mut self, batch: &StoredBatch) {
        if let Some(held) = self.remove(batch) {
            self.refused += held.events.len() as u64;
        }
    }

    /// The batch is not being sent any more: it waits as it is. If it is deferred, behind the others.
    pub fn release(&mut self, batch: &StoredBatch, is_deferred: bool) {
        if let Some(held) = self.batches.iter_mut().find(|held| held.batch.number == batch.number) {
            held.is_out = false;
            held.deferred += u32::from(is_deferred);
        }
    }

    /// The batch is too large: its events wait again, without it.
    pub fn dissolve(&mut self, batch: &StoredBatch) {
        let Some(held) = self.remove(batch) else { return };
        self.bytes += held.bytes();
        let mut number = held.first;
        let mut events: Vec<_> = held
            .events
            .into_iter()
            .map(|event| {
                number += 1;
                (number - 1, event)
            })
            .collect();
        events.extend(self.events.drain(..));
        // Events of one batch have numbers in a row only if all were of its account; the order is what counts.
        events.sort_by_key(|(number, _)| *number);
        self.events = events.into();
    }

    /// Takes out what is not being sent, for a store on disk.
    pub fn take(&mut self) -> Taken {
        let mut taken = Taken::default();
        for held in std::mem::take(&mut self.batches) {
            if held.is_out {
                self.batches.push(held);
            } else {
                taken.batches.push((held.batch.key, held.events));
            }
        }
        taken.events = self.events.drain(..).map(|(_, event)| event).collect();
        self.bytes = self.batches.iter().map(Held::bytes).sum();
        taken
    }

    /// Puts back what could not be stored on disk after all, as new events and batches of the same keys.
    pub fn put_back(&mut self, taken: Taken) {
        for (key, events) in taken.batches {
            let Some(account) = events.first().map(|event| event.account) else { continue };
            self.numbers += 1;
            let body = body_of(&events);
            let number = self.numbers;
            let batch = StoredBatch { number, leased_until: i64::MAX, account, key, events: events.len(), body };
            let held = Held { batch, first: number, events, deferred: 0, is_out: false };
            self.bytes += held.bytes();
            self.batches.push(held);
        }
        for event in taken.events.into_iter().rev() {
            self.bytes += event.json.len() as u64;
            let number = self.events.front().map_or(self.numbers, |(number, _)| number - 1);
            self.events.push_front((number, event));
        }
    }

    /// What waits.
    pub fn waiting(&self) -> Waiting {
        let in_batches: usize = self.batches.iter().map(|held| held.events.len()).sum();
        Waiting { events: (self.events.len() + in_batches) as u64, bytes: self.bytes, refused: self.refused }
    }
}

fn body_of(events: &[StoredEvent]) -> String {
    let texts: Vec<&str> = events.iter().map(|event| event.json.as_str()).collect();
    format!("{{\"events\":[{}]}}", texts.join(","))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use turnledger_core::{BatchLimits, UnixMillis};

    use super::super::{StoreLimits, StoredBatch, StoredEvent, Waiting, Wanted};
    use super::MemoryStore;
    use crate::delivery::account::AccountKey;

    fn event(at: u64, json: &str) -> StoredEvent {
        let is_isolated = json.contains("alone");
        StoredEvent { at: UnixMillis(at), account: AccountKey::NONE, json: json.into(), is_isolated }
    }

    fn limits() -> StoreLimits {
        StoreLimits {
            batch: BatchLimits::default().events(2).bytes(1000),
            batch_age: Duration::from_millis(100),
            bytes: 20,
            age: Duration::from_secs(10),
            ..StoreLimits::default()
        }
    }

    fn wanted(now: u64, age: u64) -> Wanted {
        Wanted {
            now: UnixMillis(now),
            account: AccountKey::NONE,
            age: Duration::from_millis(age),
            most_events: usize::MAX,
        }
    }

    fn next(store: &mut MemoryStore) -> Option<StoredBatch> {
        store.next(&wanted(100, 0))
    }

    #[test]
    fn batches_by_count_age_and_kind() {
        let mut store = MemoryStore::new(limits());
        assert_eq!(next(&mut store), None);
        store.append(vec![event(0, "1")], UnixMillis(0));
        assert_eq!(store.next(&wanted(99, 100)), None, "it may get company");
        let first = store.next(&wanted(100, 100)).unwrap();
        assert_eq!(first.body, r#"{"events":[1]}"#);
        store.append(vec![event(100, "2"), event(100, "3"), event(100, "4"), event(100, "\"alone\"")], UnixMillis(100));
        store.release(&first, false);
        assert_eq!(next(&mut store).as_ref(), Some(&first), "the same until it is delivered");
        store.delivered(&first);
        let mut sent = vec![first];
        while let Some(next) = next(&mut store) {
            store.delivered(&next);
            store.delivered(&next);
            sent.push(next);
        }
        let bodies: Vec<_> = sent.iter().map(|next| next.body.as_str()).collect();
        assert_eq!(
            bodies,
            [r#"{"events":[1]}"#, r#"{"events":[2,3]}"#, r#"{"events":[4]}"#, r#"{"events":["alone"]}"#]
        );
        assert_eq!(store.waiting(), Waiting::default());
        let mut keys: Vec<_> = sent.iter().map(|next| next.key).collect();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), 4);
    }

    #[test]
    fn the_oldest_go_first() {
        let mut store = MemoryStore::new(limits());
        assert_eq!(store.append(vec![event(0, "12345678"), event(1, "12345678")], UnixMillis(1)), 0);
        let sending = next(&mut store).unwrap();
        assert_eq!(sending.events, 2);
        // What is being sent stays.
        assert_eq!(store.append(vec![event(2, "12345678")], UnixMillis(2)), 1);
        store.release(&sending, false);
        assert_eq!(store.append(vec![event(2, "12345678")], UnixMillis(2)), 2, "a batch goes as a whole");
        let sending = next(&mut store).unwrap();
        store.refused(&sending);
        assert_eq!(store.waiting(), Waiting { events: 0, bytes: 0, refused: 1 });
        assert_eq!(store.append(vec![event(3, "1"), event(9000, "2")], UnixMillis(9000)), 0);
        assert_eq!(store.append(vec![event(11_000, "3")], UnixMillis(11_000)), 1);
        assert_eq!(store.waiting(), Waiting { events: 2, bytes: 2, refused: 1 });
    }

    #[test]
    fn each_account_has_batches_of_its_own() {
        let mut store = MemoryStore::new(limits());
        let (one, two) = (AccountKey::of(Some("1"), None), AccountKey::of(Some("2"), None));
        let of = |account, json: &str| StoredEvent { account, ..event(0, json) };
        store.append(vec![of(one, "1"), of(two, "2"), of(one, "3"), of(two, "4")], UnixMillis(0));
        let mut body = |account| store.next(&Wanted { account, ..wanted(0, 0) }).map(|batch| batch.body);
        assert_eq!(body(AccountKey::NONE), None);
        assert_eq!(body(two).as_deref(), Some(r#"{"events":[2,4]}"#));
        assert_eq!(body(one).as_deref(), Some(r#"{"events":[1,3]}"#));
        assert_eq!(body(one), None);
    }

    #[test]
    fn a_deferred_batch_comes_last() {
        let mut store = MemoryStore::new(limits());
        store.append(vec![event(0, "1"), event(0, "2"), event(0, "3")], UnixMillis(0));
        let first = next(&mut store).unwrap();
        store.release(&first, true);
        let second = next(&mut store).unwrap();
        assert_eq!(second.body, r#"{"events":[3]}"#);
        store.release(&second, true);
        store.append(vec![event(0, "4")], UnixMillis(0));
        let bodies: Vec<_> = std::iter::from_fn(|| next(&mut store)).map(|batch| batch.body).collect();
        assert_eq!(bodies, [r#"{"events":[4]}"#, r#"{"events":[1,2]}"#, r#"{"events":[3]}"#]);
    }

    #[test]
    fn what_was_too_large_goes_in_smaller_portions() {
        let mut store = MemoryStore::new(limits());
        store.append(vec![event(0, "1"), event(0, "2"), event(0, "3")], UnixMillis(0));
        let first = next(&mut store).unwrap();
        store.dissolve(&first);
        let half = store.next(&Wanted { most_events: 1, ..wanted(0, 0) }).unwrap();
        assert_eq!(half.body, r#"{"events":[1]}"#);
        assert_ne!(half.key, first.key);
        assert_eq!(next(&mut store).unwrap().body, r#"{"events":[2,3]}"#);
        assert_eq!(store.waiting(), Waiting { events: 3, bytes: 3, refused: 0 });
    }

    #[test]
    fn what_is_not_on_its_way_can_be_taken_out_and_put_back() {
        let mut store = MemoryStore::new(limits());
        store.append(vec![event(0, "1"), event(0, "2"), event(0, "3"), event(0, "4"), event(0, "5")], UnixMillis(0));
        let tried = next(&mut store).unwrap();
        let out = next(&mut store).unwrap();
        store.release(&tried, true);
        let taken = store.take();
        assert_eq!(taken.events, [event(0, "5")]);
        assert_eq!(taken.batches, [(tried.key, vec![event(0, "1"), event(0, "2")])]);
        assert_eq!(store.waiting(), Waiting { events: 2, bytes: 2, refused: 0 });
        store.put_back(taken);
        assert_eq!(store.waiting(), Waiting { events: 5, bytes: 5, refused: 0 });
        store.delivered(&out);
        let again = next(&mut store).unwrap();
        assert_eq!((again.key, again.body), (tried.key, tried.body));
        assert_eq!(next(&mut store).unwrap().body, r#"{"events":[5]}"#);
    }
}
