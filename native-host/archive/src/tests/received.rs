//! Requests of several origins, and events of later versions.

use serde_json::json;
use turnledger_core::UnixMillis;

use super::{all, archived, child, event, hook, store};
use crate::schema::version_1;
use crate::{Added, Archive, ArchiveError, Filter, Forgotten, NotAnEvent, OriginId, Reading, Receipt, Received};

/// A request with these events.
fn request(origin: OriginId, key: u8, events: &[turnledger_core::Event]) -> Received {
    let mut reading = Reading::of(origin);
    let entries = events.iter().map(|event| reading.next(Some(UnixMillis(5)), event.clone())).collect();
    Received {
        origin,
        key: Some([key; 32]),
        digest: [u8::try_from(events.len() % 256).unwrap(); 32],
        at: UnixMillis(5),
        entries,
    }
}

fn stored(new: u64, improved: u64, known: u64) -> Receipt {
    Receipt::Stored(Added { new, improved, known })
}

fn of(archive: &Archive, origin: OriginId) -> Vec<String> {
    let mut events = Vec::new();
    let filter = Filter::default().origins(vec![origin]);
    let passed_over = archive
        .events(&filter, |stored| {
            events.push(stored.event.to_json());
            true
        })
        .unwrap();
    assert_eq!(passed_over, 0);
    events
}

#[test]
fn a_request_counts_once() {
    let (_folder, mut archive) = store();
    let ada = archive.origin("Ada", Some("core")).unwrap();
    let one = request(ada, 1, &[archived("a", 1)]);
    let other_body = request(ada, 1, &[archived("a", 2), archived("a", 3)]);
    let other_key = request(ada, 2, &[archived("a", 1)]);
    let receipts = archive.receive(&[one.clone(), one.clone(), other_body, other_key]).unwrap();
    assert_eq!(receipts, [stored(1, 0, 0), Receipt::Repeated, Receipt::OtherBody, stored(0, 0, 1)]);
    assert_eq!(of(&archive, ada).len(), 1);

    // A key that is forgotten is known by its events.
    assert_eq!(archive.forget_receipts(UnixMillis(5)).unwrap(), 0);
    assert_eq!(archive.forget_receipts(UnixMillis(6)).unwrap(), 2);
    let without_key = Received { key: None, ..one.clone() };
    assert_eq!(archive.receive(&[one, without_key]).unwrap(), [stored(0, 0, 1), stored(0, 0, 1)]);
}

#[test]
fn nobody_reaches_anothers_events() {
    let (_folder, mut archive) = store();
    let ada = archive.origin("Ada", Some("core")).unwrap();
    let bob = archive.origin("Bob", Some("core")).unwrap();
    let without_team = archive.origin("Ada", None).unwrap();
    assert_eq!(archive.origin("Ada", Some("core")).unwrap(), ada);
    let names: Vec<_> = archive.origins().unwrap().into_iter().map(|of| (of.id, of.person, of.team)).collect();
    let core = Some(String::from("core"));
    assert_eq!(
        names,
        [(ada, "Ada".into(), core.clone()), (bob, "Bob".into(), core), (without_team, "Ada".into(), None)]
    );

    // The same thread, and one that says to be below it.
    let of_ada = [archived("root", 1), child("below", Some("root"), None)];
    let of_bob = [archived("root", 1), child("other", Some("root"), Some("root"))];
    let receipts = archive.receive(&[request(ada, 1, &of_ada), request(bob, 1, &of_bob)]).unwrap();
    assert_eq!(receipts, [stored(2, 0, 0), stored(2, 0, 0)]);
    super::add(&mut archive, &[archived("root", 1)]);
    for (origin, events) in [(ada, &of_ada[..]), (bob, &of_bob), (OriginId::OWN, &of_ada[..1])] {
        let mut expected: Vec<String> = events.iter().map(turnledger_core::Event::to_json).collect();
        let mut found = of(&archive, origin);
        expected.sort();
        found.sort();
        assert_eq!(found, expected, "{origin:?}");
    }

    assert_eq!(archive.forget_origins(&[bob, OriginId::OWN]).unwrap(), Forgotten { events: 2, threads: 2 });
    assert_eq!((of(&archive, ada).len(), of(&archive, bob).len(), of(&archive, OriginId::OWN).len()), (2, 0, 1));
    assert_eq!(archive.origins().unwrap().len(), 2);
    // A number is never another's.
    assert!(archive.origin("Cid", None).unwrap() > without_team);
}

