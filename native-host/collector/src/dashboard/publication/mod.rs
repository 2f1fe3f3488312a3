//! What viewers see: sums over groups of enough persons, published week by week.
//!
//! A week is published once, a day after its end, and its numbers never change: what comes later would be the difference
//! between two looks at it. See [`partition`] for which sums there are.

mod partition;
mod sums;
mod week;

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::OptionalExtension;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use turnledger_archive::report::{By, Number, Part as About, Query, Subject};
use turnledger_archive::{Archive, OriginId};
use turnledger_core::UnixMillis;

use self::partition::{Class, DIMENSIONS, Label, Part, classes};
use self::sums::Sums;
pub(super) use self::sums::is_published;
pub(super) use self::week::Week;
use crate::accounts::{Accounts, AccountsError};
use crate::collector::CollectorError;

/// The numbers of a week that may be seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Publication {
    /// The fewest persons that a class has.
    smallest: usize,
    turns: Vec<Class>,
    calls: Vec<Class>,
    others: Vec<Class>,
}

/// What a class is asked for: `None` is everything.
#[derive(Clone, Debug, Default)]
pub(super) struct Wanted {
    pub(super) teams: Option<Vec<Option<String>>>,
    pub(super) models: Option<Vec<String>>,
    pub(super) clients: Option<Vec<String>>,
    pub(super) repositories: Option<Vec<String>>,
}

const TEAM: usize = 0;
const ABOUT: usize = 1;
const CLIENT: usize = 2;
const REPOSITORY: usize = 3;

/// What viewers see of some weeks.
#[derive(Debug, Default)]
pub(super) struct Published {
    total: Sums,
    rows: BTreeMap<Key, Sums>,
    by_week: Vec<(Week, Sums)>,
    models: BTreeMap<Key, Sums>,
    tool_kinds: BTreeMap<Key, Sums>,
    /// Weeks without a number: they are not over for long enough, or too few persons worked.
    withheld: Vec<Week>,
}

/// What a row is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    One(Option<String>),
    Rest,
}

impl Published {
    /// What is published of weeks, and publishes what is not yet.
    pub(super) fn read(
        archive: &Archive,
        accounts: &Accounts,
        (weeks, now): (&[Week], UnixMillis),
        (by, wanted): (Option<By>, &Wanted),
        smallest: usize,
    ) -> Result<Self, CollectorError> {
        let mut published = Self::default();
        for week in weeks {
            let of_week = if week.is_settled(now) { publication(archive, accounts, *week, smallest)? } else { None };
            // One of a time when smaller groups were shown says too much now.
            match of_week.filter(|of_week| of_week.smallest >= smallest && !of_week.is_empty()) {
                Some(of_week) => published.add(*week, &of_week, by, wanted),
                None => published.withheld.push(*week),
            }
        }
        Ok(published)
    }

    fn add(&mut self, week: Week, publication: &Publication, by: Option<By>, wanted: &Wanted) {
        let mut of_week = Sums::default();
        let parts = [
            (Subject::Turns, &publication.turns),
            (Subject::Calls, &publication.calls),
            (Subject::Others, &publication.others),
        ];
        for (subject, classes) in parts {
            for class in classes.iter().filter(|class| wanted.has(class, subject)) {
                let key = |dimension: usize| match &class.labels[dimension] {
                    Label::One(name) => Key::One(name.clone()),
                    Label::Several => Key::Rest,
                };
                let row = match by {
                    Some(By::Week) => Some(Key::One(Some(week.to_string()))),
                    Some(By::Team) => Some(key(TEAM)),
                    Some(By::Client) => Some(key(CLIENT)),
                    Some(By::Repository) => Some(key(REPOSITORY)),
                    Some(By::Model) if subject == Subject::Turns => Some(key(ABOUT)),
                    Some(By::ToolKind) if subject == Subject::Calls => Some(key(ABOUT)),
                    _ => None,
                };
                let own = match subject {
                    Subject::Turns => Some(&mut self.models),
                    Subject::Calls => Some(&mut self.tool_kinds),
                    _ => None,
                };
                for (rows, row) in [(Some(&mut self.rows), row), (own, Some(key(ABOUT)))] {
                    if let (Some(rows), Some(row)) = (rows, row) {
                        let sums = rows.entry(row).or_default();
                        *sums = std::mem::take(sums).plus(class.sums.clone());
                    }
                }
                of_week = of_week.plus(class.sums.clone());
            }
        }
        self.total = std::mem::take(&mut self.total).plus(of_week.clone());
        self.by_week.push((week, of_week));
    }

