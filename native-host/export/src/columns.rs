//! The columns: one table for Parquet files, Arrow batches, their page and who asks.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use turnledger_core::{Columns, UnixMillis};

/// An event that is to be a row.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Row<'a> {
    /// The event, as [`Event::to_json`](turnledger_core::Event::to_json) writes it.
    pub event: &'a str,
    /// When it ended or happened. `None` takes what the event says.
    pub at: Option<UnixMillis>,
    /// When a host got what it came of: its time if neither `at` nor the event says one. `None` if nobody knows.
    pub received_at: Option<UnixMillis>,
    /// The thread whose session it belongs to. `None` if it is not known.
    pub session_id: Option<&'a str>,
    /// The repository of its thread. `None` if it is not known.
    pub repo_hash: Option<&'a str>,
    /// Who brought it. `None` for this machine's own.
    pub person: Option<&'a str>,
    /// The person's team. `None` without one.
    pub team: Option<&'a str>,
}

impl<'a> Row<'a> {
    /// An event of which nothing is known but what it says.
    pub const fn new(event: &'a str) -> Self {
        Self { event, at: None, received_at: None, session_id: None, repo_hash: None, person: None, team: None }
    }

    /// When it ended or happened.
    #[must_use]
    pub fn at(mut self, at: impl Into<Option<UnixMillis>>) -> Self {
        self.at = at.into();
        self
    }

    /// When a host got what it came of.
    #[must_use]
    pub fn received_at(mut self, at: impl Into<Option<UnixMillis>>) -> Self {
        self.received_at = at.into();
        self
    }

    /// The thread whose session it belongs to.
    #[must_use]
    pub fn session_id(mut self, thread: impl Into<Option<&'a str>>) -> Self {
        self.session_id = thread.into();
        self
    }

    /// The repository of its thread.
    #[must_use]
    pub fn repo_hash(mut self, hash: impl Into<Option<&'a str>>) -> Self {
        self.repo_hash = hash.into();
        self
    }

    /// Who brought it.
    #[must_use]
    pub fn person(mut self, person: impl Into<Option<&'a str>>) -> Self {
        self.person = person.into();
        self
    }

    /// The person's team.
    #[must_use]
    pub fn team(mut self, team: impl Into<Option<&'a str>>) -> Self {
        self.team = team.into();
        self
    }
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// A text in UTF-8.
    Text,
    /// A whole number of 64 bits.
    Whole,
    /// A moment in UTC, in milliseconds.
    Time,
}

/// A column.
#[derive(Debug)]
#[non_exhaustive]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// What it means, as `docs/parquet.md` says it.
    pub doc: &'static str,
    cell: for<'a> fn(&'a Seen<'_>) -> Option<Cell<'a>>,
}

/// What a row has in a column.
pub(crate) enum Cell<'a> {
    Text(&'a str),
    Whole(i64),
}

/// An event's row, read.
pub(crate) struct Seen<'a> {
    event_type: Cow<'a, str>,
    at_ms: Option<i64>,
    row: Row<'a>,
    skill_id: Option<Cow<'a, str>>,
    columns: Columns,
    event_params: &'a str,
}

/// An event's members as they stand in its text.
#[derive(Deserialize)]
struct Members<'a> {
    #[serde(borrow)]
    event_type: Cow<'a, str>,
    #[serde(borrow, default)]
    skill_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    event_params: &'a RawValue,
}

/// The end of the year 9999, which is as far as the days of other tools go.
const LAST_MS: i64 = 253_402_300_799_999;

impl<'a> Seen<'a> {
    pub(crate) fn of(row: &Row<'a>) -> serde_json::Result<Self> {
        let Members { event_type, skill_id, event_params } = serde_json::from_str(row.event)?;
        let json: Value = serde_json::from_str(row.event)?;
        let columns = Columns::of(&json);
        let whole = |at: Option<UnixMillis>| i64::try_from(at?.0).ok();
        Ok(Self {
            event_type,
            at_ms: whole(row.at).or(columns.at_ms).or(whole(row.received_at)).filter(|at| (0..=LAST_MS).contains(at)),
            row: *row,
            skill_id,
            columns,
            event_params: event_params.get(),
        })
    }

