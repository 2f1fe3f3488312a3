//! A map that stays bounded: a cap on its entries and an expiry by the time in the facts.

use alloc::vec::Vec;
use core::hash::{BuildHasher, Hash};
use core::ops::{Index, IndexMut};

use foldhash::fast::FixedState;
use hashbrown::{Equivalent, HashTable};

use crate::read::Read;
use crate::time::UnixMillis;
use crate::write::Write;

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

/// Where an entry is: half as large as a `usize`, since each has four of them.
type Position = u32;

const NONE: Position = Position::MAX;

/// What is known of a position, whatever stands there.
#[derive(Clone, Debug)]
struct Place {
    hash: u64,
    used_at: UnixMillis,
    older: Position,
    newer: Position,
}

/// Where entries are by the hashes of their keys, and in the order of their last use.
///
/// It knows nothing of the entries themselves, so that it is compiled once for all maps.
#[derive(Clone, Debug)]
struct Places {
    index: HashTable<Position>,
    places: Vec<Place>,
    free: Vec<Position>,
    oldest: Position,
    newest: Position,
}

impl Index<Position> for Places {
    type Output = Place;

    fn index(&self, position: Position) -> &Place {
        &self.places[position as usize]
    }
}

impl IndexMut<Position> for Places {
    fn index_mut(&mut self, position: Position) -> &mut Place {
        &mut self.places[position as usize]
    }
}

impl Places {
    const fn new() -> Self {
        Self { index: HashTable::new(), places: Vec::new(), free: Vec::new(), oldest: NONE, newest: NONE }
    }

    /// A position for a new entry: a free one, or the next.
    fn put(&mut self, hash: u64, used_at: UnixMillis) -> Position {
        let place = Place { hash, used_at, older: NONE, newer: NONE };
        let position = if let Some(position) = self.free.pop() {
            self[position] = place;
            position
        } else {
            self.places.push(place);
            // The cap is not beyond what a position can say.
            Position::try_from(self.places.len() - 1).unwrap_or(NONE)
        };
        let places = &self.places;
        self.index.insert_unique(hash, position, |&held| places[held as usize].hash);
        self.link_newest(position);
        position
    }

    fn release(&mut self, position: Position) {
        if let Ok(found) = self.index.find_entry(self[position].hash, |&held| held == position) {
            found.remove();
        }
        self.unlink(position);
        self.free.push(position);
    }

    fn touch(&mut self, position: Position, at: UnixMillis) {
        self[position].used_at = at;
        if self.newest != position {
            self.unlink(position);
            self.link_newest(position);
        }
    }

    fn unlink(&mut self, position: Position) {
        let (older, newer) = (self[position].older, self[position].newer);
        match older {
            NONE => self.oldest = newer,
            older => self[older].newer = newer,
        }
        match newer {
            NONE => self.newest = older,
            newer => self[newer].older = older,
        }
    }

    fn link_newest(&mut self, position: Position) {
        let newest = core::mem::replace(&mut self.newest, position);
        (self[position].older, self[position].newer) = (newest, NONE);
        match newest {
            NONE => self.oldest = position,
            newest => self[newest].newer = position,
        }
    }

    /// When what is unused for longest was last used.
    fn oldest_use(&self) -> Option<UnixMillis> {
        self.places.get(self.oldest as usize).map(|place| place.used_at)
    }

    /// The positions from the least to the most recently used.
    fn by_use(&self) -> impl Iterator<Item = Position> {
        let position = |position| if position == NONE { None } else { Some(position) };
        core::iter::successors(position(self.oldest), move |&held| position(self[held].newer))
    }
}

/// A hash map whose entries also form a list from the least to the most recently used.
///
/// Hashing has a fixed seed: the same facts lead to the same evictions on every target.
#[derive(Clone, Debug)]
pub(crate) struct Capped<K, V> {
    cap: Cap,
    places: Places,
    /// By position; nothing where one waits for its next use.
    entries: Vec<Option<(K, V)>>,
}

fn hash_of<Q: Hash + ?Sized>(key: &Q) -> u64 {
    FixedState::default().hash_one(key)
}

impl<K: Hash + Eq, V> Capped<K, V> {
    pub(crate) const fn new(cap: Cap) -> Self {
        Self { cap, places: Places::new(), entries: Vec::new() }
    }

    pub(crate) fn len(&self) -> usize {
        self.places.index.len()
    }

    fn entry(&self, position: Position) -> Option<&(K, V)> {
        self.entries.get(position as usize)?.as_ref()
    }

