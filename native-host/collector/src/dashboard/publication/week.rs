//! Weeks of ISO 8601, in UTC whatever the collector's time zone is: two weeks never overlap.

use std::fmt;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use turnledger_core::UnixMillis;

/// How long after its end a week is published: what waited on a machine has come by then.
const SETTLED_MS: u64 = 24 * 60 * 60 * 1000;

/// A week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::dashboard) struct Week(Date);

impl Week {
    pub(in crate::dashboard) fn of(date: Date) -> Option<Self> {
        date.checked_sub(i64::from(date.weekday().to_monday_zero_offset()).days()).ok().map(Self)
    }

    pub(in crate::dashboard) fn next(self) -> Option<Self> {
        self.0.checked_add(7.days()).ok().map(Self)
    }

    pub(in crate::dashboard) const fn first_day(self) -> Date {
        self.0
    }

    pub(in crate::dashboard) fn last_day(self) -> Date {
        self.0.checked_add(6.days()).unwrap_or(self.0)
    }

    /// Its first moment, and the first one behind it.
    pub(super) fn bounds(self) -> Option<(UnixMillis, UnixMillis)> {
        let beginning = |date: Date| {
            let millis = date.to_zoned(TimeZone::UTC).ok()?.timestamp().as_millisecond();
            u64::try_from(millis).ok().map(UnixMillis)
        };
        Some((beginning(self.0)?, beginning(self.next()?.0)?))
    }

    /// Whether it is published now.
    pub(super) fn is_settled(self, now: UnixMillis) -> bool {
        self.bounds().is_some_and(|(_, end)| now.0 >= end.0.saturating_add(SETTLED_MS))
    }

    /// The week in which a moment is.
    pub(in crate::dashboard) fn at(moment: UnixMillis) -> Option<Self> {
        let moment = Timestamp::from_millisecond(i64::try_from(moment.0).ok()?).ok()?;
        Self::of(moment.to_zoned(TimeZone::UTC).date())
    }
}

impl fmt::Display for Week {
    /// `2026-W48`
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let week = self.0.iso_week_date();
        write!(formatter, "{:04}-W{:02}", week.year(), week.week())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weeks() {
        let week = Week::of("2026-01-01".parse().unwrap()).unwrap();
        assert_eq!((week.to_string(), week.first_day().to_string()), ("2026-W01".into(), "2025-12-29".into()));
        assert_eq!(
            (week.next().unwrap().to_string(), week.last_day().to_string()),
            ("2026-W02".into(), "2026-01-04".into())
        );
        let (first, end) = week.bounds().unwrap();
        assert_eq!(end.0 - first.0, 7 * 24 * 60 * 60 * 1000);
        assert_eq!(
            (Week::at(first), Week::at(UnixMillis(end.0 - 1)), Week::at(end)),
            (Some(week), Some(week), week.next())
        );
        assert_eq!((week.is_settled(end), week.is_settled(UnixMillis(end.0 + SETTLED_MS))), (false, true));
        // Before 1970 there is nothing.
        assert_eq!(Week::of("1969-12-01".parse().unwrap()).unwrap().bounds(), None);
    }
}
