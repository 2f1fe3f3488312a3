//! The clock seam: the core never asks for the time, every entry point is told it.

use crate::read::Read;
use crate::write::Write;

/// A moment in Unix milliseconds, as the host's clock or a recording says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Write, Read)]
#[serde(transparent)]
pub struct UnixMillis(pub u64);

impl UnixMillis {
    /// The end of the year 9999: what claims to be later is a mistake, and must not make all state
    /// expire.
    const LATEST: Self = Self(253_402_300_799_999);

    /// The later of two moments, unless `at` cannot be one.
    pub(crate) fn advanced_to(self, at: Self) -> Self {
        if at > Self::LATEST { self } else { self.max(at) }
    }

    /// The moment in whole Unix seconds, rounded down.
    pub const fn as_secs(self) -> u64 {
        self.0 / 1000
    }
}

/// A wire time or duration as an unsigned number; negative ones are no value
/// (`to_u64` of contract `rules.md`).
pub(crate) fn to_u64(value: i64) -> Option<u64> {
    u64::try_from(value).ok()
}
