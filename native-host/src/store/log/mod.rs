//! Events that wait on disk, in a folder with one append-only log that any number of processes share.
//!
//! Weighed were `redb`, which locks its file to one process for as long as that has it open, so that nobody else could
//! look into a spool or drain it; `fjall`, an LSM tree, which brings eight crates and theirs to keep in order what is
//! written once, read once and deleted; and a log of our own, which brings `crc32fast` and needs only appending, locking
//! and renaming. One log for all processes instead of one for each keeps what a spool promises simple: one order, one
//! limit, one place to look, and a batch that its process left behind is taken up by whoever comes next. The lock is
//! held for one change at a time, and the system gives it back when a process ends, however it does.
//!
//! Events, and a batch's key before it is sent, are on disk (`fdatasync`) before a call returns. That a batch is
//! delivered is not waited for: after a loss of power it is sent again, with its key.

mod file;
mod inspect;
mod record;
mod state;
#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use turnledger_core::{BatchLimits, Batcher, Digest, DigestValue, UnixMillis};

use self::file::Files;
use self::record::{BatchRecord, EventRecord, Record, ranges_of};
use super::{
    Damage, Formed, Forming, MOST_REFUSED, SpoolError, StoreLimits, StoredBatch, StoredEvent, Waiting, Wanted, millis,
    signed,
};
use crate::Sha2;

/// The version of the records' form.
const VERSION: u32 = 1;

/// The file with what could not be read.
pub(super) const DAMAGED: &str = "damaged";

/// A log that is open.
#[derive(Debug)]
pub(super) struct Log {
    path: PathBuf,
    limits: StoreLimits,
    patience: Duration,
    files: RefCell<Files>,
}

/// A change that is being made: in the state already, and on disk when it is done.
struct Change<'f> {
    files: &'f mut Files,
    records: Vec<u8>,
}

impl Change<'_> {
    fn put(&mut self, record: &Record<'_>) -> io::Result<()> {
        let offset = self.files.end() + self.records.len() as u64;
        let size = record::write(record, &mut self.records)?;
        self.files.state.apply(record, offset, size);
        Ok(())
    }

    fn insert(&mut self, event: &StoredEvent, batch: u64) -> io::Result<()> {
        let StoredEvent { at, account, json, is_isolated } = event;
        let number = self.files.state.next_event;
        let (at, account, is_isolated) = (*at, *account, *is_isolated);
        self.put(&Record::Event(EventRecord { number, batch, at, account, is_isolated, json }))
    }

    /// Inserts a batch with its events, unless it is there already.
    fn insert_batch(&mut self, key: DigestValue, refused_with: Option<u16>, events: &[StoredEvent]) -> io::Result<()> {
        let state = &self.files.state;
        let is_known = state.batches.values().any(|held| held.record.key == key);
        let Some(account) = events.first().map(|event| event.account).filter(|_| !is_known) else { return Ok(()) };
        let (first, number) = (state.next_event, state.next_batch);
        let range = (first, first + events.len() as u64);
        // Before its events: without it, they would go under another key.
        self.put(&Record::Batch(BatchRecord {
            number,
            key,
            account,
            leased_until: 0,
            deferred: 0,
            refused_with,
            events: vec![range],
        }))?;
        events.iter().try_for_each(|event| self.insert(event, number))
    }

    fn remove(&mut self, numbers: impl IntoIterator<Item = u64>) -> io::Result<()> {
        let events = ranges_of(numbers);
        if events.is_empty() { Ok(()) } else { self.put(&Record::Gone { events }) }
    }

    /// Changes a batch, if it is there and the question about it is answered with yes.
    fn change(
        &mut self,
        number: i64,
        is_meant: impl FnOnce(&BatchRecord) -> bool,
        change: impl FnOnce(&mut BatchRecord),
    ) -> io::Result<bool> {
        let held = self.files.state.batches.get(&number.cast_unsigned());
        let Some(mut batch) = held.map(|held| held.record.clone()).filter(is_meant) else { return Ok(false) };
        change(&mut batch);
        self.put(&Record::Batch(batch)).map(|()| true)
    }

    /// Texts of events. Those that are damaged are removed, and counted.
    fn texts(&mut self, numbers: &[u64]) -> io::Result<Vec<String>> {
        let mut damaged = Vec::new();
        let mut found = Vec::with_capacity(numbers.len());
        let mut texts = self.files.texts();
        for number in numbers {
            let Some(entry) = self.files.state.events.get(number) else { continue };
            match texts.read(*number, entry)? {
                Some(json) => found.push(json),
                None => damaged.push(*number),
            }
        }
        self.lost(damaged)?;
        Ok(found)
    }

    fn lost(&mut self, damaged: Vec<u64>) -> io::Result<()> {
        for number in &damaged {
            let size = self.files.state.events.get(number).map_or(0, |entry| entry.size);
            self.files.damage.places += 1;
            self.files.damage.bytes += u64::from(size);
        }
        self.remove(damaged)
    }
}

