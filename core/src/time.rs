//! Time. The core never reads a clock: every entry point is given the time.

use crate::json::read::Read;
use crate::json::write::Write;

/// A moment in Unix milliseconds, as the host's clock or a recording says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Write, Read)]
#[serde(transparent)]
#[expect(clippy::exhaustive_structs, reason = "it is a number and nothing else")]
pub struct UnixMillis(pub u64);

impl UnixMillis {
    /// The time of a text of ISO 8601 such as `2026-11-28T07:59:29.843Z`, with or without a fraction; none for any other
    /// text, and for a time before 1970.
    pub fn from_iso_8601(text: &str) -> Option<Self> {
        let (date, rest) = text.split_once('T')?;
        let time = rest.strip_suffix('Z')?;
        let (clock, fraction) = time.split_once('.').unwrap_or((time, ""));
        let [year, month, day] = numbers(date, '-')?;
        let [hour, minute, second] = numbers(clock, ':')?;
        if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
            return None;
        }
        if hour > 23 || minute > 59 || second > 60 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let millis = fraction.bytes().chain([b'0'; 3]).take(3).fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0'));
        let seconds = ((days(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
        Some(Self(seconds * 1000 + millis))
    }

    /// The moment in whole Unix seconds, rounded down.
    pub const fn as_secs(self) -> u64 {
        self.0 / 1000
    }
}

/// A wire time or duration as an unsigned number; negative ones are no value
/// (`to_u64` of `docs/contract/rules.md`).
pub(crate) fn to_u64(value: i64) -> Option<u64> {
    u64::try_from(value).ok()
}

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// The most time that passes between two messages. What lies further apart says that the clock was set.
const LONGEST_STEP_MS: u64 = 2 * DAY_MS;
/// The most time that passes before a call that a host makes because time has passed.
const LONGEST_WAIT_MS: u64 = 500 * DAY_MS;

/// How long a session has gone on, in milliseconds: the time by which entries expire. It never goes backwards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Write, Read)]
#[serde(transparent)]
pub(crate) struct Elapsed(pub(crate) u64);

impl Elapsed {
    /// No moment of any session.
    pub(crate) const NEVER: Self = Self(u64::MAX);

    pub(crate) const fn after(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms))
    }
}

/// Tells the time that passes from a clock that is set, for a moment or for good.
///
/// Time passes as the clock goes forwards from the latest moment it has shown. A clock that is behind that moment stands
/// still until it comes there again. A step of more than two days, in either direction, is no time that passes: the clock
/// was set, and is followed from there on. Forwards, that takes a second message which agrees with the first.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Clock {
    pub(crate) elapsed: Elapsed,
    /// The latest moment that was believed; 0 before the first.
    pub(crate) seen: UnixMillis,
    /// A moment far from it that the message before showed, if it did; else 0.
    pub(crate) doubted: UnixMillis,
}

impl Clock {
    /// A message or a fact came at `at`.
    pub(crate) fn see(&mut self, at: UnixMillis) {
        self.go_to(at, LONGEST_STEP_MS);
    }

    /// Nothing came until `at`.
    pub(crate) fn wait(&mut self, at: UnixMillis) {
        self.go_to(at, LONGEST_WAIT_MS);
    }

    fn go_to(&mut self, at: UnixMillis, longest_ms: u64) {
        let is_first = self.seen.0 == 0;
        let far = self.seen.0.abs_diff(at.0) > LONGEST_STEP_MS;
        let is_confirmed = self.doubted.0.abs_diff(at.0) <= LONGEST_STEP_MS;
        if is_first || far && (at < self.seen || is_confirmed) {
            // It may be set back to where it was.
            self.doubted = core::mem::replace(&mut self.seen, at);
            return;
        }
        if let Some(step) = at.0.checked_sub(self.seen.0) {
            if step > longest_ms {
                self.doubted = at;
                return;
            }
            self.elapsed = self.elapsed.after(step);
            self.seen = at;
        }
        self.doubted = UnixMillis(0);
    }

    /// What the clock shows when the session has gone on for so long, unless it is set.
    pub(crate) fn at(&self, elapsed: Elapsed) -> UnixMillis {
        UnixMillis(self.seen.0.saturating_add(elapsed.0.saturating_sub(self.elapsed.0)))
    }
}

fn numbers(text: &str, between: char) -> Option<[u64; 3]> {
    let mut parts = text.split(between).map(|part| {
        let is_number = (1..=4).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| part.parse().ok()).flatten()
    });
    let numbers = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(numbers)
}

