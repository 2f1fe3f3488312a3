//! Days and weeks of a time zone.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::tally::Tally;

/// Days, or weeks, which begin on Monday.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Day,
    Week,
}

impl Step {
    /// The first day of the day or week that a moment is in.
    fn first_day(self, zone: &TimeZone, at_ms: i64) -> Option<Date> {
        let date = zone.to_datetime(Timestamp::from_millisecond(at_ms).ok()?).date();
        match self {
            Self::Day => Some(date),
            Self::Week => date.checked_sub(i64::from(date.weekday().to_monday_zero_offset()).days()).ok(),
        }
    }

    fn next(self, date: Date) -> Option<Date> {
        let days = match self {
            Self::Day => 1,
            Self::Week => 7,
        };
        date.checked_add(days.days()).ok()
    }

    /// `2026-11-28`, or `2026-W48`.
    fn name(self, date: Date) -> String {
        match self {
            Self::Day => date.to_string(),
            Self::Week => {
                let week = date.iso_week_date();
                format!("{:04}-W{:02}", week.year(), week.week())
            }
        }
    }
}

/// When a day begins in a time zone: the first moment that it has.
fn beginning(zone: &TimeZone, date: Date) -> Option<i64> {
    Some(date.to_zoned(zone.clone()).ok()?.start_of_day().ok()?.timestamp().as_millisecond())
}

/// A tally for each day or week.
#[derive(Debug)]
pub(super) struct Calendar {
    step: Step,
    zone: TimeZone,
    /// By the moment at which it begins: the moment of the next one, its first day, and its tally.
    buckets: BTreeMap<i64, (i64, Date, Tally)>,
    without_time: Tally,
}

/// Over a longer time, only the days or weeks are told of which anything is known: twenty years.
const LONGEST_MS: i64 = 20 * 366 * 24 * 60 * 60 * 1000;

impl Calendar {
    pub(super) fn new(step: Step, zone: TimeZone) -> Self {
        Self { step, zone, buckets: BTreeMap::new(), without_time: Tally::default() }
    }

    /// The tally of the day or week that a moment is in.
    pub(super) fn at(&mut self, at_ms: Option<i64>) -> &mut Tally {
        let Some((at, start)) = at_ms.and_then(|at| Some((at, self.known(at).or_else(|| self.make(at))?))) else {
            return &mut self.without_time;
        };
        debug_assert!(start <= at, "a moment is in its day");
        match self.buckets.get_mut(&start) {
            Some((_, _, tally)) => tally,
            None => &mut self.without_time,
        }
    }

    fn known(&self, at: i64) -> Option<i64> {
        let (start, (end, ..)) = self.buckets.range(..=at).next_back()?;
        (at < *end).then_some(*start)
    }

    fn make(&mut self, at: i64) -> Option<i64> {
        let date = self.step.first_day(&self.zone, at)?;
        let start = beginning(&self.zone, date)?;
        let end = beginning(&self.zone, self.step.next(date)?)?;
        self.buckets.entry(start).or_insert_with(|| (end, date, Tally::default()));
        Some(start)
    }

    /// Makes those from one moment to another of which nothing is known, if they are few: a wrong time may be far away.
    pub(super) fn fill(&mut self, from: i64, to: i64) {
        if to.saturating_sub(from) > LONGEST_MS {
            return;
        }
        let mut at = from;
        while at <= to {
            let Some(start) = self.known(at).or_else(|| self.make(at)) else { break };
            let Some((end, ..)) = self.buckets.get(&start) else { break };
            at = *end;
        }
    }

    /// Each with its name, in the order of time; what has no time is last.
    pub(super) fn rows(self) -> Vec<(Option<String>, Tally)> {
        let step = self.step;
        let rows = self.buckets.into_values().map(|(_, date, tally)| (Some(step.name(date)), tally));
        rows.chain((!self.without_time.is_empty()).then_some((None, self.without_time))).collect()
    }
}