    #[cfg(feature = "parquet")]
    pub(crate) const fn at_ms(&self) -> Option<i64> {
        self.at_ms
    }

    /// Bytes that the row takes until it is written, roughly.
    pub(crate) fn size(&self) -> usize {
        self.event_params.len() + 64 * COLUMNS.len()
    }
}

macro_rules! columns {
    ($($name:ident: $kind:ident, |$seen:ident| $cell:expr, $doc:literal;)+) => {
        /// All columns, in their order. `type` and `event_params` are never null.
        pub const COLUMNS: &[Column] = &[$(Column {
            name: stringify!($name),
            kind: Kind::$kind,
            doc: $doc,
            cell: |$seen| $cell,
        }),+];
    };
}

/// A text of a row.
fn text(value: Option<&str>) -> Option<Cell<'_>> {
    value.map(Cell::Text)
}

/// A number of a row.
fn whole<'a>(value: Option<i64>) -> Option<Cell<'a>> {
    value.map(Cell::Whole)
}

columns! {
    type: Text, |seen| Some(Cell::Text(&seen.event_type)), "`event_type`";
    time: Time, |seen| whole(seen.at_ms),
        "when it ended or happened: the event's own time, else when the host got it. Null if nobody says";
    thread_id: Text, |seen| text(seen.columns.thread_id.as_deref()), "the thread that it is about";
    session_id: Text, |seen| text(seen.row.session_id),
        "the thread whose session it belongs to, by all that the store knows";
    turn_id: Text, |seen| text(seen.columns.turn_id.as_deref()), "the turn; of a steer the one it was meant for";
    item_id: Text, |seen| text(seen.columns.item_id.as_deref()), "the item";
    review_id: Text, |seen| text(seen.columns.review_id.as_deref()), "the review";
    model: Text, |seen| text(seen.columns.model.as_deref()), "`model` or `model_slug`";
    client: Text, |seen| text(seen.columns.client.as_deref()), "`product_client_id`";
    name: Text, |seen| text(seen.columns.name.as_deref()),
        "the tool, hook, skill, app, plugin, measurement or operation; of a review what was reviewed, of a compaction \
         its trigger, of a thread how it began, of a goal or an archive what happened, of a refused steer why";
    status: Text, |seen| text(seen.columns.status.as_deref()),
        "how it ended: `status`, `terminal_status`, `result`, `goal_status`, `decision` or `outcome`";
    duration_ms: Whole, |seen| whole(seen.columns.duration_ms),
        "how long it took, in milliseconds; of a review the wait for it";
    input_tokens: Whole, |seen| whole(seen.columns.input_tokens), "what the model read, with what was cached";
    cached_input_tokens: Whole, |seen| whole(seen.columns.cached_input_tokens), "the part of the input that was cached";
    output_tokens: Whole, |seen| whole(seen.columns.output_tokens), "what the model wrote, with its reasoning";
    reasoning_output_tokens: Whole, |seen| whole(seen.columns.reasoning_output_tokens),
        "the part of the output that is reasoning";
    added_lines: Whole, |seen| whole(seen.columns.added_lines), "accepted lines";
    deleted_lines: Whole, |seen| whole(seen.columns.deleted_lines), "lines that the turn's diff deletes";
    reviewer: Text, |seen| text(seen.columns.reviewer.as_deref()), "`user` or `guardian`";
    source: Text, |seen| seen.columns.is_read.then_some(Cell::Text("rollout")), "`rollout` if only a file told it";
    repo_hash: Text, |seen| text(seen.row.repo_hash), "the thread's repository, from its accepted lines";
    person: Text, |seen| text(seen.row.person), "who brought it to a collector; null for this machine's own";
    team: Text, |seen| text(seen.row.team), "the person's team";
    skill_id: Text, |seen| text(seen.skill_id.as_deref()), "of a skill, its `skill_id`";
    event_params: Text, |seen| Some(Cell::Text(seen.event_params)), "all that the event says, as JSON";
}

impl Column {
    /// Whether every row has a value.
    pub fn is_required(&self) -> bool {
        matches!(self.name, "type" | "event_params")
    }

    pub(crate) fn cell<'a>(&self, seen: &'a Seen<'_>) -> Option<Cell<'a>> {
        (self.cell)(seen)
    }
}
