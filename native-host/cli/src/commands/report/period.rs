//! From when to when a report goes.

use anyhow::Context;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, Zoned};
use turnledger_core::UnixMillis;

/// A moment, as a person says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Point {
    Day(Date),
    Time(Timestamp),
    /// So many days, today being the last.
    Days(u16),
}

const FORMS: &str = "neither a day such as 2026-11-28, nor a time such as 2026-11-28T08:00:00Z, nor days such as 7d";

pub(super) fn point(text: &str) -> Result<Point, String> {
    let number = |unit| text.strip_suffix(unit)?.parse::<u16>().ok().filter(|number| (1..=5000).contains(number));
    if let Some(days) = number('d').or_else(|| Some(number('w')? * 7)) {
        return Ok(Point::Days(days));
    }
    if text.contains('T') {
        return text.parse().map(Point::Time).map_err(|_| FORMS.to_owned());
    }
    text.parse().map(Point::Day).map_err(|_| FORMS.to_owned())
}

pub(in crate::commands) fn time_zone(name: &str) -> Result<TimeZone, String> {
    TimeZone::get(name).map_err(|_| "no time zone that this machine knows; names are such as Europe/Berlin".into())
}

/// From when to before when; without a limit where there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Period {
    pub(super) since: Option<UnixMillis>,
    pub(super) until: Option<UnixMillis>,
}

const DEFAULT_DAYS: u16 = 30;

impl Period {
    /// The period between two points; without a beginning the 30 days up to its end.
    pub(super) fn of(since: Option<Point>, until: Option<Point>, zone: &TimeZone) -> anyhow::Result<Self> {
        let today = Timestamp::now().to_zoned(zone.clone()).date();
        Self::from(today, since, until, zone).context("the period is not within what a calendar has")
    }

    fn from(today: Date, since: Option<Point>, until: Option<Point>, zone: &TimeZone) -> Option<Self> {
        let last = match until {
            None => today,
            Some(Point::Day(day)) => day,
            Some(Point::Time(time)) => time.to_zoned(zone.clone()).date(),
            Some(Point::Days(days)) => back(today, days)?,
        };
        let until = match until {
            Some(Point::Time(time)) => millis(time)?,
            _ => beginning(last.tomorrow().ok()?, zone)?,
        };
        let since = match since {
            None => beginning(back(last, DEFAULT_DAYS)?, zone)?,
            Some(Point::Day(day)) => beginning(day, zone)?,
            Some(Point::Time(time)) => millis(time)?,
            Some(Point::Days(days)) => beginning(back(last, days)?, zone)?,
        };
        Some(Self { since: Some(since), until: Some(until) })
    }
}

/// The first of so many days.
fn back(last: Date, days: u16) -> Option<Date> {
    last.checked_sub((i64::from(days) - 1).days()).ok()
}

fn beginning(day: Date, zone: &TimeZone) -> Option<UnixMillis> {
    millis(day.to_zoned(zone.clone()).ok()?.start_of_day().ok()?.timestamp())
}

/// A time before 1970 is as early as 1970.
fn millis(time: Timestamp) -> Option<UnixMillis> {
    u64::try_from(time.as_millisecond().max(0)).ok().map(UnixMillis)
}

fn zoned(time: UnixMillis, zone: &TimeZone) -> Option<Zoned> {
    Some(Timestamp::from_millisecond(i64::try_from(time.0).ok()?).ok()?.to_zoned(zone.clone()))
}

/// `2026-11-28`
pub(super) fn day(time: UnixMillis, zone: &TimeZone) -> String {
    zoned(time, zone).map(|time| time.date().to_string()).unwrap_or_default()
}

/// `2026-11-28T00:00:00+01:00`
pub(super) fn moment(time: UnixMillis, zone: &TimeZone) -> Option<String> {
    Some(zoned(time, zone)?.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string())
}

/// The time zone's name; its distance from UTC if it has none.
pub(super) fn zone_name(zone: &TimeZone) -> String {
    let offset = || zone.to_offset(Timestamp::now()).to_string();
    zone.iana_name().map_or_else(offset, ToOwned::to_owned)
}

/// `31 October to 29 November 2026 (Europe/Berlin)`: the days that a period has.
pub(super) fn words(since: UnixMillis, until: UnixMillis, zone: &TimeZone) -> String {
    let name = zone_name(zone);
    let last = UnixMillis(until.0.saturating_sub(1).max(since.0));
    let (Some(first), Some(last)) = (zoned(since, zone), zoned(last, zone)) else { return name };
    let (first, last) = (first.date(), last.date());
    let days = if first == last {
        first.strftime("%A, %-d %B %Y").to_string()
    } else if first.year() == last.year() {
        format!("{} to {}", first.strftime("%-d %B"), last.strftime("%-d %B %Y"))
    } else {
        format!("{} to {}", first.strftime("%-d %B %Y"), last.strftime("%-d %B %Y"))
    };
    format!("{days} ({name})")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone() -> TimeZone {
        TimeZone::get("Europe/Berlin").unwrap()
    }

    /// A period as its first moment, and the first one behind it.
    fn period(since: Option<&str>, until: Option<&str>) -> (String, String) {
        let parse = |text: &str| point(text).unwrap();
        let today = "2026-11-05".parse().unwrap();
        let period = Period::from(today, since.map(parse), until.map(parse), &zone()).unwrap();
        let text = |time: Option<UnixMillis>| moment(time.unwrap(), &zone()).unwrap();
        (text(period.since), text(period.until))
    }

    #[test]
    fn a_day_is_one_of_the_time_zone() {
        let texts = |since: &str, until: &str| (since.to_owned(), until.to_owned());
        // Summer time ends on 25 October.
        assert_eq!(period(None, None), texts("2026-10-07T00:00:00+02:00", "2026-11-06T00:00:00+01:00"));
        let day = texts("2026-10-25T00:00:00+02:00", "2026-10-26T00:00:00+01:00");
        assert_eq!(period(Some("2026-10-25"), Some("2026-10-25")), day);
        assert_eq!(period(Some("1w"), None), texts("2026-10-30T00:00:00+01:00", "2026-11-06T00:00:00+01:00"));
        assert_eq!(
            period(Some("2026-11-01T08:00:00Z"), Some("2026-11-01T08:00:01Z")),
            texts("2026-11-01T09:00:00+01:00", "2026-11-01T09:00:01+01:00")
        );
    }

    #[test]
    fn a_period_is_said_in_words() {
        let words = |since: &str, until: &str| {
            let Period { since, until } =
                Period::from("2026-11-05".parse().unwrap(), point(since).ok(), point(until).ok(), &zone()).unwrap();
            words(since.unwrap(), until.unwrap(), &zone())
        };
        assert_eq!(words("2026-11-01", "2026-11-05"), "1 November to 5 November 2026 (Europe/Berlin)");
        assert_eq!(words("2026-11-05", "2026-11-05"), "Thursday, 5 November 2026 (Europe/Berlin)");
        assert_eq!(words("2025-12-31", "2026-01-01"), "31 December 2025 to 1 January 2026 (Europe/Berlin)");
    }

    #[test]
    fn what_is_no_day_is_refused() {
        for text in ["", "yesterday", "2026-13-01", "0d", "9999w", "2026-11-28T08:00:00"] {
            assert_eq!(point(text), Err(FORMS.to_owned()), "{text}");
        }
    }
}