/// Days since 1970, by the calendar's rule of leap years.
fn days(year: u64, month: u64, day: u64) -> u64 {
    const TO_1970: u64 = 719_468;
    // A year that begins in March ends with the day that only some have.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let of_years = year * 365 + year / 4 - year / 100 + year / 400;
    of_years + (153 * month + 2) / 5 + day - 1 - TO_1970
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use proptest::prelude::*;

    use super::{Clock, DAY_MS, LONGEST_STEP_MS, LONGEST_WAIT_MS, UnixMillis};

    const START: u64 = 1_771_000_000_000;

    fn elapsed(readings: impl IntoIterator<Item = u64>) -> u64 {
        let mut clock = Clock::default();
        for at in readings {
            clock.see(UnixMillis(at));
        }
        clock.elapsed.0
    }

    #[test]
    fn instants() {
        for (text, millis) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2026-11-28T07:59:29.843Z", Some(1_795_852_769_843)),
            ("2026-11-28T07:59:29Z", Some(1_795_852_769_000)),
            ("2024-02-29T23:59:59.5Z", Some(1_709_251_199_500)),
            ("2000-03-01T00:00:00.123456789Z", Some(951_868_800_123)),
            ("2026-11-28 07:59:29Z", None),
            ("2026-11-28T07:59:29", None),
            ("2026-13-28T07:59:29Z", None),
            ("2026-11-28T07:59Z", None),
            ("2026-11-28T24:59:29Z", None),
            ("2026-11-28T07:59:29.x3Z", None),
            ("", None),
        ] {
            assert_eq!(UnixMillis::from_iso_8601(text), millis.map(UnixMillis), "{text}");
        }
    }

    #[test]
    fn time_passes_as_the_clock_goes() {
        assert_eq!(elapsed([0]), 0);
        assert_eq!(elapsed([START]), 0);
        assert_eq!(elapsed([START, START, START + 1, START + 1 + LONGEST_STEP_MS]), 1 + LONGEST_STEP_MS);
        // Two threads of a host may ask the clock in another order than they hand over.
        assert_eq!(elapsed([START, START + 5, START + 3, START + 6, START + 2, START + 7]), 7);
    }

    #[test]
    fn a_clock_that_was_set_is_followed() {
        for back in [1, START - LONGEST_STEP_MS - 1] {
            assert_eq!(elapsed([START, START + 1, back]), 1, "{back}");
            assert_eq!(elapsed([START, START + 1, back, back + 2]), 3, "{back}");
        }
        for forth in [START + 4 + LONGEST_STEP_MS, u64::MAX - 9] {
            assert_eq!(elapsed([START, START + 1, forth, forth + 2]), 1, "{forth}");
            assert_eq!(elapsed([START, START + 1, forth, forth + 2, forth + 4]), 3, "{forth}");
        }
    }

    #[test]
    fn a_wait_is_longer_than_a_step() {
        let mut clock = Clock::default();
        clock.see(UnixMillis(START));
        clock.wait(UnixMillis(START + 10 * DAY_MS));
        assert_eq!(clock.elapsed.0, 10 * DAY_MS);
        // A clock that a message has shown to be set says nothing of how long the host has waited.
        clock.see(UnixMillis(START + 100 * DAY_MS));
        clock.wait(UnixMillis(START + 100 * DAY_MS + 1));
        assert_eq!(clock.elapsed.0, 10 * DAY_MS);
        clock.wait(UnixMillis(START + 100 * DAY_MS + 3 + LONGEST_WAIT_MS));
        clock.see(UnixMillis(START + 100 * DAY_MS + 4));
        assert_eq!(clock.elapsed.0, 10 * DAY_MS + 3);
    }

    proptest! {
        /// However a clock is set, by more than a step each time, no time passes but what it shows in between.
        #[test]
        fn no_setting_counts(parts in proptest::collection::vec((0..u64::MAX >> 1, proptest::collection::vec(0..1000_u64, 2..9)), 1..9)) {
            let (mut readings, mut expected, mut before) = (Vec::new(), 0, 0);
            for (start, steps) in parts {
                let mut at = 1 + start;
                if at.abs_diff(before) <= 2 * LONGEST_STEP_MS {
                    at = before + 3 * LONGEST_STEP_MS;
                }
                let is_forwards = at > before && before > 0;
                readings.push(at);
                for (index, step) in steps.into_iter().enumerate() {
                    at += step;
                    readings.push(at);
                    // The second one confirms the first.
                    if index > 0 || !is_forwards {
                        expected += step;
                    }
                }
                before = at;
            }
            prop_assert_eq!(elapsed(readings), expected);
        }

        /// A moment far from all others changes nothing, wherever it stands among them.
        #[test]
        fn no_outlier_counts(steps in proptest::collection::vec(0..1000_u64, 2..40), place: prop::sample::Index, ahead in LONGEST_STEP_MS + 40_000..1 << 60) {
            let mut readings: Vec<u64> = steps.iter().scan(START, |at, step| { *at += step; Some(*at) }).collect();
            let expected = elapsed(readings.iter().copied());
            readings.insert(1 + place.index(readings.len()), START + ahead);
            prop_assert_eq!(elapsed(readings), expected);
        }
    }
}
