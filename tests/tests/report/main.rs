//! The store's reports against the numbers that a short script makes of the events' JSON.

mod parts;
mod script;

use std::collections::{BTreeMap, HashMap};

use jiff::tz::TimeZone;
use serde_json::{Value, json};
use turnledger_archive::report::{Amount, By, Number, Query, Report, Row};
use turnledger_archive::{Archive, Reading};
use turnledger_core::Event;
use turnledger_tests::golden::{Sha1, recordings, replay, values};
use turnledger_tests::rollouts;

use self::script::{Numbers, is_call, kind, numbers, seconds, sessions, union};

const VERSIONS: [&str; 3] = ["0.131.0", "0.169.0", "0.171.0"];
const ROLLOUTS: [&str; 6] = ["0.104.0", "0.120.0", "0.131.0", "0.142.0", "0.153.0", "0.171.0"];

/// The golden recordings as traffic, each a reading.
fn traffic() -> Vec<Vec<Value>> {
    let recordings = VERSIONS.iter().flat_map(|version| recordings(version));
    recordings.map(|recording| values(&replay(Sha1, &recording.messages()).events)).collect()
}

/// What Codex itself uploaded of them.
fn uploads() -> Vec<Vec<Value>> {
    VERSIONS.iter().flat_map(|version| recordings(version)).map(|recording| recording.uploaded).collect()
}

/// Sessions of which there are files, and what was uploaded, or the traffic.
fn told_and_read() -> Vec<Vec<Value>> {
    let recorded = ROLLOUTS.iter().flat_map(|version| rollouts::recordings(version));
    let readings = recorded.flat_map(|recorded| {
        let files = recorded.files.iter().map(|(_, text)| values(&rollouts::import(Sha1, text).events));
        files.chain([recorded.real.clone()]).collect::<Vec<_>>()
    });
    readings.collect()
}

/// A store of readings, in memory's place a file that is gone at the end.
fn store(readings: &[Vec<Value>]) -> (tempfile::TempDir, Archive) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut archive = Archive::open(&folder.path().join("events.db")).expect("a store");
    for events in readings {
        add(&mut archive, events);
    }
    (folder, archive)
}

fn add(archive: &mut Archive, events: &[Value]) {
    let mut reading = Reading::default();
    let event = |json: &Value| serde_json::from_str::<Event>(&json.to_string()).expect("an event");
    let entries: Vec<_> = events.iter().map(|json| reading.next(None, event(json))).collect();
    archive.add(&entries).expect("it is written");
}

fn report(archive: &Archive, by: By, zone: &TimeZone) -> Report {
    archive.report(&Query::new(zone.clone()).by(by)).expect("a report")
}

/// A row's numbers, as a script has them.
fn of_row(row: &Row, by: Option<By>) -> Numbers {
    let value = |number: Number| match row.get(number) {
        None => Value::Null,
        Some(Amount::Whole(whole)) => whole.into(),
        Some(amount) => amount.real().into(),
    };
    let has = |number: &&Number| by.is_none_or(|by| by.has(**number));
    Number::ALL.iter().filter(has).map(|number| (number.id(), value(*number))).collect()
}

fn of_rows(rows: &[Row], by: By) -> BTreeMap<Option<String>, Numbers> {
    rows.iter().map(|row| (row.key.clone(), of_row(row, Some(by)))).collect()
}

/// The events by what a report has a row for. None for an event that is in no row.
fn keys<'a>(by: By, events: &'a [Value], zone: &TimeZone) -> Vec<(&'a Value, Option<Option<String>>)> {
    let sessions = sessions(events);
    let thread = |event: &'a Value| event["event_params"]["thread_id"].as_str();
    let own_client = |event: &Value| {
        let params = &event["event_params"];
        let client = params["app_server_client"]["product_client_id"].as_str();
        let client = client.or(params["product_client_id"].as_str());
        client.filter(|client| *client != "unknown" && !client.is_empty()).map(ToOwned::to_owned)
    };
    let mut clients: HashMap<&str, String> = HashMap::new();
    let mut repositories: HashMap<&str, String> = HashMap::new();
    for event in events {
        let Some(thread) = thread(event) else { continue };
        if let Some(client) = own_client(event) {
            let known = clients.entry(thread).or_default();
            *known = client.max(known.clone());
        }
        if let Some(hash) = event["event_params"]["repo_hash"].as_str() {
            let known = repositories.entry(sessions[thread]).or_default();
            *known = hash.to_owned().max(known.clone());
        }
    }
    let key = |event: &'a Value| -> Option<Option<String>> {
        let member = |name: &str| event["event_params"][name].as_str().map(ToOwned::to_owned);
        let root = thread(event).map(|thread| sessions[thread]);
        match by {
            By::Model => (kind(event) == "codex_turn_event").then(|| member("model")),
            By::Tool => is_call(event).then(|| member("tool_name")),
            By::ToolKind => is_call(event).then(|| Some(kind(event).to_owned())),
            By::Thread => Some(root.map(ToOwned::to_owned)),
            By::Client => Some(own_client(event).or_else(|| clients.get(thread(event)?).cloned())),
            By::Repository => Some(root.and_then(|root| repositories.get(root).cloned())),
            By::Day | By::Week => Some(seconds(event).map(|seconds| {
                let time = jiff::Timestamp::from_second(seconds.try_into().expect("a time")).expect("a time");
                let form = if by == By::Day { "%Y-%m-%d" } else { "%G-W%V" };
                time.to_zoned(zone.clone()).strftime(form).to_string()
            })),
            _ => None,
        }
    };
    events.iter().map(|event| (event, key(event))).collect()
}

