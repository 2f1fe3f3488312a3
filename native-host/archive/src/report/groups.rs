//! The rows of a report, while events are added to them.

use jiff::tz::TimeZone;

use super::By;
use super::calendar::{Calendar, Step};
use super::maps::Map;
use super::tally::{Kind, Seen, Tally};
use super::threads::Threads;

/// A tally for each thing.
#[derive(Debug)]
pub(super) enum Groups {
    Time(Calendar),
    /// By a text of the events that tell it.
    Text(By, Texts),
    Client(Clients),
    /// By the session's thread.
    Session(Map<Option<i64>, Tally>),
    /// By the session's repository.
    Repository(Texts),
    /// By the person or the team who brought it.
    Origin(By, Map<i64, Tally>),
}

impl Groups {
    pub(super) fn new(by: By, zone: &TimeZone) -> Self {
        match by {
            By::Day => Self::Time(Calendar::new(Step::Day, zone.clone())),
            By::Week => Self::Time(Calendar::new(Step::Week, zone.clone())),
            By::Model | By::Tool | By::ToolKind => Self::Text(by, Texts::default()),
            By::Client => Self::Client(Clients::default()),
            By::Thread => Self::Session(Map::default()),
            By::Repository => Self::Repository(Texts::default()),
            By::Team | By::Person => Self::Origin(by, Map::default()),
        }
    }

    pub(super) fn add(&mut self, seen: &Seen<'_>, threads: &Threads) {
        match self {
            Self::Time(calendar) => calendar.at(seen.at_ms).add(seen),
            Self::Text(by, texts) => {
                let text = match (by, seen.kind) {
                    (By::Model, Kind::Turn) => seen.model,
                    (By::Tool, Kind::Call) => seen.name,
                    (By::ToolKind, Kind::Call) => Some(seen.event_type),
                    _ => return,
                };
                texts.of(text).add(seen);
            }
            Self::Client(clients) => clients.of(seen).add(seen),
            Self::Session(sessions) => sessions.entry(seen.root).or_default().add(seen),
            Self::Origin(_, origins) => origins.entry(seen.origin).or_default().add(seen),
            Self::Repository(texts) => texts.of(seen.root.and_then(|root| threads.repository(root))).add(seen),
        }
    }

    pub(super) fn rows(self, threads: &Threads) -> Vec<(Option<String>, Tally)> {
        match self {
            Self::Time(calendar) => calendar.rows(),
            Self::Text(_, texts) | Self::Repository(texts) => texts.rows(),
            Self::Client(clients) => clients.texts().rows(),
            Self::Origin(by, origins) => {
                let mut texts = Texts::default();
                for (origin, tally) in origins {
                    let name = if by == By::Team { threads.team(origin) } else { threads.person(origin) };
                    texts.of(name).merge(tally);
                }
                texts.rows()
            }
            Self::Session(sessions) => {
                let name = |root| threads.name(root).map(ToOwned::to_owned);
                sessions.into_iter().map(|(root, tally)| (root.and_then(name), tally)).collect()
            }
        }
    }
}

/// A tally for each text, and one for what says none.
#[derive(Debug, Default)]
pub(super) struct Texts {
    known: Map<Box<str>, Tally>,
    unknown: Option<Tally>,
}

impl Texts {
    fn of(&mut self, text: Option<&str>) -> &mut Tally {
        match text {
            None => self.unknown.get_or_insert_default(),
            Some(text) => {
                if !self.known.contains_key(text) {
                    self.known.insert(text.into(), Tally::default());
                }
                // It is there now.
                self.known.get_mut(text).unwrap_or_else(|| self.unknown.get_or_insert_default())
            }
        }
    }

    fn rows(self) -> Vec<(Option<String>, Tally)> {
        let known = self.known.into_iter().map(|(text, tally)| (Some(text.into()), tally));
        known.chain(self.unknown.map(|tally| (None, tally))).collect()
    }
}

/// By the client. Hooks and accepted lines name none: they belong to the client of their thread.
#[derive(Debug, Default)]
pub(super) struct Clients {
    own: Texts,
    of_threads: Map<Option<i64>, (Option<Box<str>>, Tally)>,
}

impl Clients {
    fn of(&mut self, seen: &Seen<'_>) -> &mut Tally {
        let Some(client) = seen.client else { return &mut self.of_threads.entry(seen.thread).or_default().1 };
        // Of several clients of a thread the last one by name, whatever the order.
        let (known, _) = self.of_threads.entry(seen.thread).or_default();
        if seen.thread.is_some() && known.as_deref() < Some(client) {
            *known = Some(client.into());
        }
        self.own.of(Some(client))
    }

    fn texts(self) -> Texts {
        let mut texts = self.own;
        for (client, tally) in self.of_threads.into_values() {
            if !tally.is_empty() {
                texts.of(client.as_deref()).merge(tally);
            }
        }
        texts
    }
}
