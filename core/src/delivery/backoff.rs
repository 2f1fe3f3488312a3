//! Delays between attempts.

use crate::limits::limits;
use crate::time::UnixMillis;

limits! {
    /// Delays between attempts. A server's `Retry-After` is obeyed in full, however long it is.
    pub struct RetryLimits {
        /// The delay after the first failure, in milliseconds; it doubles with each further one.
        pub first_ms: u64,
        /// The longest delay, in milliseconds.
        pub longest_ms: u64,
    }
}

impl Default for RetryLimits {
    fn default() -> Self {
        Self { first_ms: 500, longest_ms: 60_000 }
    }
}

impl RetryLimits {
    /// When the next attempt is due after this many failures. Jitter adds up to the same delay again.
    pub(super) fn until(self, now: UnixMillis, failures: u32, jitter: u64) -> UnixMillis {
        let doubled = 1_u64.checked_shl(failures.saturating_sub(1)).unwrap_or(u64::MAX);
        let delay = self.first_ms.saturating_mul(doubled).min(self.longest_ms);
        UnixMillis(now.0.saturating_add(delay).saturating_add(jitter % delay.saturating_add(1)))
    }
}