impl Log {
    pub(super) fn open(path: &Path, limits: StoreLimits, patience: Duration) -> Result<Self, SpoolError> {
        let files = Files::open(path, patience)?;
        files.leave();
        Ok(Self { path: path.into(), limits, patience, files: RefCell::new(files) })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn limits(&self) -> StoreLimits {
        self.limits
    }

    pub(super) fn take_damage(&mut self) -> Option<Damage> {
        let damage = std::mem::take(&mut self.files.get_mut().damage);
        (damage != Damage::default()).then_some(damage)
    }

    /// Works on the files while nobody else does.
    fn locked<T>(&self, work: impl FnOnce(&mut Files) -> io::Result<T>) -> Result<T, SpoolError> {
        let mut files = self.files.borrow_mut();
        files.enter(self.patience)?;
        let done = work(&mut files);
        files.leave();
        done.map_err(|source| files.error(source))
    }

    /// Makes a change, all of it or nothing. If it is synced, it is on disk then.
    fn change<T>(
        &self,
        is_synced: bool,
        mut work: impl FnMut(&mut Change<'_>) -> io::Result<T>,
    ) -> Result<T, SpoolError> {
        let mut attempt = |files: &mut Files| {
            let mut change = Change { files, records: Vec::new() };
            match work(&mut change) {
                Ok(done) => {
                    let records = change.records;
                    files.append(&records, is_synced).map(|()| done)
                }
                Err(error) => {
                    files.forget();
                    Err(error)
                }
            }
        };
        self.locked(|files| {
            let done = match attempt(files) {
                Err(error) if is_full(&error) && files.make_room().is_ok() => attempt(files),
                done => done,
            }?;
            files.tidy();
            Ok(done)
        })
    }

    pub(super) fn append(&mut self, events: &[StoredEvent], now: UnixMillis) -> Result<u64, SpoolError> {
        self.take_in(events, &[], now)
    }

    pub(super) fn take_in(
        &mut self,
        events: &[StoredEvent],
        batches: &[(DigestValue, Vec<StoredEvent>)],
        now: UnixMillis,
    ) -> Result<u64, SpoolError> {
        let limits = self.limits;
        self.change(true, |change| {
            for (key, events) in batches {
                change.insert_batch(*key, None, events)?;
            }
            for event in events {
                change.insert(event, 0)?;
            }
            make_room(change, &limits, now)
        })
    }

    /// Takes a batch that was refused elsewhere, to be looked at.
    #[cfg(feature = "spool-sqlite")]
    pub(super) fn take_in_refused(
        &mut self,
        key: DigestValue,
        status: u16,
        events: &[StoredEvent],
    ) -> Result<(), SpoolError> {
        self.change(true, |change| change.insert_batch(key, Some(status), events))
    }

    pub(super) fn next(&mut self, wanted: &Wanted) -> Result<Option<StoredBatch>, SpoolError> {
        let limits = self.limits;
        self.change(true, |change| {
            let now = signed(wanted.now.0);
            let until = signed(wanted.now.0.saturating_add(millis(limits.lease)));
            let left = change.files.state.batches.values().filter(|held| {
                let BatchRecord { account, leased_until, refused_with, .. } = &held.record;
                *account == wanted.account && *leased_until <= now && refused_with.is_none() && held.left > 0
            });
            let left = left.map(|held| (held.record.deferred, held.record.number)).min();
            match left {
                Some((0, number)) => lease(change, number, until),
                None => form(change, &limits, wanted, until),
                Some((_, number)) => match form(change, &limits, wanted, until)? {
                    Some(formed) => Ok(Some(formed)),
                    None => lease(change, number, until),
                },
            }
        })
    }

    pub(super) fn delivered(&mut self, batch: &StoredBatch) -> Result<(), SpoolError> {
        self.change(false, |change| {
            let numbers = change.files.state.numbers_of(batch.number.cast_unsigned());
            change.remove(numbers)
        })
    }

    pub(super) fn refused(&mut self, batch: &StoredBatch, status: u16) -> Result<(), SpoolError> {
        self.change(false, |change| {
            change.change(batch.number, |_| true, |batch| batch.refused_with = Some(status))?;
            let state = &change.files.state;
            let refused = state.batches.values().filter(|held| held.record.refused_with.is_some());
            let refused: Vec<u64> = refused.map(|held| held.record.number).collect();
            let old = refused.len().saturating_sub(MOST_REFUSED);
            let old: Vec<u64> = refused[..old].iter().flat_map(|batch| state.numbers_of(*batch)).collect();
            change.remove(sorted(old))
        })
    }

    pub(super) fn release(&mut self, batch: &StoredBatch, is_deferred: bool) -> Result<(), SpoolError> {
        self.change(false, |change| {
            let is_ours = |held: &BatchRecord| held.leased_until == batch.leased_until;
            change.change(batch.number, is_ours, |held| {
                held.leased_until = 0;
                held.deferred += u32::from(is_deferred);
            })?;
            Ok(())
        })
    }

    pub(super) fn dissolve(&mut self, batch: &StoredBatch) -> Result<(), SpoolError> {
        self.change(false, |change| {
            let number = batch.number.cast_unsigned();
            let held = change.files.state.batches.get(&number).map(|held| &held.record);
            let is_ours =
                held.is_some_and(|held| held.leased_until == batch.leased_until && held.refused_with.is_none());
            if is_ours { change.put(&Record::Dissolved { batch: number }) } else { Ok(()) }
        })
    }

    pub(super) fn renew(&mut self, batch: &mut StoredBatch, now: UnixMillis) -> Result<bool, SpoolError> {
        let until = signed(now.0.saturating_add(millis(self.limits.lease))).max(batch.leased_until.saturating_add(1));
        let before = batch.leased_until;
        let renewed = self.change(false, |change| {
            let is_ours = |held: &BatchRecord| held.leased_until == before && held.refused_with.is_none();
            change.change(batch.number, is_ours, |held| held.leased_until = until)
        })?;
        batch.leased_until = until;
        Ok(renewed)
    }

    pub(super) fn waiting(&self) -> Result<Waiting, SpoolError> {
        self.locked(|files| Ok(files.state.waiting))
    }

    pub(super) fn asked_until(&self, url: &str, now: UnixMillis) -> Result<Option<UnixMillis>, SpoolError> {
        let asked = self.locked(|files| Ok(files.state.asked.get(&server(url)).copied()))?;
        Ok(asked.filter(|asked| now < *asked))
    }

    pub(super) fn ask_until(&mut self, url: &str, until: UnixMillis) -> Result<(), SpoolError> {
        self.change(false, |change| change.put(&Record::Asked { server: server(url), until }))
    }
}

/// Whether a disk, a quota or a limit has no more room.
fn is_full(error: &io::Error) -> bool {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge)
}

/// How a spool knows a server: by a hash, since a URL may say more than that.
fn server(url: &str) -> [u8; 32] {
    let hash = Sha2::default().digest(&[b"turnledger-server-v1\0", url.as_bytes()]);
    hash.as_bytes().first_chunk().copied().unwrap_or_default()
}

fn sorted(mut numbers: Vec<u64>) -> Vec<u64> {
    numbers.sort_unstable();
    numbers
}

/// Leases a batch that was formed before, as it was: its limits may have been others. `None` if all of it is damaged.
fn lease(change: &mut Change<'_>, number: u64, leased_until: i64) -> io::Result<Option<StoredBatch>> {
    let numbers = change.files.state.numbers_of(number);
    let mut batcher = Batcher::new(BatchLimits::default().events(usize::MAX).bytes(usize::MAX));
    for json in change.texts(&numbers)? {
        batcher.push_json(&json, false);
    }
    let Some(batch) = batcher.flush() else { return Ok(None) };
    let stored = number.cast_signed();
    change.change(stored, |_| true, |held| held.leased_until = leased_until)?;
    let held = change.files.state.batches.get(&number).map(|held| &held.record);
    Ok(held.map(|held| StoredBatch {
        number: stored,
        leased_until,
        account: held.account,
        key: held.key,
        events: batch.events,
        body: batch.body,
    }))
}

/// Makes a batch of the account's events that are in none.
fn form(
    change: &mut Change<'_>,
    limits: &StoreLimits,
    wanted: &Wanted,
    leased_until: i64,
) -> io::Result<Option<StoredBatch>> {
    let account = wanted.account;
    let mut forming = Forming::new(limits, wanted);
    let (mut numbers, mut damaged) = (Vec::new(), Vec::new());
    let mut complete = None;
    {
        let files = &*change.files;
        let mut texts = files.texts();
        for number in files.state.free.get(&account).into_iter().flatten() {
            let Some(entry) = files.state.events.get(number) else { continue };
            let Some(json) = texts.read(*number, entry)? else {
                damaged.push(*number);
                continue;
            };
            numbers.push(*number);
            complete = forming.push(entry.at, &json, entry.is_isolated);
            if complete.is_some() {
                break;
            }
        }
    }
    change.lost(damaged)?;
    let Some(Formed { events, body }) = complete.or_else(|| forming.finish()) else { return Ok(None) };
    let number = change.files.state.next_batch;
    let key = key(number, &body);
    change.put(&Record::Batch(BatchRecord {
        number,
        key,
        account,
        leased_until,
        deferred: 0,
        refused_with: None,
        events: ranges_of(numbers.into_iter().take(events)),
    }))?;
    Ok(Some(StoredBatch { number: number.cast_signed(), leased_until, account, key, events, body }))
}

/// A key that no other batch has: random, and without randomness of this process, time and batch.
fn key(number: u64, body: &str) -> DigestValue {
    let mut salt = [0; 32];
    if getrandom::fill(&mut salt).is_err() {
        salt[..4].copy_from_slice(&std::process::id().to_be_bytes());
        salt[4..12].copy_from_slice(&crate::now().0.to_be_bytes());
    }
    Sha2::default().digest(&[&salt, &number.to_be_bytes(), body.as_bytes()])
}

/// Drops the oldest events until the limits are kept: one that is in a batch together with the batch, unless that is
/// being sent. Returns how many.
fn make_room(change: &mut Change<'_>, limits: &StoreLimits, now: UnixMillis) -> io::Result<u64> {
    let oldest = now.0.saturating_sub(millis(limits.age));
    let state = &change.files.state;
    let idle = state
        .batches
        .values()
        .filter(|held| held.record.refused_with.is_none() && held.record.leased_until <= signed(now.0));
    let idle = idle.map(|held| state.numbers_of(held.record.number)).filter(|numbers| !numbers.is_empty());
    let mut idle: Vec<Vec<u64>> = idle.collect();
    idle.sort_unstable_by(|one, other| other.cmp(one));
    let mut dropped = 0;
    loop {
        let state = &change.files.state;
        let free = state.free.values().filter_map(|numbers| numbers.first()).min().copied();
        let left = idle.last().map(|numbers| numbers[0]);
        let Some(first) = free.into_iter().chain(left).min() else { break };
        let is_old = state.events.get(&first).is_some_and(|entry| entry.at.0 < oldest);
        if state.waiting.bytes <= limits.bytes && !is_old {
            break;
        }
        let going = if left == Some(first) { idle.pop().unwrap_or_default() } else { vec![first] };
        dropped += going.len() as u64;
        change.remove(going)?;
    }
    Ok(dropped)
}