#[test]
fn what_comes_of_an_origin_that_was_forgotten_is_not_stored() {
    let (_folder, mut archive) = store();
    let ada = archive.origin("Ada", None).unwrap();
    let bob = archive.origin("Bob", None).unwrap();
    assert_eq!(archive.receive(&[request(ada, 1, &[archived("a", 1)])]).unwrap(), [stored(1, 0, 0)]);
    archive.forget_origins(&[ada]).unwrap();
    let requests = [ada, bob, OriginId::OWN].map(|origin| request(origin, 2, &[archived("a", 2)]));
    let expected = [Receipt::UnknownOrigin, stored(1, 0, 0), stored(1, 0, 0)];
    assert_eq!(archive.receive(&requests).unwrap(), expected);
    assert_eq!(of(&archive, ada), Vec::<String>::new());
    // Nor is its key.
    let receipts = "SELECT count(*) FROM receipts";
    assert_eq!(archive.connection.query_row(receipts, [], |row| row.get::<_, i64>(0)).unwrap(), 2);
}

#[test]
fn a_session_that_comes_in_pieces_loses_nothing() {
    let (_folder, mut archive) = store();
    let ada = archive.origin("Ada", None).unwrap();
    let steer = |at: u64| {
        event(&json!({
            "event_type": "codex_turn_steer_event",
            "event_params": {
                "thread_id": "thread", "expected_turn_id": "turn", "accepted_turn_id": "turn",
                "app_server_client": {
                    "product_client_id": "editor", "client_name": null, "client_version": null, "rpc_transport": null,
                    "experimental_api_enabled": null
                },
                "runtime": {
                    "codex_rs_version": "0.131.0", "runtime_os": "linux", "runtime_os_version": "1",
                    "runtime_arch": "arm"
                },
                "thread_source": null, "subagent_source": null, "parent_thread_id": null, "num_input_images": 0,
                "result": "accepted", "rejection_reason": null, "created_at": at
            }
        }))
    };
    let pieces = [request(ada, 1, &[steer(1)]), request(ada, 2, &[steer(2)]), request(ada, 3, &[steer(3)])];
    assert_eq!(archive.receive(&pieces).unwrap(), [stored(1, 0, 0); 3]);
    // Again as a whole, and hooks, which say no time.
    let whole = request(ada, 4, &[steer(1), steer(2), steer(3), hook("thread", "completed")]);
    let more = request(ada, 5, &[hook("thread", "completed"), hook("thread", "completed")]);
    let receipts = archive.receive(&[whole, more.clone(), more]).unwrap();
    assert_eq!(receipts, [stored(1, 0, 3), stored(2, 0, 0), Receipt::Repeated]);
    // The parts of a turn's lines come each in its own request, with the same time.
    let part = |hash: &str| {
        let lines = super::lines("thread", 1, None, false).to_json();
        let mut part: serde_json::Value = serde_json::from_str(&lines).unwrap();
        let hash = hash.repeat(64);
        part["event_params"]["line_fingerprints"] = json!([{ "path_hash": hash, "line_hash": hash }]);
        event(&part)
    };
    let parts = [&[part("a")][..], &[part("b")], &[part("a"), part("b")]];
    let parts: Vec<_> = (6..).zip(parts).map(|(key, parts)| request(ada, key, parts)).collect();
    assert_eq!(archive.receive(&parts).unwrap(), [stored(1, 0, 0), stored(1, 0, 0), stored(0, 0, 2)]);
    // What is forgotten is in no number.
    archive.forget_thread("thread").unwrap();
    let numbers = "SELECT count(*) FROM numbers";
    assert_eq!(archive.connection.query_row(numbers, [], |row| row.get::<_, i64>(0)).unwrap(), 0);
}

