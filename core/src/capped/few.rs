//! A map of a few entries, the oldest of which makes room.

use alloc::vec::Vec;

use crate::json::read::{Failed, Read, Reader};
use crate::json::write::Write;

/// How many entries there may be.
pub(crate) const FEW: usize = 256;

/// A map that is looked through: for what is rare, and gone soon. It takes less code than [`Capped`](super::Capped).
#[derive(Clone, Debug)]
pub(crate) struct Few<K, V>(Vec<(K, V)>);

impl<K, V> Default for Few<K, V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<K: PartialEq, V> Few<K, V> {
    /// Adds an entry, or replaces its value. Returns what it replaces, or what makes room.
    pub(crate) fn insert(&mut self, key: K, value: V) -> Option<V> {
        let replaced = self.remove(&key);
        let evicted = (self.0.len() == FEW).then(|| self.0.remove(0).1);
        self.0.push((key, value));
        replaced.or(evicted)
    }

    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        self.0.iter().find(|(known, _)| known == key).map(|(_, value)| value)
    }

    pub(crate) fn remove(&mut self, key: &K) -> Option<V> {
        let at = self.0.iter().position(|(known, _)| known == key)?;
        Some(self.0.remove(at).1)
    }

    /// Takes out the entries that `is_wanted`, the oldest first.
    pub(crate) fn take_where(&mut self, is_wanted: impl Fn(&K, &V) -> bool) -> Vec<V> {
        if self.0.is_empty() {
            return Vec::new();
        }
        let (wanted, others) = core::mem::take(&mut self.0).into_iter().partition(|(key, value)| is_wanted(key, value));
        self.0 = others;
        let wanted: Vec<(K, V)> = wanted;
        wanted.into_iter().map(|(_, value)| value).collect()
    }

    /// The most bytes that it can hold, of entries with this many beside their own.
    pub(crate) fn most_bytes(beside: usize) -> u64 {
        2 * (FEW * (size_of::<(K, V)>() + beside)) as u64
    }
}

impl<K: Write, V: Write> Write for Few<K, V> {
    fn write(&self, text: &mut alloc::string::String) {
        self.0.write(text);
    }
}

impl<'text, K: Read<'text>, V: Read<'text>> Read<'text> for Few<K, V> {
    fn read(reader: &mut Reader<'text>) -> Result<Self, Failed> {
        let mut entries: Vec<(K, V)> = Read::read(reader)?;
        entries.truncate(FEW);
        Ok(Self(entries))
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::{FEW, Few};

    #[test]
    fn the_oldest_makes_room() {
        let mut few = Few::default();
        for number in 0..FEW {
            assert_eq!(few.insert(number, number), None);
        }
        assert_eq!(few.insert(0, 7), Some(0), "replaced");
        assert_eq!(few.insert(FEW, FEW), Some(1), "made room");
        assert_eq!((few.get(&0), few.get(&1)), (Some(&7), None));
        assert_eq!((few.remove(&2), few.remove(&2)), (Some(2), None));
        assert_eq!(few.take_where(|key, _| *key == 0 || *key == FEW), vec![7, FEW]);
        assert_eq!(few.get(&0), None);
    }
}
