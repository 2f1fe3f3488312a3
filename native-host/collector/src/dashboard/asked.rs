//! What is asked for: a period, filters, and what the rows are about.

use std::collections::BTreeMap;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use turnledger_archive::report::{By, Query};
use turnledger_archive::{Archive, ArchiveError, OriginId};
use turnledger_core::UnixMillis;

use super::access::Sees;
use super::answer::bad;
use super::publication::Week;
use crate::Collector;
use crate::accounts::{Pseudonyms, Role, User};
use crate::refusal::Refusal;

/// The longest period. Days.
const LONGEST_DAYS: i32 = 3700;
/// How long a period is if nobody says. Days.
const DAYS: i32 = 30;

/// The days of a role: viewers have weeks, which are the same everywhere.
pub(super) fn zone(collector: &Collector, role: Role) -> TimeZone {
    if role.sees() == Sees::Published { TimeZone::UTC } else { collector.time_zone().clone() }
}

/// The time zone's name; its distance from UTC if it has none.
pub(super) fn zone_name(zone: &TimeZone) -> String {
    let offset = || zone.to_offset(Timestamp::now()).to_string();
    zone.iana_name().map_or_else(offset, ToOwned::to_owned)
}

/// What the rows of a report are about, for a role.
pub(super) fn groupings(role: Role) -> &'static [By] {
    match role.sees() {
        Sees::All | Sees::Pseudonyms => {
            &[By::Day, By::Week, By::Model, By::Repository, By::Client, By::Tool, By::ToolKind, By::Team, By::Person]
        }
        Sees::Own => &[By::Day, By::Week, By::Model, By::Repository, By::Client, By::Tool, By::ToolKind],
        Sees::Published => &[By::Week, By::Team, By::Model, By::Client, By::Repository, By::ToolKind],
    }
}

/// The parameters of a question, each with its values.
#[derive(Clone, Debug, Default)]
pub(super) struct Parameters(BTreeMap<String, Vec<String>>);

impl<S: Sync> FromRequestParts<S> for Parameters {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        let pairs = axum::extract::Query::<Vec<(String, String)>>::try_from_uri(&parts.uri);
        let axum::extract::Query(pairs) = pairs.map_err(|_| bad("The question cannot be read."))?;
        let mut parameters = Self::default();
        for (name, value) in pairs {
            parameters.0.entry(name).or_default().push(value);
        }
        Ok(parameters)
    }
}

impl Parameters {
    /// Takes a parameter that is there once or not at all.
    pub(super) fn one(&mut self, name: &str) -> Result<Option<String>, Refusal> {
        let mut values = self.0.remove(name).unwrap_or_default();
        let value = values.pop();
        if values.is_empty() { Ok(value) } else { Err(bad(format!("`{name}` is there twice."))) }
    }

    fn all(&mut self, name: &str) -> Option<Vec<String>> {
        self.0.remove(name)
    }
}

/// What is asked for.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    /// The first day and the last one.
    pub(super) since: Date,
    pub(super) until: Date,
    pub(super) by: Option<By>,
    /// Teams; `None` is those without one.
    pub(super) teams: Option<Vec<Option<String>>>,
    /// Persons, as this role knows them.
    pub(super) persons: Option<Vec<String>>,
    pub(super) models: Option<Vec<String>>,
    pub(super) clients: Option<Vec<String>>,
    pub(super) repositories: Option<Vec<String>>,
    zone: TimeZone,
}

impl Asked {
    /// Reads the rest of the parameters: what this role may not ask for is refused, and so is what nobody knows.
    pub(super) fn read(collector: &Collector, user: &User, mut parameters: Parameters) -> Result<Self, Refusal> {
        let role = user.kind.role();
        let zone = zone(collector, role);
        let (since, until) = (date(&mut parameters, "since")?, date(&mut parameters, "until")?);
        let until = until.or_else(|| today(collector, &zone)).unwrap_or(Date::MAX);
        let since = since.or_else(|| until.checked_sub((DAYS - 1).days()).ok()).unwrap_or(until);
        if since > until || since.checked_add(LONGEST_DAYS.days()).is_ok_and(|longest| longest < until) {
            return Err(bad(format!("A period begins before it ends, and has {LONGEST_DAYS} days at most.")));
        }
        // A viewer's period has whole weeks.
        let (since, until) = match role.sees() {
            Sees::Published => {
                let week = |date| Week::of(date).ok_or_else(|| bad("There is no such week."));
                (week(since)?.first_day(), week(until)?.last_day())
            }
            _ => (since, until),
        };
        let by = parameters.one("by")?.map(|by| {
            let found = groupings(role).iter().copied().find(|grouping| grouping.id() == by);
            found.ok_or_else(|| bad("There are no such rows for this role."))
        });
        let none_is_empty = |name: String| Some(name).filter(|name| !name.is_empty());
        let asked = Self {
            since,
            until,
            by: by.transpose()?,
            teams: parameters.all("team").map(|teams| teams.into_iter().map(none_is_empty).collect()),
            persons: parameters.all("person"),
            models: parameters.all("model"),
            clients: parameters.all("client"),
            repositories: parameters.all("repository"),
            zone,
        };
        if let Some(name) = parameters.0.keys().next() {
            return Err(bad(format!("There is no parameter {name:?}.")));
        }
        if asked.persons.is_some() && !matches!(role.sees(), Sees::All | Sees::Pseudonyms) {
            return Err(bad("This role knows no persons."));
        }
        Ok(asked)
    }

