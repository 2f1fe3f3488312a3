//! Numbers: their definitions, what they can be asked by, and reports.

use axum::extract::State;
use axum::response::Response;
use serde_json::{Map, Value, json};
use turnledger_archive::report::{By, Number, Report, Row, Subject, Unit};

use super::access::{Sees, SignedIn, asked};
use super::answer::answer;
use super::asked::{Asked, Parameters, groupings, own_origins, shown, zone_name};
use super::publication::{Published, Wanted, is_published};
use crate::Collector;
use crate::accounts::{Accounts, Pseudonyms, User};
use crate::collector::CollectorError;
use crate::refusal::Refusal;

pub(super) async fn definitions(signed_in: SignedIn) -> Response {
    let numbers = Number::ALL.iter().map(|number| {
        let (unit, subject) = (unit(number.unit()), subject(number.subject()));
        json!({
            "id": number.id(), "label": number.label(), "unit": unit, "subject": subject,
            "definition": number.definition(), "lower_bound": number.lower_bound(),
            "for_viewers": is_published(*number),
        })
    });
    let groupings = groupings(signed_in.role()).iter().map(|by| by.id());
    answer(json!({ "numbers": numbers.collect::<Value>(), "groupings": groupings.collect::<Value>() }))
}

const fn unit(unit: Unit) -> &'static str {
    match unit {
        Unit::Tokens => "tokens",
        Unit::Lines => "lines",
        Unit::Milliseconds => "milliseconds",
        Unit::Share => "share",
        Unit::Dollars => "dollars",
        _ => "count",
    }
}

const fn subject(subject: Subject) -> &'static str {
    match subject {
        Subject::Sessions => "sessions",
        Subject::Turns => "turns",
        Subject::Calls => "calls",
        Subject::Approvals => "approvals",
        _ => "others",
    }
}

/// What this role can filter by.
pub(super) async fn choices(
    State(collector): State<Collector>,
    SignedIn(user): SignedIn,
    parameters: Parameters,
) -> Result<Response, Refusal> {
    let (sees, asking) = (user.kind.role().sees(), collector.clone());
    if sees == Sees::Published {
        let weeks = Asked::read(&collector, &user, parameters)?;
        let choices = collector.read(move |archive| {
            let (now, smallest) = (asking.now(), smallest(&asking));
            Published::choices(archive, asking.accounts(), &weeks.weeks(now), now, smallest)
        });
        let [teams, models, clients, repositories] = choices.await?;
        return Ok(answer(json!({
            "teams": teams, "persons": [], "models": models, "clients": clients, "repositories": repositories,
        })));
    }
    let pseudonyms = asked(&collector, Accounts::pseudonyms).await?;
    let (choices, origins) = collector
        .read(move |archive| {
            let own = own_origins(archive, &user)?;
            let mut origins = archive.origins()?;
            origins.retain(|origin| own.as_ref().is_none_or(|own| own.contains(&origin.id)));
            Ok::<_, CollectorError>((archive.choices(own.as_deref())?, origins))
        })
        .await?;
    let sorted = |mut names: Vec<String>| {
        names.sort_unstable();
        names.dedup();
        names
    };
    let persons = match sees {
        Sees::Own => Vec::new(),
        _ => origins.iter().map(|origin| shown(sees, &pseudonyms, &origin.person)).collect(),
    };
    Ok(answer(json!({
        "teams": sorted(origins.iter().filter_map(|origin| origin.team.clone()).collect()),
        "persons": sorted(persons),
        "models": choices.models,
        "clients": choices.clients,
        "repositories": choices.repositories,
    })))
}

fn smallest(collector: &Collector) -> usize {
    usize::try_from(collector.smallest_group()).unwrap_or(usize::MAX)
}

pub(super) async fn report(
    State(collector): State<Collector>,
    SignedIn(user): SignedIn,
    parameters: Parameters,
) -> Result<Response, Refusal> {
    let asked = Asked::read(&collector, &user, parameters)?;
    Ok(answer(report_of(&collector, user, asked).await?))
}

