//! Values that many entries share, held once.

use alloc::vec::Vec;
use core::ops::Deref;

/// How many different values are kept for others to share.
const KEPT: usize = 8;

/// The values that were used last, the latest first. An equal value is shared, not stored again.
#[derive(Clone, Debug)]
pub(crate) struct Recent<S>(Vec<S>);

impl<T: PartialEq, S: Deref<Target = T> + From<T> + Clone> Recent<S> {
    pub(crate) const fn new() -> Self {
        Self(Vec::new())
    }

    /// A value: the one that others share, if there is an equal one.
    pub(crate) fn share(&mut self, value: T) -> S {
        if let Some(at) = self.0.iter().position(|known| **known == value) {
            self.0[..=at].rotate_right(1);
        } else {
            self.0.truncate(KEPT - 1);
            self.0.insert(0, value.into());
        }
        self.0[0].clone()
    }
}

#[cfg(test)]
mod tests {
    use alloc::sync::Arc;

    use super::{KEPT, Recent};

    #[test]
    fn the_latest_values_are_shared() {
        let mut recent: Recent<Arc<usize>> = Recent::new();
        let first = recent.share(0);
        for value in 1..KEPT {
            assert_eq!(*recent.share(value), value);
        }
        // Used again, it is the latest; the least recent one goes for another.
        assert!(Arc::ptr_eq(&first, &recent.share(0)));
        recent.share(KEPT);
        assert_eq!(recent.0.iter().map(|value| **value).collect::<std::vec::Vec<_>>(), [KEPT, 0, 7, 6, 5, 4, 3, 2]);
        assert!(Arc::ptr_eq(&first, &recent.share(0)));
    }
}