const EACH: [By; 8] = [By::Day, By::Week, By::Model, By::Repository, By::Client, By::Thread, By::Tool, By::ToolKind];

/// Compares every number of every kind of report. Returns the totals.
fn compare(archive: &Archive, readings: &[Vec<Value>]) -> Numbers {
    let events = union(readings);
    let sessions = sessions(&events);
    let total = numbers(&events.iter().collect::<Vec<_>>(), &sessions);
    for zone in ["UTC", "America/St_Johns"].map(|name| TimeZone::get(name).expect("a time zone")) {
        for by in EACH {
            let report = report(archive, by, &zone);
            assert_eq!(report.events, events.len() as u64);
            assert_eq!(of_row(&report.total, None), total);
            let mut groups: BTreeMap<Option<String>, Vec<&Value>> = BTreeMap::new();
            for (event, key) in keys(by, &events, &zone) {
                if let Some(key) = key {
                    groups.entry(key).or_default().push(event);
                }
            }
            let has = |id: &str| by.has(Number::of_id(id).expect("a number"));
            let script = |events: Vec<&Value>| {
                let numbers = numbers(&events, &sessions);
                numbers.into_iter().filter(|(id, _)| has(id)).collect::<Numbers>()
            };
            let script: BTreeMap<_, _> = groups.into_iter().map(|(key, events)| (key, script(events))).collect();
            assert_eq!(of_rows(&report.rows, by), script, "{by:?}");
        }
    }
    total
}

#[test]
fn every_number_is_that_of_the_traffic() {
    let readings = traffic();
    let (_folder, mut archive) = store(&readings);
    let total = compare(&archive, &readings);
    assert!(total["turns"].as_u64() > Some(100) && total["approvals"].as_u64() > Some(10), "{total:?}");
    // To tell it again changes nothing.
    for reading in readings.iter().rev() {
        add(&mut archive, reading);
    }
    assert_eq!(compare(&archive, &readings), total);
}

#[test]
fn every_number_is_that_of_codex_own_uploads() {
    let readings = uploads();
    let (_folder, archive) = store(&readings);
    let total = compare(&archive, &readings);
    assert!(total["turns"].as_u64() > Some(100) && total["tokens"].as_u64() > Some(1000), "{total:?}");
}

#[test]
fn what_is_told_and_what_is_read_meet_in_any_order() {
    let readings = told_and_read();
    let (_folder, archive) = store(&readings);
    let total = compare(&archive, &readings);
    assert!(total["turns"].as_u64() > Some(100), "{total:?}");
    let (read, told): (Vec<_>, Vec<_>) = readings
        .iter()
        .cloned()
        .partition(|events| events.iter().all(|event| event["event_params"]["source"] == "rollout"));
    let backwards: Vec<_> = readings.iter().rev().cloned().collect();
    let (read_first, told_first) = ([read.clone(), told.clone(), read.clone()].concat(), [told, read].concat());
    for readings in [backwards, read_first, told_first] {
        let (_folder, archive) = store(&readings);
        assert_eq!(compare(&archive, &readings), total);
    }
}

#[test]
fn files_alone_say_nothing_of_approvals() {
    let recorded = rollouts::recordings("0.171.0");
    let files = recorded.iter().flat_map(|recorded| &recorded.files);
    let readings: Vec<_> = files.map(|(_, text)| values(&rollouts::import(Sha1, text).events)).collect();
    let (_folder, archive) = store(&readings);
    let total = compare(&archive, &readings);
    assert_eq!((&total["approvals"], &total["hooks"], &total["skills"]), (&Value::Null, &Value::Null, &Value::Null));
    assert_eq!(total["sessions_of_files"], total["sessions"]);
    let report = report(&archive, By::Day, &TimeZone::UTC);
    let gap = report.total.gap(Number::Approvals).expect("a gap");
    assert_eq!(json!([gap.unknown, gap.of, gap.what]), json!([total["sessions"], total["sessions"], "sessions"]));
}