    /// The weeks of a viewer's period that are not in the future.
    pub(super) fn weeks(&self, now: UnixMillis) -> Vec<Week> {
        let last = Week::of(self.until).min(Week::at(now));
        let weeks = std::iter::successors(Week::of(self.since), |week| week.next());
        weeks.take_while(|week| Some(*week) <= last).collect()
    }

    /// The question that a store answers. Whatever is asked for, it is of what the user may see alone.
    pub(super) fn query(&self, archive: &Archive, user: &User, pseudonyms: &Pseudonyms) -> Result<Query, ArchiveError> {
        let beginning = |date: Option<Date>| {
            let moment = date?.to_zoned(self.zone.clone()).ok()?.start_of_day().ok()?.timestamp();
            u64::try_from(moment.as_millisecond().max(0)).ok().map(UnixMillis)
        };
        Ok(Query::new(self.zone.clone())
            .since(beginning(Some(self.since)))
            .until(beginning(self.until.tomorrow().ok()))
            .by(self.by)
            .models(self.models.clone())
            .clients(self.clients.clone())
            .repositories(self.repositories.clone())
            .origins(self.origins(archive, user, pseudonyms)?))
    }

    fn origins(
        &self,
        archive: &Archive,
        user: &User,
        pseudonyms: &Pseudonyms,
    ) -> Result<Option<Vec<OriginId>>, ArchiveError> {
        let own = own_origins(archive, user)?;
        if self.teams.is_none() && self.persons.is_none() {
            return Ok(own);
        }
        let sees = user.kind.role().sees();
        let mut origins = archive.origins()?;
        origins.retain(|origin| own.as_ref().is_none_or(|own| own.contains(&origin.id)));
        if let Some(teams) = &self.teams {
            origins.retain(|origin| teams.contains(&origin.team));
        }
        if let Some(persons) = &self.persons {
            origins.retain(|origin| persons.contains(&shown(sees, pseudonyms, &origin.person)));
        }
        Ok(Some(origins.into_iter().map(|origin| origin.id).collect()))
    }
}

/// The origins that a user sees; all without a limit.
pub(super) fn own_origins(archive: &Archive, user: &User) -> Result<Option<Vec<OriginId>>, ArchiveError> {
    match user.kind.role().sees() {
        Sees::All | Sees::Pseudonyms => Ok(None),
        // What a viewer sees is no question to the store.
        Sees::Published => Ok(Some(Vec::new())),
        Sees::Own => {
            let mut origins = archive.origins()?;
            origins.retain(|origin| Some(origin.person.as_str()) == user.kind.person());
            Ok(Some(origins.into_iter().map(|origin| origin.id).collect()))
        }
    }
}

/// A person as a role knows that one.
pub(super) fn shown(sees: Sees, pseudonyms: &Pseudonyms, person: &str) -> String {
    if sees == Sees::Pseudonyms { pseudonyms.of(person) } else { person.to_owned() }
}

fn date(parameters: &mut Parameters, name: &str) -> Result<Option<Date>, Refusal> {
    let date = parameters.one(name)?.map(|date| date.parse::<Date>());
    date.transpose().map_err(|_| bad(format!("`{name}` is no day such as 2026-11-29.")))
}

fn today(collector: &Collector, zone: &TimeZone) -> Option<Date> {
    let now = Timestamp::from_millisecond(i64::try_from(collector.now().0).ok()?).ok()?;
    Some(now.to_zoned(zone.clone()).date())
}
