//! Uses that are reported once a turn, and already were.

use std::collections::{HashSet, VecDeque};
use std::hash::{BuildHasher, RandomState};

/// The keys that were taken last, by hash: as many as fit, and the oldest go first.
#[derive(Debug)]
pub(super) struct Repetitions {
    hasher: RandomState,
    keys: HashSet<u64>,
    order: VecDeque<u64>,
}

const MOST: usize = 4096;

impl Repetitions {
    pub(super) fn new() -> Self {
        Self { hasher: RandomState::new(), keys: HashSet::new(), order: VecDeque::new() }
    }

    pub(super) fn contains(&self, key: [&str; 4]) -> bool {
        self.keys.contains(&self.hasher.hash_one(key))
    }

    pub(super) fn insert(&mut self, key: [&str; 4]) {
        let key = self.hasher.hash_one(key);
        if self.keys.insert(key) {
            self.order.push_back(key);
        }
        if self.order.len() > MOST
            && let Some(oldest) = self.order.pop_front()
        {
            self.keys.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{MOST, Repetitions};

    #[test]
    fn the_oldest_go_first() {
        let mut repetitions = Repetitions::new();
        let key = |number: usize| number.to_string();
        for number in 0..=MOST {
            assert!(!repetitions.contains(["app", "turn", &key(number), ""]));
            repetitions.insert(["app", "turn", &key(number), ""]);
            repetitions.insert(["app", "turn", &key(number), ""]);
        }
        assert!(!repetitions.contains(["app", "turn", &key(0), ""]));
        assert!(repetitions.contains(["app", "turn", &key(1), ""]));
        assert!(repetitions.contains(["app", "turn", &key(MOST), ""]));
        assert!(!repetitions.contains(["plugin", "turn", &key(MOST), ""]));
    }
}
