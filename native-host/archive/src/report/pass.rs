//! One pass over the events.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::types::ValueRef;
use rusqlite::{Row as SqlRow, params_from_iter};
use turnledger_core::UnixMillis;
use turnledger_core::event::EVENT_TYPES;

use super::groups::Groups;
use super::tally::{Kind, Seen, Tally};
use super::threads::{Threads, Wanted};
use super::{By, Missing, Number, Query, Report, Row, span};
use crate::read::origins_sql;
use crate::{Archive, ArchiveError};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// A longer trend has weeks.
const LONGEST_DAYS: i64 = 92;

impl Archive {
    /// What the events add up to, as it was when this began. The memory that it takes grows with threads, rows and
    /// decisions about approvals, and not with events.
    ///
    /// # Errors
    ///
    /// What SQLite says.
    pub fn report(&self, query: &Query) -> Result<Report, ArchiveError> {
        self.read_report(query).map_err(|error| self.sqlite(error))
    }

    fn read_report(&self, query: &Query) -> rusqlite::Result<Report> {
        // All statements see the same events.
        let transaction = self.connection.unchecked_transaction()?;
        let (threads, wanted) = Threads::read(&self.connection, query)?;
        let (wanted_sql, values) = period(query);
        let bounds: (Option<i64>, Option<i64>) = self.connection.query_row(
            // Each by itself is one step of the index.
            &format!(
                "SELECT (SELECT min(at_ms) FROM events WHERE {wanted_sql}),
                        (SELECT max(at_ms) FROM events WHERE {wanted_sql})"
            ),
            params_from_iter(values.iter().chain(&values)),
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        let has_period = query.since.is_some() || query.until.is_some();
        let events_without_time = if has_period {
            let of_origins = query.origins.as_deref().map_or_else(|| String::from("1"), origins_sql);
            let sql = format!("SELECT count(*) FROM events WHERE at_ms IS NULL AND {of_origins}");
            self.connection.query_row(&sql, [], |row| crate::read::count(row, 0))?
        } else {
            0
        };
        let (from, to) = trend_period(query, bounds);
        let trend_by =
            if from.zip(to).is_some_and(|(from, to)| (to - from) / DAY_MS > LONGEST_DAYS) { By::Week } else { By::Day };
        let mut adding = Adding {
            query,
            threads: &threads,
            wanted,
            events: 0,
            later: 0,
            total: Tally::default(),
            trend: Groups::new(trend_by, &query.time_zone),
            models: Groups::new(By::Model, &query.time_zone),
            tool_kinds: Groups::new(By::ToolKind, &query.time_zone),
            // The others are there anyway.
            rows: query.by.map(|by| Groups::new(by, &query.time_zone)),
            unpriced: BTreeMap::new(),
            tiered: BTreeSet::new(),
        };
        let all = !has_period || self.is_large_part(&wanted_sql, &values)?;
        // The file from front to back is faster than a jump for each event.
        let indexed = if all { "NOT INDEXED" } else { "" };
        let sql = format!("SELECT {COLUMNS} FROM events {indexed} WHERE {wanted_sql}");
        let mut statement = self.connection.prepare(&sql)?;
        let mut rows = statement.query(params_from_iter(&values))?;
        while let Some(row) = rows.next()? {
            adding.add(row)?;
        }
        drop(rows);
        drop(statement);
        transaction.finish()?;
        if let (Groups::Time(calendar), Some((from, to))) = (&mut adding.trend, from.zip(to)) {
            calendar.fill(from, to);
        }
        Ok(adding.report(trend_by, events_without_time))
    }

    /// Whether so much of the store is wanted that it is best read as a whole.
    fn is_large_part(&self, wanted: &str, values: &[i64]) -> rusqlite::Result<bool> {
        let sql = format!("SELECT count(*) FROM events WHERE {wanted}");
        let part: u64 = self.connection.query_row(&sql, params_from_iter(values), |row| crate::read::count(row, 0))?;
        let sql = "SELECT coalesce(max(id), 0) FROM events";
        let all = self.connection.query_row(sql, [], |row| crate::read::count(row, 0))?;
        Ok(part > all / 8)
    }
}

fn millis(time: UnixMillis) -> i64 {
    i64::try_from(time.0).unwrap_or(i64::MAX)
}

/// What is asked of an event's time and of who brought it, as SQL.
pub(super) fn period(query: &Query) -> (String, Vec<i64>) {
    let bounds = [("at_ms >= ?", query.since), ("at_ms < ?", query.until)];
    let bounds = bounds.iter().filter_map(|(sql, time)| Some(((*sql).to_owned(), millis((*time)?))));
    let (mut sqls, values): (Vec<String>, Vec<i64>) = bounds.unzip();
    sqls.extend(query.origins.as_deref().map(origins_sql));
    if sqls.is_empty() {
        sqls.push("1".into());
    }
    (sqls.join(" AND "), values)
}

/// From when to when the trend goes: as was asked for, if that is short, else from the first event to the last one.
fn trend_period(query: &Query, (first, last): (Option<i64>, Option<i64>)) -> (Option<i64>, Option<i64>) {
    let asked = query.since.zip(query.until).map(|(since, until)| (millis(since), millis(until) - 1));
    match asked.filter(|(since, until)| (until - since) / DAY_MS <= LONGEST_DAYS) {
        Some((since, until)) => (Some(since), Some(until)),
        None => (first, last),
    }
}

/// What [`seen`] reads of a row of `events`.
pub(super) const COLUMNS: &str = "type, at_ms, thread, status, duration_ms, name, client, model, input_tokens,
    cached_input_tokens, output_tokens, reasoning_output_tokens, added_lines, deleted_lines, reviewer, source IS NULL,
    origin";

/// What a rollout writes if nobody said it.
const UNKNOWN: &str = "unknown";

/// An event's row, without its cost.
pub(super) fn seen<'r>(row: &'r SqlRow<'_>, threads: &Threads) -> rusqlite::Result<Seen<'r>> {
    let number = |column| -> rusqlite::Result<Option<u64>> {
        Ok(row.get_ref(column)?.as_i64_or_null()?.and_then(|number| u64::try_from(number).ok()))
    };
    let text = |column| -> rusqlite::Result<Option<&str>> { Ok(row.get_ref(column)?.as_str_or_null()?) };
    let event_type = text(0)?.unwrap_or_default();
    let kind = Kind::of(event_type);
    let thread = row.get_ref(2)?.as_i64_or_null()?;
    let mut seen = Seen {
        kind,
        event_type,
        at_ms: row.get_ref(1)?.as_i64_or_null()?,
        thread,
        root: thread.map(|thread| threads.root(thread)),
        origin: row.get(16)?,
        is_told: row.get_ref(15)? != ValueRef::Integer(0),
        model: None,
        client: text(6)?.filter(|client| !["", UNKNOWN].contains(client)),
        name: text(5)?,
        status: text(3)?,
        duration_ms: number(4)?,
        tokens: [None; 4],
        added_lines: None,
        deleted_lines: None,
        reviewer: None,
        cost: None,
    };
    match kind {
        Kind::Turn | Kind::GuardianReview => {
            seen.model = text(7)?;
            seen.tokens = [number(8)?, number(9)?, number(10)?, number(11)?];
        }
        Kind::Lines => (seen.added_lines, seen.deleted_lines) = (number(12)?, number(13)?),
        Kind::Review => seen.reviewer = text(14)?,
        _ => {}
    }
    Ok(seen)
}

/// A report, while events are added to it.
struct Adding<'a> {
    query: &'a Query,
    threads: &'a Threads,
    wanted: Wanted,
    events: u64,
    /// Those of types that this version does not know.
    later: u64,
    total: Tally,
    trend: Groups,
    models: Groups,
    tool_kinds: Groups,
    rows: Option<Groups>,
    /// Turns with tokens of models without a price.
    unpriced: BTreeMap<String, u64>,
    tiered: BTreeSet<String>,
}