    fn find<Q: Hash + Equivalent<K> + ?Sized>(&self, key: &Q) -> Option<Position> {
        let holds = |position: &Position| self.entry(*position).is_some_and(|(held, _)| key.equivalent(held));
        // Messages come in runs about the same thread, turn or item.
        if holds(&self.places.newest) {
            return Some(self.places.newest);
        }
        self.places.index.find(hash_of(key), holds).copied()
    }

    pub(crate) fn contains<Q: Hash + Equivalent<K> + ?Sized>(&self, key: &Q) -> bool {
        self.find(key).is_some()
    }

    /// Reads an entry without counting it as used.
    pub(crate) fn peek<Q: Hash + Equivalent<K> + ?Sized>(&self, key: &Q) -> Option<&V> {
        self.entry(self.find(key)?).map(|(_, value)| value)
    }

    /// Uses an entry: it becomes the most recent one.
    pub(crate) fn get_mut<Q: Hash + Equivalent<K> + ?Sized>(&mut self, at: UnixMillis, key: &Q) -> Option<&mut V> {
        let position = self.find(key)?;
        self.places.touch(position, at);
        self.entries[position as usize].as_mut().map(|(_, value)| value)
    }

    /// Puts an entry in, replacing one with the same key. Returns the entry that had to go to keep
    /// the cap.
    pub(crate) fn insert(&mut self, at: UnixMillis, key: K, value: V) -> Option<(K, V)> {
        if let Some(position) = self.find(&key) {
            self.entries[position as usize] = Some((key, value));
            self.places.touch(position, at);
            return None;
        }
        let evicted = if self.len() >= self.cap.entries.clamp(1, NONE as usize) { self.pop_oldest() } else { None };
        let position = self.places.put(hash_of(&key), at) as usize;
        if position == self.entries.len() {
            self.entries.push(Some((key, value)));
        } else {
            self.entries[position] = Some((key, value));
        }
        evicted
    }

    pub(crate) fn remove<Q: Hash + Equivalent<K> + ?Sized>(&mut self, key: &Q) -> Option<(K, V)> {
        let position = self.find(key)?;
        self.take(position)
    }

    /// Takes out one entry that has been idle for too long at `now`.
    pub(crate) fn pop_expired(&mut self, now: UnixMillis) -> Option<(K, V)> {
        let oldest = self.places.oldest_use()?;
        if now.0.saturating_sub(oldest.0) > self.cap.idle_ms { self.pop_oldest() } else { None }
    }

    /// Drops what has been idle for too long at `now`.
    pub(crate) fn expire(&mut self, now: UnixMillis) {
        while self.pop_expired(now).is_some() {}
    }

    /// Takes out every entry that `wanted` picks, the least recently used first.
    pub(crate) fn take_where(&mut self, mut wanted: impl FnMut(&K, &V) -> bool) -> Vec<(K, V)> {
        let is_wanted = |position: &Position| self.entry(*position).is_some_and(|(key, value)| wanted(key, value));
        let positions: Vec<_> = self.places.by_use().filter(is_wanted).collect();
        positions.into_iter().filter_map(|position| self.take(position)).collect()
    }

    /// The entries from the least to the most recently used, each with the time of its last use.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (UnixMillis, &K, &V)> {
        self.places
            .by_use()
            .filter_map(|position| self.entry(position).map(|(key, value)| (self.places[position].used_at, key, value)))
    }

    fn pop_oldest(&mut self) -> Option<(K, V)> {
        if self.places.oldest == NONE { None } else { self.take(self.places.oldest) }
    }

    // Apart, so that looking whether something has expired, which every message does, stays small.
    #[inline(never)]
    fn take(&mut self, position: Position) -> Option<(K, V)> {
        self.places.release(position);
        self.entries[position as usize].take()
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

    #[derive(Clone, Debug)]
    enum Step {
        Insert(u8),
        Get(u8),
        Remove(u8),
        TakeEven,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => (0..12_u8).prop_map(Step::Insert),
            2 => (0..12_u8).prop_map(Step::Get),
            2 => (0..12_u8).prop_map(Step::Remove),
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
        fn behaves_like_a_list(steps in proptest::collection::vec(step(), 0..200)) {
            let mut map = Capped::new(Cap { entries: 5, idle_ms: 50 });
            let mut list: Vec<u8> = Vec::new();
            let mut values = BTreeMap::new();
            for (tick, step) in steps.into_iter().enumerate() {
                let at = UnixMillis(tick as u64);
                match step {
                    Step::Insert(key) => {
                        let expected = if list.contains(&key) {
                            list.retain(|held| *held != key);
                            None
                        } else if list.len() == 5 {
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
