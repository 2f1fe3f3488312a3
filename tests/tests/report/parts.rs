//! What several people bring: their teams, their sessions one by one, and the parts of a period.

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;
use serde_json::Value;
use turnledger_archive::report::{By, Number, Part, Place, Query, Subject};
use turnledger_archive::{Archive, OriginId, Reading, Received};
use turnledger_core::UnixMillis;

use super::script::{numbers, sessions, union};
use super::{of_row, of_rows, traffic};

/// Three people of two teams, and one of none.
const PEOPLE: [(&str, Option<&str>); 4] =
    [("ada", Some("core")), ("bob", Some("core")), ("cid", Some("web")), ("ada", None)];

struct Team {
    _folder: tempfile::TempDir,
    archive: Archive,
    /// Who brought what.
    brought: Vec<(OriginId, Vec<Value>)>,
}

/// Each brings every fourth recording, and the first one, too.
fn team() -> Team {
    let folder = tempfile::tempdir().expect("a folder");
    let mut archive = Archive::open(&folder.path().join("events.db")).expect("a store");
    let traffic = traffic();
    let mut brought = Vec::new();
    for (number, (person, team)) in PEOPLE.iter().enumerate() {
        let origin = archive.origin(person, *team).expect("an origin");
        let own = traffic.iter().skip(number).step_by(PEOPLE.len());
        let readings: Vec<Vec<Value>> = traffic.iter().take(1).chain(own).cloned().collect();
        for reading in &readings {
            let mut one = Reading::of(origin);
            let entries = reading.iter().map(|json| one.read(None, &json.to_string()).expect("an event")).collect();
            let request = Received { origin, key: None, digest: [0; 32], at: UnixMillis(0), entries };
            archive.receive(&[request]).expect("it is stored");
        }
        brought.push((origin, union(&readings)));
    }
    Team { _folder: folder, archive, brought }
}

fn query() -> Query {
    Query::new(TimeZone::UTC)
}

#[test]
fn each_person_and_each_team_has_its_own() {
    let team = team();
    // The same recording of another is another session.
    let of = |wanted: &[OriginId]| {
        let mut all = BTreeMap::new();
        for (_, events) in team.brought.iter().filter(|(origin, _)| wanted.contains(origin)) {
            for (id, value) in numbers(&events.iter().collect::<Vec<_>>(), &sessions(events)) {
                let sum: &mut Option<u64> = all.entry(id).or_default();
                *sum = sum.map_or(value.as_u64(), |sum| Some(sum + value.as_u64()?));
            }
        }
        all
    };
    let ids: Vec<OriginId> = team.brought.iter().map(|(origin, _)| *origin).collect();
    let rows = |by| of_rows(&team.archive.report(&query().by(by)).expect("a report").rows, by);
    let expected = |groups: &[(Option<&str>, &[OriginId])], found: BTreeMap<Option<String>, super::Numbers>| {
        assert_eq!(found.len(), groups.len());
        for (name, origins) in groups {
            let (found, expected) = (&found[&name.map(ToOwned::to_owned)], of(origins));
            for number in Number::ALL.iter().filter(|number| number.is_additive() && number.id() != "cost_usd") {
                let id = number.id();
                assert_eq!(found[id].as_u64(), expected[id], "{id} of {name:?}");
            }
            assert_eq!(found["sessions"].as_u64(), expected["sessions"]);
        }
    };
    expected(&[(Some("ada"), &[ids[0], ids[3]]), (Some("bob"), &[ids[1]]), (Some("cid"), &[ids[2]])], rows(By::Person));
    expected(&[(Some("core"), &[ids[0], ids[1]]), (Some("web"), &[ids[2]]), (None, &[ids[3]])], rows(By::Team));
    // Of some alone, every number.
    for (origin, events) in &team.brought {
        let report = team.archive.report(&query().origins(vec![*origin])).expect("a report");
        assert_eq!(of_row(&report.total, None), numbers(&events.iter().collect::<Vec<_>>(), &sessions(events)));
    }
    let nobody = team.archive.report(&query().origins(vec![])).expect("a report");
    assert_eq!((nobody.events, nobody.total.whole(Number::Turns)), (0, Some(0)));
}

