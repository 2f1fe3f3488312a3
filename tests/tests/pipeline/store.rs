//! The store has each event of a session once, whoever brings it, in whatever order and how often.

use std::collections::BTreeMap;

use serde_json::Value;
use turnledger_archive::{Archive, Filter, Reading};
use turnledger_core::Event;
use turnledger_tests::golden::{self, Sha1, values};
use turnledger_tests::rollouts::{Comparison, Recorded, import, recordings};

fn event(value: &Value) -> Event {
    serde_json::from_str(&value.to_string()).expect("an event")
}

/// What the files of a session tell, each file's events by themselves.
fn read(recorded: &Recorded) -> Vec<Vec<Event>> {
    recorded.files.iter().map(|(_, file)| import(Sha1, file).events).collect()
}

/// Brings each telling by itself.
fn bring(archive: &mut Archive, tellings: &[&[Event]]) {
    for events in tellings {
        let mut reading = Reading::default();
        let entries: Vec<_> = events.iter().map(|event| reading.next(None, event.clone())).collect();
        // A transaction may end anywhere.
        let (begin, end) = entries.split_at(entries.len() / 2);
        archive.add(begin).expect("they are added");
        archive.add(end).expect("they are added");
    }
}

fn kept(archive: &Archive) -> Vec<Event> {
    let mut kept = Vec::new();
    let take = |stored: turnledger_archive::StoredEvent| {
        kept.push(stored.event);
        true
    };
    archive.events(&Filter::default(), take).expect("they are read");
    kept
}

fn in_order(events: &[Event]) -> Vec<String> {
    let mut texts: Vec<_> = events.iter().map(Event::to_json).collect();
    texts.sort();
    texts
}

fn counts(events: &[Value]) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for event in events {
        *counts.entry(event["event_type"].as_str().unwrap_or_default().to_owned()).or_default() += 1;
    }
    counts
}

/// A version's sessions, in a store, each alone and all together. Returns how many events there are.
fn check(version: &str) -> u64 {
    let folder = tempfile::tempdir().expect("a folder");
    let mut stores = 0;
    let mut open = || {
        stores += 1;
        Archive::open(&folder.path().join(format!("{stores}.db"))).expect("a store")
    };
    let mut total = 0;
    let (mut all_told, mut all_read) = (Vec::new(), Vec::new());
    for recorded in recordings(version) {
        let told: Vec<_> = recorded.real.iter().map(event).collect();
        let read = read(&recorded);
        let files: Vec<&[Event]> = read.iter().map(Vec::as_slice).collect();
        let mut first = open();
        bring(&mut first, &[&told]);
        bring(&mut first, &files);
        let expected = kept(&first);
        for order in 0..4 {
            let mut other = open();
            let mut tellings: Vec<&[Event]> = files.clone();
            tellings.insert(0, &told);
            tellings.extend(tellings.clone());
            let shift = order % tellings.len();
            tellings.rotate_left(shift);
            bring(&mut other, &tellings);
            assert_eq!(in_order(&kept(&other)), in_order(&expected), "{version} {}", recorded.name);
        }
        // What is only in the files, by the comparison of another test.
        let mut comparison = Comparison::default();
        comparison.add(&recorded);
        let mut wanted = counts(&recorded.real);
        for (name, row) in comparison.rows.iter().filter(|(_, row)| row.extra > 0) {
            *wanted.entry(name.clone()).or_default() += row.extra;
        }
        assert_eq!(counts(&values(&expected)), wanted, "{version} {}", recorded.name);
        // What traffic told is as it was, but for what it did not know.
        let mut told_alone = open();
        bring(&mut told_alone, &[&told]);
        assert_eq!(in_order(&kept(&told_alone)), in_order(&told), "{version} {}", recorded.name);
        total += expected.len() as u64;
        all_told.push(told);
        all_read.extend(read);
    }
    let tellings: Vec<&[Event]> = all_read.iter().chain(&all_told).chain(&all_read).map(Vec::as_slice).collect();
    let mut all = open();
    bring(&mut all, &tellings);
    assert_eq!(all.status().expect("it is read").events, total);
    total
}

#[test]
fn traffic_and_rollouts_meet() {
    let totals = ["0.104.0", "0.120.0", "0.131.0", "0.142.0", "0.153.0", "0.171.0"].map(check);
    assert_eq!(totals, [50, 50, 133, 48, 41, 226]);
}

#[test]
fn what_codex_uploads_and_what_replay_makes_meet() {
    let folder = tempfile::tempdir().expect("a folder");
    for version in ["0.131.0", "0.169.0", "0.171.0"] {
        for recording in golden::recordings(version) {
            let ours = golden::replay(Sha1, &recording.messages()).events;
            let uploaded: Vec<_> = recording.uploaded.iter().map(event).collect();
            let path = folder.path().join(format!("{version}-{}.db", recording.name));
            let mut archive = Archive::open(&path).expect("a store");
            bring(&mut archive, &[&ours, &uploaded, &ours]);
            // What has no counterpart by the comparison of another test is beside ours.
            let ours = values(&ours);
            let mut comparison = turnledger_tests::compare::Comparison::default();
            comparison.add(&recording.name, &recording.traffic, &ours, &recording.uploaded);
            let mut wanted = counts(&ours);
            for (name, uploaded) in counts(&recording.uploaded) {
                let matched = comparison.rows.get(&name).map_or(0, |row| row.matched);
                *wanted.entry(name).or_default() += uploaded - matched;
            }
            let mut found = counts(&values(&kept(&archive)));
            // The server may tell its client a millisecond after it made its event, which is then another one.
            let archived = "codex_thread_archive_event";
            assert!(found.remove(archived) >= wanted.remove(archived));
            assert_eq!(found, wanted, "{version} {}", recording.name);
        }
    }
}