/// A report, as this user sees it.
pub(super) async fn report_of(collector: &Collector, user: User, question: Asked) -> Result<Value, Refusal> {
    let role = user.kind.role();
    let mut body = Map::new();
    body.insert("since".into(), question.since.to_string().into());
    body.insert("until".into(), question.until.to_string().into());
    body.insert("time_zone".into(), zone_name(&super::asked::zone(collector, role)).into());
    let asking = collector.clone();
    if role.sees() == Sees::Published {
        let answer = collector.read(move |archive| {
            let Asked { by, teams, models, clients, repositories, .. } = question.clone();
            let wanted = Wanted { teams, models, clients, repositories };
            let now = asking.now();
            let weeks = question.weeks(now);
            let published =
                Published::read(archive, asking.accounts(), (&weeks, now), (by, &wanted), smallest(&asking))?;
            Ok::<_, CollectorError>(published.answer(by, asking.smallest_group()))
        });
        body.extend(answer.await?);
        return Ok(body.into());
    }
    let pseudonyms = asked(collector, Accounts::pseudonyms).await?;
    let answer = collector.read(move |archive| {
        let query = question.query(archive, &user, &pseudonyms)?;
        Ok::<_, CollectorError>(of_report(&archive.report(&query)?, role.sees(), &pseudonyms))
    });
    body.extend(answer.await?);
    Ok(body.into())
}

fn of_report(report: &Report, sees: Sees, pseudonyms: &Pseudonyms) -> Map<String, Value> {
    let rows = |by: By, rows: &[Row]| rows.iter().map(|found| row(Some(by), found, None)).collect::<Value>();
    let by = report.query.by;
    let own_rows = report.rows.iter().map(|found| {
        let key = found.key.as_deref().filter(|_| by == Some(By::Person));
        row(by, found, key.map(|person| shown(sees, pseudonyms, person)))
    });
    let missing = &report.missing;
    let mut answer = Map::new();
    answer.insert("events".into(), report.events.into());
    answer.insert("by".into(), by.map(By::id).into());
    answer.insert("total".into(), row(None, &report.total, None));
    answer.insert("rows".into(), own_rows.collect());
    answer.insert("trend_by".into(), report.trend_by.id().into());
    answer.insert("trend".into(), rows(report.trend_by, &report.trend));
    answer.insert("models".into(), rows(By::Model, &report.models));
    answer.insert("tool_kinds".into(), rows(By::ToolKind, &report.tool_kinds));
    answer.insert(
        "missing".into(),
        json!({
            "events_without_time": missing.events_without_time,
            "sessions_without_beginning": missing.sessions_without_beginning,
            "unreadable_events": missing.events_of_later_versions,
        }),
    );
    answer.insert("withheld".into(), Value::Null);
    answer
}

/// A row, with `name` in its key's place if that is not the one to show.
pub(super) fn row(by: Option<By>, row: &Row, name: Option<String>) -> Value {
    let (mut numbers, mut gaps) = (Map::new(), Map::new());
    for number in Number::ALL.iter().copied().filter(|number| by.is_none_or(|by| by.has(*number))) {
        let value = row.get(number).map(|amount| match amount.whole() {
            Some(whole) => Value::from(whole),
            None => amount.real().into(),
        });
        numbers.insert(number.id().into(), value.unwrap_or_default());
        if let Some(gap) = row.gap(number) {
            let gap = json!({ "unknown": gap.unknown, "of": gap.of, "what": gap.what });
            gaps.insert(number.id().into(), gap);
        }
    }
    let (first, last) = row.span.unzip();
    let key = name.or_else(|| row.key.clone());
    json!({
        "key": key, "first_at": first.map(|time| time.0), "last_at": last.map(|time| time.0), "numbers": numbers,
        "gaps": gaps,
    })
}
