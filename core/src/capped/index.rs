//! Where the entries of a map are, by the hashes of their keys.

use alloc::vec;
use alloc::vec::Vec;

/// Where an entry is in its map: half as large as a `usize`.
pub(super) type Position = u32;

pub(super) const NONE: Position = Position::MAX;

#[derive(Clone, Copy, Debug)]
struct Word {
    hash: u32,
    position: Position,
}

const EMPTY: Word = Word { hash: 0, position: NONE };

/// A hash table with linear probing, whose length is a power of two and of which at least a quarter is empty.
///
/// A hash stands beside its position, so a look-up reads one line of memory. Separate tables of hashes and of
/// positions would take two, and with a million entries each is a wait. When the table grows, nothing else is
/// read. Every bit of a hash must be random, or entries would form long runs.
#[derive(Clone, Debug)]
pub(super) struct Index {
    words: Vec<Word>,
    len: usize,
}

impl Index {
    pub(super) const fn new() -> Self {
        Self { words: Vec::new(), len: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The position with this hash that holds what is looked for.
    pub(super) fn find(&self, hash: u32, holds: impl Fn(Position) -> bool) -> Option<Position> {
        self.place_of(hash, holds).map(|place| self.words[place].position)
    }

    pub(super) fn insert(&mut self, hash: u32, position: Position) {
        if self.len >= self.words.len() / 4 * 3 {
            self.grow();
        }
        self.len += 1;
        self.put(Word { hash, position });
    }

    pub(super) fn remove(&mut self, hash: u32, position: Position) {
        let Some(mut hole) = self.place_of(hash, |held| held == position) else { return };
        self.len -= 1;
        // What comes after the hole moves into it, unless it would then stand before where it is
        // looked for first.
        let mut place = hole;
        loop {
            place = self.after(place);
            let word = self.words[place];
            if word.position == NONE {
                break;
            }
            if self.distance(self.first(word.hash), place) >= self.distance(hole, place) {
                self.words[hole] = word;
                hole = place;
            }
        }
        self.words[hole] = EMPTY;
    }

    fn place_of(&self, hash: u32, holds: impl Fn(Position) -> bool) -> Option<usize> {
        let mut place = self.first(hash);
        loop {
            let word = self.words.get(place).filter(|word| word.position != NONE)?;
            if word.hash == hash && holds(word.position) {
                return Some(place);
            }
            place = self.after(place);
        }
    }

    /// Puts a word into the first empty place; there is one.
    fn put(&mut self, word: Word) {
        let mut place = self.first(word.hash);
        while self.words[place].position != NONE {
            place = self.after(place);
        }
        self.words[place] = word;
    }

    fn grow(&mut self) {
        let twice = vec![EMPTY; (self.words.len() * 2).max(8)];
        for word in core::mem::replace(&mut self.words, twice) {
            if word.position != NONE {
                self.put(word);
            }
        }
    }

    /// Where a hash is looked for first.
    fn first(&self, hash: u32) -> usize {
        hash as usize & self.words.len().wrapping_sub(1)
    }

    fn after(&self, place: usize) -> usize {
        (place + 1) & (self.words.len() - 1)
    }

    fn distance(&self, from: usize, to: usize) -> usize {
        to.wrapping_sub(from) & (self.words.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use proptest::prelude::*;

    use super::{Index, Position};

    #[derive(Clone, Debug)]
    enum Step {
        Insert(u32),
        /// Of those held, by their order.
        Remove(usize),
        RemoveUnknown(u32),
    }

    /// Few hashes, at both ends of any table: what is looked for at its end goes on at its beginning.
    fn hash() -> impl Strategy<Value = u32> {
        prop_oneof![0..3_u32, Just(1 << 20), u32::MAX - 2..=u32::MAX]
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => hash().prop_map(Step::Insert),
            3 => any::<usize>().prop_map(Step::Remove),
            1 => hash().prop_map(Step::RemoveUnknown),
        ]
    }

    proptest! {
        /// Any series of steps leaves what a list of (hash, position) would hold, each found by its own hash.
        #[test]
        fn behaves_like_a_list(steps in proptest::collection::vec(step(), 0..120)) {
            let mut index = Index::new();
            let mut list: Vec<(u32, Position)> = Vec::new();
            for (position, step) in (0..).zip(steps) {
                match step {
                    Step::Insert(hash) => {
                        index.insert(hash, position);
                        list.push((hash, position));
                    }
                    Step::Remove(which) => {
                        if let Some(which) = which.checked_rem(list.len()) {
                            let (hash, held) = list.swap_remove(which);
                            index.remove(hash, held);
                        }
                    }
                    Step::RemoveUnknown(hash) => index.remove(hash, position),
                }
                prop_assert_eq!(index.len(), list.len());
                for &(hash, held) in &list {
                    prop_assert_eq!(index.find(hash, |position| position == held), Some(held));
                    prop_assert_eq!(index.find(hash ^ 8, |position| position == held), None);
                }
                prop_assert_eq!(index.find(0, |held| held == position + 1), None);
            }
        }
    }
}