impl Adding<'_> {
    fn add(&mut self, row: &SqlRow<'_>) -> rusqlite::Result<()> {
        let mut seen = seen(row, self.threads)?;
        if !self.wanted.has(seen.root) {
            return Ok(());
        }
        if seen.kind == Kind::Turn {
            seen.cost = self.cost(&seen);
        }
        self.events += 1;
        self.later += u64::from(seen.kind == Kind::Other && !EVENT_TYPES.contains(&seen.event_type));
        self.total.add(&seen);
        for groups in [&mut self.trend, &mut self.models, &mut self.tool_kinds].into_iter().chain(&mut self.rows) {
            groups.add(&seen, self.threads);
        }
        Ok(())
    }

    fn cost(&mut self, seen: &Seen<'_>) -> Option<u128> {
        let prices = self.query.prices.as_ref()?;
        let model = seen.model?;
        let cost = prices.cost(model, seen.tokens);
        if seen.tokens[0].is_some() && !prices.knows(model) {
            match self.unpriced.get_mut(model) {
                Some(turns) => *turns += 1,
                None => _ = self.unpriced.insert(model.to_owned(), 1),
            }
        } else if prices.has_tiers(model) && !self.tiered.contains(model) {
            self.tiered.insert(model.to_owned());
        }
        cost
    }

    fn report(self, trend_by: By, events_without_time: u64) -> Report {
        let has_prices = self.query.prices.is_some();
        let rows = |by: By, groups: Groups| {
            let rows = groups.rows(self.threads).into_iter();
            let mut rows: Vec<Row> = rows.map(|(key, tally)| Row::new(key, tally, has_prices)).collect();
            let number = if by.has(Number::Turns) { Number::Turns } else { Number::Calls };
            if !by.is_time() {
                rows.sort_by(|a, b| b.whole(number).cmp(&a.whole(number)).then_with(|| a.key.cmp(&b.key)));
            }
            rows
        };
        let begun = &self.threads.begun;
        let missing = Missing {
            events_without_time,
            events_of_later_versions: self.later,
            sessions_without_beginning: self.total.sessions().filter(|root| !begun.contains(root)).count() as u64,
            models_without_price: self.unpriced.into_iter().collect(),
            models_with_tiers: self.tiered.into_iter().collect(),
        };
        Report {
            query: self.query.clone(),
            span: self.total.span().and_then(span),
            events: self.events,
            trend: rows(trend_by, self.trend),
            trend_by,
            models: rows(By::Model, self.models),
            tool_kinds: rows(By::ToolKind, self.tool_kinds),
            rows: self.query.by.zip(self.rows).map(|(by, groups)| rows(by, groups)).unwrap_or_default(),
            total: Row::new(None, self.total, has_prices),
            missing,
        }
    }
}
