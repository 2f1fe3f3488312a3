//! A map that stays bounded: a cap on its entries and an expiry by the time that passes.

use alloc::vec::Vec;
use core::borrow::Borrow;
use core::hash::{BuildHasher, Hash};

use foldhash::quality::FixedState;

pub(crate) use self::few::Few;
use self::index::{Index, NONE, Position};
use crate::json::read::Read;
use crate::json::write::Write;
use crate::limits::limits;
use crate::time::Elapsed;

mod few;
mod index;
#[cfg(test)]
mod tests;

/// A borrowed form of a key: it has the same hash.
pub(crate) trait Equivalent<K> {
    fn equivalent(&self, key: &K) -> bool;
}

impl<K: Borrow<Q>, Q: Eq + ?Sized> Equivalent<K> for Q {
    fn equivalent(&self, key: &K) -> bool {
        self == key.borrow()
    }
}

limits! {
    /// How many entries one map may hold, and how long an entry may stay unused.
    #[derive(Write, Read)]
    pub struct Cap {
        /// The most entries. A new one evicts the one that was unused for longest.
        pub entries: usize,
        /// After how many milliseconds without use an entry expires.
        pub idle_ms: u64,
    }
}

impl Cap {
    /// At most `entries` of them, each for as long as no `idle_ms` milliseconds pass without use.
    pub const fn new(entries: usize, idle_ms: u64) -> Self {
        Self { entries, idle_ms }
    }

    pub(crate) const fn days(entries: usize, days: u64) -> Self {
        Self { entries, idle_ms: days * 24 * 60 * 60 * 1000 }
    }
}

/// The most entries that a map can have, whatever its cap: twice as many places can still be counted.
const MOST: usize = 1 << 30;

/// A position, or a place in the order: `MOST` keeps both within 32 bits.
fn narrow(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(NONE)
}

/// Removes dead places from an order, from a place on. `moves` gets each position with its old and its new place. It
/// notes the new place and returns true, or returns false if the position is dead.
#[inline(never)]
fn close_up(order: &mut Vec<Position>, from: usize, moves: &mut dyn FnMut(Position, u32, u32) -> bool) {
    let mut end = 0;
    for place in from..order.len() {
        let position = order[place];
        if moves(position, narrow(place), narrow(end)) {
            order[end] = position;
            end += 1;
        }
    }
    order.truncate(end);
}

/// An entry, and what the map knows of it. They stand together because each use needs both.
#[derive(Clone, Debug)]
struct Slot<K, V> {
    used_at: Elapsed,
    /// Where it counts in the order of use; nowhere if there is no entry.
    place: u32,
    hash: u32,
    entry: Option<(K, V)>,
}

/// A hash map that knows the order in which its entries were used.
///
/// Hashing has a fixed seed: the same facts lead to the same evictions on every target.
#[derive(Clone, Debug)]
pub(crate) struct Capped<K, V> {
    cap: Cap,
    index: Index,
    slots: Vec<Slot<K, V>>,
    /// The slots without an entry.
    free: Vec<Position>,
    /// The positions of the entries from the least to the most recently used. A used entry is added at the
    /// end and counts only there, so its old place need not be touched.
    order: Vec<Position>,
    /// Before this place nothing counts.
    oldest: usize,
}

#[allow(clippy::cast_possible_truncation, reason = "each half of a hash is one")]
fn hash_of<Q: Hash + ?Sized>(key: &Q) -> u32 {
    FixedState::default().hash_one(key) as u32
}

impl<K: Hash + Eq, V> Capped<K, V> {
    pub(crate) const fn new(cap: Cap) -> Self {
        Self { cap, index: Index::new(), slots: Vec::new(), free: Vec::new(), order: Vec::new(), oldest: 0 }
    }

    /// The most bytes that a map of this size can take, if each entry holds `elsewhere` bytes outside the map.
    pub(crate) fn most_bytes(cap: Cap, elsewhere: usize) -> u64 {
        // Vectors have at most twice the room that they need, the order of use twice as many places as there are entries,
        // and the index less than three.
        let places = 2 * (size_of::<Slot<K, V>>() + size_of::<Position>() + 2 * size_of::<Position>()) + 3 * 8;
        (cap.entries.clamp(1, MOST) as u64).saturating_mul((places + elsewhere) as u64).saturating_add(1024)
    }

    pub(crate) fn len(&self) -> usize {
        self.index.len()
    }

    fn entry(&self, position: Position) -> Option<&(K, V)> {
        self.slots.get(position as usize)?.entry.as_ref()
    }

    /// Where an entry is; else the hash of its key.
    fn locate<Q: Hash + Equivalent<K> + ?Sized>(&self, key: &Q) -> Result<Position, u32> {
        let holds = |position| self.entry(position).is_some_and(|(held, _)| key.equivalent(held));
        // Messages come in runs about the same thread, turn or item.
        if let Some(&latest) = self.order.last()
            && holds(latest)
        {
            return Ok(latest);
        }
        let hash = hash_of(key);
        self.index.find(hash, holds).ok_or(hash)
    }

    pub(crate) fn contains<Q: Hash + Equivalent<K> + ?Sized>(&self, key: &Q) -> bool {
        self.locate(key).is_ok()
    }

    /// Reads an entry without counting it as used.
    pub(crate) fn peek<Q: Hash + Equivalent<K> + ?Sized>(&self, key: &Q) -> Option<&V> {
        self.entry(self.locate(key).ok()?).map(|(_, value)| value)
    }

