//! A map that stays bounded: a cap on its entries and an expiry by the time in the facts.

use alloc::vec::Vec;
use core::borrow::Borrow;
use core::hash::{BuildHasher, Hash};

use foldhash::quality::FixedState;

use self::index::{Index, NONE, Position};
use crate::read::Read;
use crate::time::UnixMillis;
use crate::write::Write;

mod index;

/// A borrowed form of a key: it has the same hash.
pub(crate) trait Equivalent<K> {
    fn equivalent(&self, key: &K) -> bool;
}

impl<K: Borrow<Q>, Q: Eq + ?Sized> Equivalent<K> for Q {
    fn equivalent(&self, key: &K) -> bool {
        self == key.borrow()
    }
}

/// How much one map of the state may hold, and for how long an entry may go unused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Write, Read)]
pub struct Cap {
    /// The most entries held; a new one evicts the one that was unused for longest.
    pub entries: usize,
    /// After how many milliseconds without use an entry expires.
    pub idle_ms: u64,
}

impl Cap {
    pub(crate) const fn days(entries: usize, days: u64) -> Self {
        Self { entries, idle_ms: days * 24 * 60 * 60 * 1000 }
    }
}

/// The most entries that a map can have, whatever its cap: twice as many places can still be counted.
const MOST: usize = 1 << 30;

/// An entry beside what the map knows of it, as each use comes to both.
#[derive(Clone, Debug)]
struct Slot<K, V> {
    used_at: UnixMillis,
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
    /// The positions of the entries from the least to the most recently used. One that is used again is
    /// put at the end, and counts only there: nothing has to be looked at where it stood before.
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
    pub(crate) fn get_mut<Q: Hash + Equivalent<K> + ?Sized>(&mut self, at: UnixMillis, key: &Q) -> Option<&mut V> {
        let position = self.locate(key).ok()?;
        self.touch(position, at);
        self.slots[position as usize].entry.as_mut().map(|(_, value)| value)
    }