    /// The answer to a viewer.
    pub(super) fn answer(&self, by: Option<By>, smallest: u32) -> Map<String, Value> {
        let rows = |rows: &BTreeMap<Key, Sums>| rows.iter().map(|(key, sums)| row(key, sums)).collect::<Value>();
        let trend = self.by_week.iter().map(|(week, sums)| row(&Key::One(Some(week.to_string())), sums));
        let weeks = self.withheld.iter().map(ToString::to_string).collect::<Value>();
        let sentence = format!(
            "Numbers of fewer than {smallest} persons are not shown, nor those of weeks that ended less than a day ago; what \
             came after a week was published is in no number here."
        );
        let mut answer = Map::new();
        answer.insert("by".into(), by.map(By::id).into());
        answer.insert("total".into(), row(&Key::One(None), &self.total));
        answer.insert("rows".into(), rows(&self.rows));
        answer.insert("trend_by".into(), By::Week.id().into());
        answer.insert("trend".into(), trend.collect());
        answer.insert("models".into(), rows(&self.models));
        answer.insert("tool_kinds".into(), rows(&self.tool_kinds));
        answer.insert("withheld".into(), json!({ "smallest_group": smallest, "sentence": sentence, "weeks": weeks }));
        answer
    }

    /// The names that the classes of these weeks have: what a viewer can filter by.
    pub(super) fn choices(
        archive: &Archive,
        accounts: &Accounts,
        weeks: &[Week],
        now: UnixMillis,
        smallest: usize,
    ) -> Result<[Vec<String>; DIMENSIONS], CollectorError> {
        let mut choices: [BTreeSet<String>; DIMENSIONS] = Default::default();
        for week in weeks.iter().filter(|week| week.is_settled(now)) {
            let Some(publication) = publication(archive, accounts, *week, smallest)? else { continue };
            if publication.smallest < smallest {
                continue;
            }
            let of_calls = publication.calls.iter().map(|class| (class, false));
            for (class, has_model) in publication.turns.iter().map(|class| (class, true)).chain(of_calls) {
                for (dimension, label) in class.labels.iter().enumerate() {
                    if let Label::One(Some(name)) = label
                        && (dimension != ABOUT || has_model)
                    {
                        choices[dimension].insert(name.clone());
                    }
                }
            }
        }
        Ok(choices.map(|names| names.into_iter().collect()))
    }
}

impl Wanted {
    fn has(&self, class: &Class, subject: Subject) -> bool {
        let is = |wanted: &Option<Vec<String>>, dimension: usize| {
            wanted.as_ref().is_none_or(|wanted| match &class.labels[dimension] {
                Label::One(Some(name)) => wanted.contains(name),
                _ => false,
            })
        };
        let is_team = self.teams.as_ref().is_none_or(|teams| match &class.labels[TEAM] {
            Label::One(team) => teams.contains(team),
            Label::Several => false,
        });
        let is_model = if subject == Subject::Turns { is(&self.models, ABOUT) } else { self.models.is_none() };
        is_team && is_model && is(&self.clients, CLIENT) && is(&self.repositories, REPOSITORY)
    }
}

impl Publication {
    const fn is_empty(&self) -> bool {
        self.turns.is_empty() && self.calls.is_empty() && self.others.is_empty()
    }