#[test]
fn sessions_come_page_by_page() {
    let team = team();
    for (origin, _) in &team.brought {
        let query = query().origins(vec![*origin]);
        let expected = of_rows(&team.archive.report(&query.clone().by(By::Thread)).expect("a report").rows, By::Thread);
        let (mut found, mut after, mut ends) = (BTreeMap::new(), None::<Place>, Vec::new());
        loop {
            let page = team.archive.sessions(&query, after, 7).expect("a page");
            assert!(page.sessions.len() == 7 || page.next.is_none());
            for session in &page.sessions {
                assert_eq!(session.origin, *origin);
                ends.push(session.row.span.map(|(_, last)| last));
                assert_eq!(found.insert(session.row.key.clone(), of_row(&session.row, Some(By::Thread))), None);
            }
            after = page.next;
            if after.is_none() {
                assert_eq!(page.total, found.len() as u64);
                break;
            }
        }
        // What is of no thread is in no session.
        assert_eq!(found, expected.into_iter().filter(|(key, _)| key.is_some()).collect());
        assert!(ends.is_sorted_by(|one, next| one >= next), "{ends:?}");
    }
    let page = team.archive.sessions(&query(), None, 1000).expect("a page");
    assert!(page.sessions.iter().any(|session| session.models.len() > 1), "a session had two models");
    for session in &page.sessions {
        let turns = session.row.whole(Number::Turns).expect("it is known");
        assert!(turns == 0 || !session.models.is_empty());
    }
}

#[test]
fn filters_choose_sessions() {
    let team = team();
    let page = team.archive.sessions(&query(), None, 1000).expect("a page");
    let choices = team.archive.choices(None).expect("they are read");
    let all = |of: fn(&turnledger_archive::report::Session) -> &Vec<String>| -> Vec<String> {
        page.sessions.iter().flat_map(of).collect::<BTreeSet<_>>().into_iter().cloned().collect()
    };
    assert_eq!(
        (&choices.models, &choices.clients),
        (&all(|session| &session.models), &all(|session| &session.clients))
    );
    assert!(choices.models.len() > 1 && !choices.clients.is_empty() && !choices.repositories.is_empty());
    for model in &choices.models {
        let wanted = team.archive.sessions(&query().models(vec![model.clone()]), None, 1000).expect("a page");
        let expected = page.sessions.iter().filter(|session| session.models.contains(model));
        let keys = |session: &turnledger_archive::report::Session| (session.origin, session.row.key.clone());
        assert_eq!(wanted.sessions.iter().map(keys).collect::<Vec<_>>(), expected.map(keys).collect::<Vec<_>>());
    }
    for repository in &choices.repositories {
        let both = query().repositories(vec![repository.clone()]).clients(choices.clients.clone());
        let wanted = team.archive.sessions(&both, None, 1000).expect("a page");
        assert!(!wanted.sessions.is_empty());
        assert!(wanted.sessions.iter().all(|session| session.repository.as_ref() == Some(repository)));
    }
    let of_nobody = team.archive.choices(Some(&[])).expect("they are read");
    assert_eq!(of_nobody, turnledger_archive::report::Choices::default());
}

/// Every sum of a report is one of its cells' sums, whatever the cells are put together by.
#[test]
fn cells_add_up_to_the_report() {
    let team = team();
    let cells = team.archive.cells(&query()).expect("they are read");
    let has = |part: &Part, number: Number| match part {
        Part::Turns(_) => number.subject() == Subject::Turns,
        Part::Calls(_) => number.subject() == Subject::Calls,
        _ => !matches!(number.subject(), Subject::Turns | Subject::Calls),
    };
    let person = |origin: OriginId| {
        let at = team.brought.iter().position(|(known, _)| *known == origin).expect("it is known");
        Some(PEOPLE[at].0.to_owned())
    };
    for by in [By::Person, By::Model, By::ToolKind, By::Client, By::Repository] {
        let rows = team.archive.report(&query().by(by)).expect("a report").rows;
        for number in Number::ALL.iter().copied().filter(|number| number.is_additive() && by.has(*number)) {
            let mut sums: BTreeMap<Option<String>, Vec<Option<u64>>> = BTreeMap::new();
            for cell in cells.iter().filter(|cell| has(&cell.part, number)) {
                let key = match (by, &cell.part) {
                    (By::Model, Part::Turns(model)) => model.clone(),
                    (By::ToolKind, Part::Calls(kind)) => Some(kind.clone()),
                    (By::Client, _) => cell.client.clone(),
                    (By::Repository, _) => cell.repository.clone(),
                    (By::Person, _) => person(cell.origin),
                    _ => unreachable!("they have this number"),
                };
                sums.entry(key).or_default().push(cell.row.whole(number));
            }
            for row in &rows {
                let values = sums.get(&row.key).map(Vec::as_slice).unwrap_or_default();
                let known: u64 = values.iter().flatten().sum();
                // A cell without a thing to say it of says 0.
                let sum = (known > 0 || values.iter().all(Option::is_some)).then_some(known);
                assert_eq!(sum, row.whole(number), "{} by {by:?}, {:?}", number.id(), row.key);
            }
        }
    }
}