    /// Puts an entry in, replacing one with the same key. Returns the entry that had to go to keep
    /// the cap.
    pub(crate) fn insert(&mut self, at: UnixMillis, key: K, value: V) -> Option<(K, V)> {
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
            // There are at most as many as a position can say.
            Position::try_from(self.slots.len() - 1).unwrap_or(NONE)
        };
        self.index.insert(hash, position);
        self.append(position);
        evicted
    }

    pub(crate) fn remove<Q: Hash + Equivalent<K> + ?Sized>(&mut self, key: &Q) -> Option<(K, V)> {
        let position = self.locate(key).ok()?;
        self.take(position)
    }

    /// Takes out one entry that has been idle for too long at `now`.
    pub(crate) fn pop_expired(&mut self, now: UnixMillis) -> Option<(K, V)> {
        let oldest = self.oldest()?;
        let idle_ms = now.0.saturating_sub(self.slots[oldest as usize].used_at.0);
        if idle_ms > self.cap.idle_ms { self.take(oldest) } else { None }
    }

    /// Drops what has been idle for too long at `now`.
    pub(crate) fn expire(&mut self, now: UnixMillis) {
        while self.pop_expired(now).is_some() {}
    }

    /// Takes out every entry that `wanted` picks, the least recently used first.
    pub(crate) fn take_where(&mut self, mut wanted: impl FnMut(&K, &V) -> bool) -> Vec<(K, V)> {
        let is_wanted = |position: &Position| self.entry(*position).is_some_and(|(key, value)| wanted(key, value));
        let positions: Vec<_> = self.by_use().filter(is_wanted).collect();
        positions.into_iter().filter_map(|position| self.take(position)).collect()
    }

    /// The entries from the least to the most recently used, each with the time of its last use.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (UnixMillis, &K, &V)> {
        self.by_use().filter_map(|position| {
            let slot = &self.slots[position as usize];
            slot.entry.as_ref().map(|(key, value)| (slot.used_at, key, value))
        })
    }

    fn touch(&mut self, position: Position, at: UnixMillis) {
        let slot = &mut self.slots[position as usize];
        slot.used_at = at;
        if slot.place as usize + 1 != self.order.len() {
            self.append(position);
        }
    }

    /// Puts an entry at the end of the order.
    fn append(&mut self, position: Position) {
        // As much is taken out at once as has come since, so that each use pays for one place.
        if self.order.len() > 2 * self.len() + 32 {
            self.close_up();
        }
        // The order is at most twice as long as the most entries.
        self.slots[position as usize].place = Position::try_from(self.order.len()).unwrap_or(NONE);
        self.order.push(position);
    }

    /// Takes out of the order what does not count.
    #[inline(never)]
    fn close_up(&mut self) {
        let mut end = 0;
        for place in self.oldest..self.order.len() {
            if self.counts(place) {
                let position = self.order[place];
                self.slots[position as usize].place = Position::try_from(end).unwrap_or(NONE);
                self.order[end] = position;
                end += 1;
            }
        }
        self.order.truncate(end);
        self.oldest = 0;
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

    // Apart, so that looking whether something has expired, which every message does, stays small.
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
pub(crate) type Saved<K, V> = Vec<(UnixMillis, K, V)>;

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

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeMap;
    use alloc::vec::Vec;

    use proptest::prelude::*;

    use super::{Cap, Capped};
    use crate::time::UnixMillis;

    fn keys(map: &Capped<u8, u8>) -> Vec<u8> {
        map.iter().map(|(_, key, _)| *key).collect()
    }

    #[test]
    fn the_least_recently_used_entry_goes_first() {
        let mut map = Capped::new(Cap { entries: 2, idle_ms: 10 });
        assert_eq!(map.insert(UnixMillis(0), 1, 1), None);
        assert_eq!(map.insert(UnixMillis(1), 2, 2), None);
        assert_eq!(map.get_mut(UnixMillis(2), &1), Some(&mut 1));
        assert_eq!(map.insert(UnixMillis(3), 3, 3), Some((2, 2)));
        assert_eq!(keys(&map), [1, 3]);
    }

    #[test]
    fn an_entry_expires_once_it_was_idle_for_longer_than_the_cap_allows() {
        let mut map = Capped::new(Cap { entries: 9, idle_ms: 10 });
        map.insert(UnixMillis(0), 1, 1);
        map.insert(UnixMillis(5), 2, 2);
        assert_eq!(map.pop_expired(UnixMillis(10)), None);
        assert_eq!(map.pop_expired(UnixMillis(11)), Some((1, 1)));
        assert_eq!(map.pop_expired(UnixMillis(11)), None);
        assert_eq!(keys(&map), [2]);
    }

    #[test]
    fn use_keeps_an_entry_from_expiring() {
        let mut map = Capped::new(Cap { entries: 9, idle_ms: 10 });
        map.insert(UnixMillis(0), 1, 1);
        map.insert(UnixMillis(0), 2, 2);
        assert_eq!(map.get_mut(UnixMillis(8), &1), Some(&mut 1));
        assert_eq!(map.insert(UnixMillis(8), 2, 3), None);
        map.expire(UnixMillis(18));
        assert_eq!(keys(&map), [1, 2]);
        map.expire(UnixMillis(19));
        assert_eq!(map.len(), 0);
    }

    #[test]
    fn the_order_does_not_grow_with_uses() {
        let mut map = Capped::new(Cap { entries: 200, idle_ms: 10 });
        for key in 0..100_u8 {
            map.insert(UnixMillis(0), key, key);
        }
        for _ in 0..1_000 {
            map.get_mut(UnixMillis(1), &99);
        }
        assert_eq!(map.order.len(), 100);
        for key in 0..100 {
            map.remove(&key);
        }
        for key in (0..200).cycle().take(10_000) {
            map.insert(UnixMillis(2), key, key);
            map.remove(&key);
        }
        assert!(map.order.len() <= 33, "{}", map.order.len());
        assert_eq!(map.slots.len(), 100);
    }

    #[derive(Clone, Debug)]
    enum Step {
        Insert(u8),
        Get(u8),
        Remove(u8),
        TakeEven,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => (0..40_u8).prop_map(Step::Insert),
            4 => (0..40_u8).prop_map(Step::Get),
            2 => (0..40_u8).prop_map(Step::Remove),
            1 => Just(Step::TakeEven),
        ]
    }

    #[test]
    fn a_cap_in_days() {
        assert_eq!(Cap::days(7, 2), Cap { entries: 7, idle_ms: 172_800_000 });
    }

    proptest! {
        /// Any series of steps leaves what a plain list of (key, last use) would hold.
        #[test]
        fn behaves_like_a_list(steps in proptest::collection::vec(step(), 0..400)) {
            let mut map = Capped::new(Cap { entries: 15, idle_ms: 50 });
            let mut list: Vec<u8> = Vec::new();
            let mut values = BTreeMap::new();
            for (tick, step) in steps.into_iter().enumerate() {
                let at = UnixMillis(tick as u64);
                match step {
                    Step::Insert(key) => {
                        let expected = if list.contains(&key) {
                            list.retain(|held| *held != key);
                            None
                        } else if list.len() == 15 {
                            let gone = list.remove(0);
                            values.remove(&gone).map(|value| (gone, value))
                        } else {
                            None
                        };
                        list.push(key);
                        values.insert(key, tick);
                        prop_assert_eq!(map.insert(at, key, tick), expected);
                    }
                    Step::Get(key) => {
                        let found = map.get_mut(at, &key).copied();
                        prop_assert_eq!(found, values.get(&key).copied());
                        if found.is_some() {
                            list.retain(|held| *held != key);
                            list.push(key);
                        }
                    }
                    Step::Remove(key) => {
                        list.retain(|held| *held != key);
                        prop_assert_eq!(map.remove(&key), values.remove(&key).map(|value| (key, value)));
                    }
                    Step::TakeEven => {
                        let taken: Vec<u8> = map.take_where(|key, _| key % 2 == 0).into_iter().map(|(key, _)| key).collect();
                        let expected: Vec<u8> = list.iter().copied().filter(|key| key % 2 == 0).collect();
                        prop_assert_eq!(taken, expected);
                        list.retain(|key| key % 2 != 0);
                        values.retain(|key, _| key % 2 != 0);
                    }
                }
                let held: Vec<u8> = map.iter().map(|(_, key, _)| *key).collect();
                prop_assert_eq!(&held, &list);
                prop_assert_eq!(map.len(), list.len());
            }
        }
    }
}
