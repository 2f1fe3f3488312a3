//! Maps that a million events ask: the keys are rows of the store, or texts of the person's own events.

use std::collections::{HashMap, HashSet};

use foldhash::fast::RandomState;

pub(super) type Map<K, V> = HashMap<K, V, RandomState>;
pub(super) type Set<T> = HashSet<T, RandomState>;
