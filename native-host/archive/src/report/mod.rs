//! What a store's events add up to: the numbers of a person's own work.
//!
//! [`Number`] has one entry for each number, with its definition; a [`Report`] has their values, and beside each of them
//! what it leaves out.

mod calendar;
mod cells;
mod groups;
mod maps;
mod numbers;
mod pass;
mod prices;
mod sessions;
mod tally;
mod threads;

use jiff::tz::TimeZone;
use turnledger_core::UnixMillis;

use crate::origin::OriginId;

pub use cells::{Cell, Part};
pub use numbers::{Amount, Gap, Number, Subject, Unit};
pub use prices::{Prices, PricesError};
pub use sessions::{Choices, Place, Session, Sessions};

use self::tally::Tally;

/// What the rows of a report are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum By {
    /// A day of the time zone.
    Day,
    /// A week of the time zone, from Monday on; its name is that of ISO 8601.
    Week,
    /// The model that turns were set to.
    Model,
    /// The repository whose lines were accepted: the hash of its remote's canonical address.
    Repository,
    /// The client: what the events say, or, for those that say none, what the other events of their thread say.
    Client,
    /// A thread with the threads that its agents started: a session.
    Thread,
    /// The tool that was called.
    Tool,
    /// The kind of tool: the type of its calls' events.
    ToolKind,
    /// The team of who brought the events.
    Team,
    /// Who brought the events.
    Person,
}

impl By {
    /// The name of the column in JSON and CSV.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Model => "model",
            Self::Repository => "repository",
            Self::Client => "client",
            Self::Thread => "thread",
            Self::Tool => "tool",
            Self::ToolKind => "tool_kind",
            Self::Team => "team",
            Self::Person => "person",
        }
    }

    /// Whether its rows have a number: those by model have what turns say, those by tool what calls say.
    pub fn has(self, number: Number) -> bool {
        match self {
            Self::Model => matches!(number.subject(), Subject::Sessions | Subject::Turns),
            Self::Tool | Self::ToolKind => matches!(number.subject(), Subject::Sessions | Subject::Calls),
            _ => true,
        }
    }

    /// Whether its rows are in the order of time.
    pub const fn is_time(self) -> bool {
        matches!(self, Self::Day | Self::Week)
    }
}

/// What a report is asked for.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Query {
    /// Only what ended or happened then or later.
    pub since: Option<UnixMillis>,
    /// Only what ended or happened before.
    pub until: Option<UnixMillis>,
    /// What [`Report::rows`] are about; none without.
    pub by: Option<By>,
    /// Whose days and weeks it has.
    pub time_zone: TimeZone,
    /// Only the session that this thread belongs to.
    pub thread: Option<String>,
    /// Only sessions of which a thread has accepted lines in a repository with one of these hashes.
    pub repositories: Option<Vec<String>>,
    /// Only sessions of which a turn was set to one of these models.
    pub models: Option<Vec<String>>,
    /// Only sessions of which an event names one of these clients.
    pub clients: Option<Vec<String>>,
    /// Only what one of these origins brought.
    pub origins: Option<Vec<OriginId>>,
    /// What tokens cost.
    pub prices: Option<Prices>,
}

impl Query {
    /// Everything, with days of this time zone.
    pub const fn new(time_zone: TimeZone) -> Self {
        Self {
            since: None,
            until: None,
            by: None,
            time_zone,
            thread: None,
            repositories: None,
            models: None,
            clients: None,
            origins: None,
            prices: None,
        }
    }

    /// Only what ended or happened then or later.
    #[must_use]
    pub fn since(mut self, since: impl Into<Option<UnixMillis>>) -> Self {
        self.since = since.into();
        self
    }

    /// Only what ended or happened before.
    #[must_use]
    pub fn until(mut self, until: impl Into<Option<UnixMillis>>) -> Self {
        self.until = until.into();
        self
    }

    /// What the rows are about.
    #[must_use]
    pub fn by(mut self, by: impl Into<Option<By>>) -> Self {
        self.by = by.into();
        self
    }

    /// Only the session that this thread belongs to.
    #[must_use]
    pub fn thread(mut self, thread: impl Into<Option<String>>) -> Self {
        self.thread = thread.into();
        self
    }

    /// Only sessions of which a thread has accepted lines in a repository with one of these hashes.
    #[must_use]
    pub fn repositories(mut self, hashes: impl Into<Option<Vec<String>>>) -> Self {
        self.repositories = hashes.into();
        self
    }