#[test]
fn threads_that_are_deeper_than_anybody_starts_them_cost_little() {
    let (_folder, mut archive) = store();
    let ada = archive.origin("Ada", None).unwrap();
    let chain: Vec<_> = (0..600_u64).map(|n| child(&n.to_string(), Some(&(n + 1).to_string()), None)).collect();
    assert_eq!(archive.receive(&[request(ada, 1, &chain)]).unwrap(), [stored(600, 0, 0)]);
    // The 63 below the topmost one are of its session, and each of the others is its own.
    assert_eq!(archive.status().unwrap().sessions, 1 + 600 - 63);
}

#[test]
fn an_event_of_a_later_version_is_kept_as_it_came() {
    let (folder, mut archive) = store();
    let later = r#"{"event_type":"codex_of_tomorrow","event_params":{"thread_id":"a","when":"later"},"more":1}"#;
    let mut reading = Reading::default();
    let entries = [reading.read(None, later).unwrap(), reading.next(None, archived("a", 1))];
    assert_eq!(archive.add(&entries).unwrap(), Added { new: 2, improved: 0, known: 0 });
    let again = [Reading::default().read(Some(UnixMillis(7)), later).unwrap()];
    assert_eq!(archive.add(&again).unwrap(), Added { new: 0, improved: 1, known: 0 });
    let passed_over = archive.events(&Filter::default(), |_| true).unwrap();
    assert_eq!((passed_over, all(&archive).len(), archive.status().unwrap().events), (1, 1, 2));
    let connection = rusqlite::Connection::open(archive.path()).unwrap();
    let json: String = connection
        .query_row(
            "SELECT json FROM event WHERE type = 'codex_of_tomorrow' AND thread_id = 'a' AND at_ms = 7",
            [],
            |row| row.get(0),
        )
        .unwrap();
    let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
    assert_eq!(value(&json), value(later));
    // It goes with its thread.
    assert_eq!(archive.forget_thread("a").unwrap(), Forgotten { events: 2, threads: 1 });

    for text in ["", "{}", "[]", r#"{"event_type":"a"}"#, r#"{"event_type":1,"event_params":{}}"#] {
        assert_eq!(Reading::default().read(None, text).unwrap_err(), NotAnEvent, "{text}");
    }
    connection.execute("INSERT INTO events (id, key, type) VALUES (9, x'01', 'a')", []).unwrap();
    connection.execute("INSERT INTO bodies (id, told) VALUES (9, 'no JSON')", []).unwrap();
    assert!(matches!(archive.events(&Filter::default(), |_| true), Err(ArchiveError::Event { row: 9, .. })));
    drop(folder);
}

#[test]
fn a_store_of_version_1_becomes_one_of_this_version() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("old.db");
    let old = rusqlite::Connection::open(&path).unwrap();
    version_1(&old).unwrap();
    old.execute_batch(
        r#"
        INSERT INTO threads (id, thread_id, parent_thread_id, root) VALUES (1, 'below', 'root', 2), (2, 'root', NULL, 2);
        INSERT INTO events (id, key, type, thread, at_ms) VALUES (1, x'01', 'codex_thread_archive_event', 1, 4);
        INSERT INTO bodies (id, told) VALUES (1, '{"event_type":"codex_thread_archive_event","event_params":{"thread_id":"below","action":"archived","occurred_at_ms":4}}');
        "#,
    )
    .unwrap();
    drop(old);
    assert!(matches!(Archive::open(&path).map(|archive| archive.status().unwrap().version), Ok(3)));
    let mut archive = Archive::open_read_only(&path).unwrap();
    let mut found = 0;
    archive
        .events(&Filter::default().thread(String::from("root")), |_| {
            found += 1;
            true
        })
        .unwrap();
    assert_eq!(found, 1);
    drop(archive);
    archive = Archive::open(&path).unwrap();
    assert_eq!(archive.forget_thread("root").unwrap(), Forgotten { events: 1, threads: 1 });
}