    /// What may be seen of a week's events.
    fn of(archive: &Archive, week: Week, smallest: usize) -> Result<Option<Self>, CollectorError> {
        let Some((since, until)) = week.bounds() else { return Ok(None) };
        let origins: BTreeMap<OriginId, _> =
            archive.origins()?.into_iter().map(|origin| (origin.id, (origin.person, origin.team))).collect();
        let [mut turns, mut calls, mut others]: [Vec<Part>; 3] = Default::default();
        let query = Query::new(jiff::tz::TimeZone::UTC).since(since).until(until);
        for cell in archive.cells(&query)? {
            let (parts, about, subject) = match cell.part {
                About::Turns(model) => (&mut turns, model, Subject::Turns),
                About::Calls(kind) => (&mut calls, Some(kind), Subject::Calls),
                _ => (&mut others, None, Subject::Others),
            };
            let is_about = |number: Number| match number.subject() {
                Subject::Turns | Subject::Calls => number.subject() == subject,
                _ => subject == Subject::Others,
            };
            // What the collector's own machine brought is of one more person.
            let (person, team) = origins.get(&cell.origin).cloned().unwrap_or_default();
            let names = [team, about, cell.client, cell.repository];
            parts.push(Part { person, names, sums: Sums::of_row(&cell.row, is_about) });
        }
        let [turns, calls, others] = [turns, calls, others].map(|parts| classes(parts, smallest));
        Ok(Some(Self { smallest, turns, calls, others }))
    }
}

/// What is published of a week, and publishes it if it is not yet.
fn publication(
    archive: &Archive,
    accounts: &Accounts,
    week: Week,
    smallest: usize,
) -> Result<Option<Publication>, CollectorError> {
    let name = week.to_string();
    if let Some(text) = accounts.publication(&name)? {
        return Ok(serde_json::from_str(&text).ok());
    }
    let Some(publication) = Publication::of(archive, week, smallest)? else { return Ok(None) };
    if publication.is_empty() {
        // Nothing was shown: it may still be, when more persons' events have come.
        return Ok(None);
    }
    // Texts and numbers are always JSON.
    let text = serde_json::to_string(&publication).unwrap_or_default();
    // Another request may have been first: what that one published holds.
    let text = accounts.publish(&name, &text)?;
    Ok(serde_json::from_str(&text).ok())
}

fn row(key: &Key, sums: &Sums) -> Value {
    let (mut numbers, mut gaps) = (Map::new(), Map::new());
    // Without a class nothing is known.
    for number in Number::ALL.iter().filter(|number| is_published(**number)) {
        numbers.insert(number.id().to_owned(), Value::Null);
    }
    for (id, sum) in sums.iter() {
        numbers.insert(id.to_owned(), sum.value().into());
        if let Some(gap) = sum.gap() {
            let (unknown, of) = gap.unzip();
            gaps.insert(id.to_owned(), json!({ "unknown": unknown, "of": of }));
        }
    }
    let mut row = json!({ "key": null, "first_at": null, "last_at": null, "numbers": numbers, "gaps": gaps });
    match key {
        Key::One(name) => row["key"] = name.as_deref().into(),
        Key::Rest => row["is_rest"] = true.into(),
    }
    row
}

impl Accounts {
    fn publication(&self, week: &str) -> Result<Option<String>, AccountsError> {
        self.with(|connection| {
            let sql = "SELECT body FROM publications WHERE week = ?1";
            connection.prepare_cached(sql)?.query_row([week], |row| row.get(0)).optional()
        })
    }

    /// Publishes a week, and returns what is published of it.
    fn publish(&self, week: &str, body: &str) -> Result<String, AccountsError> {
        self.with(|connection| {
            let sql = "INSERT INTO publications (week, body) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
            connection.execute(sql, [week, body])?;
            connection.query_row("SELECT body FROM publications WHERE week = ?1", [week], |row| row.get(0))
        })
    }
}