    /// Only sessions of which a turn was set to one of these models.
    #[must_use]
    pub fn models(mut self, models: impl Into<Option<Vec<String>>>) -> Self {
        self.models = models.into();
        self
    }

    /// Only sessions of which an event names one of these clients.
    #[must_use]
    pub fn clients(mut self, clients: impl Into<Option<Vec<String>>>) -> Self {
        self.clients = clients.into();
        self
    }

    /// Only what one of these origins brought.
    #[must_use]
    pub fn origins(mut self, origins: impl Into<Option<Vec<OriginId>>>) -> Self {
        self.origins = origins.into();
        self
    }

    /// What tokens cost.
    #[must_use]
    pub fn prices(mut self, prices: impl Into<Option<Prices>>) -> Self {
        self.prices = prices.into();
        self
    }
}

/// What events add up to.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Report {
    /// What was asked for.
    pub query: Query,
    /// The times of the first event and of the last one in the report. `None` without any with a time.
    pub span: Option<(UnixMillis, UnixMillis)>,
    /// Events in the report. A count.
    pub events: u64,
    /// All of them.
    pub total: Row,
    /// A row for each thing that was asked for, in the order of time, or with the most turns (of tools: calls) first.
    pub rows: Vec<Row>,
    /// A row for each model.
    pub models: Vec<Row>,
    /// A row for each kind of tool; the key is the type of its events.
    pub tool_kinds: Vec<Row>,
    /// What the rows of [`trend`](Self::trend) are: days, or weeks if it is more than about three months.
    pub trend_by: By,
    /// A row for each day or week from the first to the last one, also where nothing happened.
    pub trend: Vec<Row>,
    /// What the report leaves out.
    pub missing: Missing,
}

/// What is in no number of a report, or in fewer than it should be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Missing {
    /// Events of the store that no period has, since nothing says when they were. A count; 0 without a period.
    pub events_without_time: u64,
    /// Events of types that only a later version knows: no number has them. A count.
    pub events_of_later_versions: u64,
    /// Sessions of the report whose first thread has no event of its beginning: it is not known who started them, nor
    /// whether they belong to others. A count.
    pub sessions_without_beginning: u64,
    /// Models with tokens that have no price, with their turns; empty without prices.
    pub models_without_price: Vec<(String, u64)>,
    /// Models whose large requests cost more than the cost says, in the order of their names.
    pub models_with_tiers: Vec<String>,
}

/// Numbers of a thing.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Row {
    /// The thing; `None` if the events do not say it.
    pub key: Option<String>,
    /// The times of its first event and of its last one. `None` without any with a time.
    pub span: Option<(UnixMillis, UnixMillis)>,
    /// In the order of [`Number::ALL`].
    values: Vec<(Option<Amount>, Option<Gap>)>,
}

impl Row {
    fn new(key: Option<String>, mut tally: Tally, has_prices: bool) -> Self {
        tally.sort();
        let value = |number: &Number| (tally.amount(*number, has_prices), tally.gap(*number, has_prices));
        Self { key, span: tally.span().and_then(span), values: Number::ALL.iter().map(value).collect() }
    }

    /// A number; `None` if it is unknown.
    pub fn get(&self, number: Number) -> Option<Amount> {
        self.values.get(number as usize)?.0
    }

    /// A number of things, tokens, lines or milliseconds; `None` if it is unknown, and for a share and for dollars.
    pub fn whole(&self, number: Number) -> Option<u64> {
        self.get(number)?.whole()
    }

    /// What a number leaves out; `None` if it is complete.
    pub fn gap(&self, number: Number) -> Option<Gap> {
        self.values.get(number as usize)?.1
    }
}

/// The name of a kind of tool for people, in the plural; the type itself if this version has no name for it.
pub fn tool_kind_label(event_type: &str) -> &str {
    match event_type {
        "codex_command_execution_event" => "commands",
        "codex_file_change_event" => "patches",
        "codex_mcp_tool_call_event" => "MCP tools",
        "codex_dynamic_tool_call_event" => "clients' tools",
        "codex_collab_agent_tool_call_event" => "agents",
        "codex_web_search_event" => "web searches",
        "codex_image_generation_event" => "images",
        "codex_control_tool_call_event" => "control tools",
        other => other,
    }
}

fn span((first, last): (i64, i64)) -> Option<(UnixMillis, UnixMillis)> {
    let time = |at| u64::try_from(at).ok().map(UnixMillis);
    Some((time(first)?, time(last)?))
}