    /// Uses an entry: it becomes the most recent one.
    pub(crate) fn get_mut<Q: Hash + Equivalent<K> + ?Sized>(&mut self, at: Elapsed, key: &Q) -> Option<&mut V> {
        let position = self.locate(key).ok()?;
        self.touch(position, at);
        self.slots[position as usize].entry.as_mut().map(|(_, value)| value)
    }

    /// Inserts an entry, replacing one with the same key. Returns the entry that was evicted to keep
    /// the cap.
    pub(crate) fn insert(&mut self, at: Elapsed, key: K, value: V) -> Option<(K, V)> {
        let hash = match self.locate(&key) {
            Ok(position) => {
                self.slots[position as usize].entry = Some((key, value));
                self.touch(position, at);
                return None;
            }
            Err(hash) => hash,
        };
        let evicted = if self.len() >= self.cap.entries.clamp(1, MOST) { self.pop_oldest() } else { None };
        let slot = Slot { used_at: at, place: NONE, hash, entry: Some((key, value)) };
        let position = if let Some(position) = self.free.pop() {
            self.slots[position as usize] = slot;
            position
        } else {
            self.slots.push(slot);
            narrow(self.slots.len() - 1)
        };
        self.index.insert(hash, position);
        self.append(position);
        evicted
    }

    pub(crate) fn remove<Q: Hash + Equivalent<K> + ?Sized>(&mut self, key: &Q) -> Option<(K, V)> {
        let position = self.locate(key).ok()?;
        self.take(position)
    }

    /// When the entry that is unused for longest expires.
    #[inline(never)]
    pub(crate) fn due(&self) -> Elapsed {
        let oldest = self.by_use().next();
        oldest.map_or(Elapsed::NEVER, |oldest| self.slots[oldest as usize].used_at.after(self.cap.idle_ms).after(1))
    }

    /// Takes out one entry that has been idle for too long at `now`. If the map is empty, its memory is given back.
    pub(crate) fn pop_expired(&mut self, now: Elapsed) -> Option<(K, V)> {
        if self.due() <= now {
            return self.pop_oldest();
        }
        if self.len() == 0 {
            *self = Self::new(self.cap);
        }
        None
    }

    /// Drops what has been idle for too long at `now`.
    pub(crate) fn expire(&mut self, now: Elapsed) {
        while self.pop_expired(now).is_some() {}
    }

    /// Takes out every entry that `wanted` picks, the least recently used first.
    pub(crate) fn take_where(&mut self, mut wanted: impl FnMut(&K, &V) -> bool) -> Vec<(K, V)> {
        let is_wanted = |position: &Position| self.entry(*position).is_some_and(|(key, value)| wanted(key, value));
        let positions: Vec<_> = self.by_use().filter(is_wanted).collect();
        positions.into_iter().filter_map(|position| self.take(position)).collect()
    }

    /// The entries from the least to the most recently used, each with the time of its last use.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Elapsed, &K, &V)> {
        self.by_use().filter_map(|position| {
            let slot = &self.slots[position as usize];
            slot.entry.as_ref().map(|(key, value)| (slot.used_at, key, value))
        })
    }

    fn touch(&mut self, position: Position, at: Elapsed) {
        let slot = &mut self.slots[position as usize];
        slot.used_at = at;
        if slot.place as usize + 1 != self.order.len() {
            self.append(position);
        }
    }

    /// Puts an entry at the end of the order.
    fn append(&mut self, position: Position) {
        // As many places are removed at once as were added since, so each use pays for one.
        if self.order.len() > 2 * self.len() + 32 {
            self.close_up();
        }
        self.slots[position as usize].place = narrow(self.order.len());
        self.order.push(position);
    }

    fn close_up(&mut self) {
        let Self { slots, order, oldest, .. } = self;
        close_up(order, core::mem::take(oldest), &mut |position, from, to| {
            let slot = &mut slots[position as usize];
            let counts = slot.place == from;
            if counts {
                slot.place = to;
            }
            counts
        });
    }

    fn counts(&self, place: usize) -> bool {
        self.slots[self.order[place] as usize].place as usize == place
    }

    /// What is unused for longest.
    fn oldest(&mut self) -> Option<Position> {
        while self.oldest < self.order.len() && !self.counts(self.oldest) {
            self.oldest += 1;
        }
        self.order.get(self.oldest).copied()
    }

    /// The positions from the least to the most recently used.
    fn by_use(&self) -> impl Iterator<Item = Position> {
        (self.oldest..self.order.len()).filter(|&place| self.counts(place)).map(|place| self.order[place])
    }

    fn pop_oldest(&mut self) -> Option<(K, V)> {
        let oldest = self.oldest()?;
        self.take(oldest)
    }

    #[inline(never)]
    fn take(&mut self, position: Position) -> Option<(K, V)> {
        let slot = &mut self.slots[position as usize];
        slot.place = NONE;
        self.index.remove(slot.hash, position);
        self.free.push(position);
        slot.entry.take()
    }
}

/// The saved form of a [`Capped`] map: its entries from the least to the most recently used.
pub(crate) type Saved<K, V> = Vec<(Elapsed, K, V)>;

impl<K: Hash + Eq + Clone, V: Clone> Capped<K, V> {
    pub(crate) fn save(&self) -> Saved<K, V> {
        self.save_with(V::clone)
    }

    /// Saves what is left of each value.
    pub(crate) fn save_with(&self, rest: impl Fn(&V) -> V) -> Saved<K, V> {
        self.iter().map(|(at, key, value)| (at, key.clone(), rest(value))).collect()
    }

    pub(crate) fn load(cap: Cap, saved: Saved<K, V>) -> Self {
        let mut map = Self::new(cap);
        for (at, key, value) in saved {
            map.insert(at, key, value);
        }
        map
    }
}
