//! A store of a few events: repeated events, merged events, sessions of threads, and forgetting.

mod forwarded;
mod received;

use std::fs;

use serde_json::{Value, json};
use tempfile::TempDir;
use turnledger_core::{Event, UnixMillis};

use crate::open::beside;
use crate::{Added, Archive, ArchiveError, Filter, Forgotten, Reading};

/// An event of a type that needs nothing else.
fn archived(thread: &str, at: u64) -> Event {
    event(&json!({
        "event_type": "codex_thread_archive_event",
        "event_params": { "thread_id": thread, "action": "archived", "occurred_at_ms": at }
    }))
}

fn hook(thread: &str, status: &str) -> Event {
    event(&json!({
        "event_type": "codex_hook_run",
        "event_params": {
            "thread_id": thread, "turn_id": "turn", "model_slug": "gpt", "hook_name": "Stop", "hook_source": "user",
            "status": status
        }
    }))
}

/// The lines of a turn, as traffic or as a file tells them.
fn lines(thread: &str, added: u64, model: Option<&str>, is_read: bool) -> Event {
    let mut params = json!({
        "event_type": "codex.accepted_line_fingerprints", "turn_id": "turn", "thread_id": thread,
        "product_surface": "codex", "model_slug": model, "completed_at": 7, "repo_hash": null,
        "accepted_added_lines": added, "accepted_deleted_lines": 0, "line_fingerprints": [],
        "fingerprint_scheme": "sha256"
    });
    if is_read {
        params["source"] = "rollout".into();
    }
    event(&json!({ "event_type": "codex_accepted_line_fingerprints", "event_params": params }))
}

fn child(thread: &str, parent: Option<&str>, session: Option<&str>) -> Event {
    event(&json!({
        "event_type": "codex_thread_hint_status",
        "event_params": {
            "thread_id": thread, "session_id": session,
            "app_server_client": {
                "product_client_id": "editor", "client_name": null, "client_version": null, "rpc_transport": null,
                "experimental_api_enabled": null
            },
            "runtime": {
                "codex_rs_version": "0.171.0", "runtime_os": "linux", "runtime_os_version": "1", "runtime_arch": "arm"
            },
            "thread_source": null, "subagent_source": null, "parent_thread_id": parent, "status": "failed",
            "occurred_at_ms": 9
        }
    }))
}

fn event(json: &Value) -> Event {
    serde_json::from_str(&json.to_string()).expect("an event")
}

fn store() -> (TempDir, Archive) {
    let folder = tempfile::tempdir().unwrap();
    let archive = Archive::open(&folder.path().join("state/events.db")).unwrap();
    (folder, archive)
}

/// Adds events as one reading.
fn add(archive: &mut Archive, events: &[Event]) -> Added {
    let mut reading = Reading::default();
    let entries: Vec<_> = events.iter().map(|event| reading.next(Some(UnixMillis(5)), event.clone())).collect();
    archive.add(&entries).unwrap()
}

fn all(archive: &Archive) -> Vec<(Option<u64>, String)> {
    let mut all = Vec::new();
    let take = |stored: crate::StoredEvent| {
        all.push((stored.at.map(|at| at.0), stored.event.to_json()));
        true
    };
    archive.events(&Filter::default(), take).unwrap();
    all
}

#[test]
fn each_event_is_there_once() {
    let (_folder, mut archive) = store();
    let events = [archived("a", 1000), hook("a", "failed"), hook("a", "failed"), hook("a", "completed")];
    assert_eq!(add(&mut archive, &events), Added { new: 4, ..Added::default() });
    let first = all(&archive);
    assert_eq!(first.iter().map(|(at, _)| *at).collect::<Vec<_>>(), [Some(5), Some(5), Some(5), Some(1000)]);
    assert_eq!(add(&mut archive, &events), Added { known: 4, ..Added::default() });
    let mut other_order = events.to_vec();
    other_order.reverse();
    assert_eq!(add(&mut archive, &other_order), Added { known: 4, ..Added::default() });
    assert_eq!(all(&archive), first);
}

#[test]
fn what_is_known_wins() {
    let (told, read) = (lines("a", 3, None, false), lines("a", 9, Some("gpt"), true));
    for order in [[&told, &read, &told], [&read, &told, &read]] {
        let (_folder, mut archive) = store();
        for event in order {
            add(&mut archive, std::slice::from_ref(event));
        }
        assert_eq!(all(&archive), [(Some(7000), lines("a", 3, Some("gpt"), false).to_json())]);
        let row = archive.connection.query_row("SELECT model, added_lines, source FROM events", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        });
        assert_eq!(row.unwrap(), (Some("gpt".to_owned()), 3, None::<String>));
    }
}

/// Each thread with its session.
fn roots(archive: &Archive) -> Vec<(String, String)> {
    let mut statement = archive
        .connection
        .prepare(
            "SELECT thread.thread_id, root.thread_id FROM threads AS thread
             JOIN threads AS root ON root.id = thread.root ORDER BY 1",
        )
        .unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.map(Result::unwrap).collect()
}

#[test]
fn a_thread_belongs_to_its_session() {
    let told = [
        child("grandchild", Some("child"), None),
        child("child", Some("top"), None),
        child("other", Some("child"), Some("session")),
        child("top", None, None),
        child("round", Some("about"), None),
        child("about", Some("round"), None),
    ];
    let expected = [
        ("about", "about"),
        ("child", "top"),
        ("grandchild", "top"),
        ("other", "session"),
        ("round", "round"),
        ("session", "session"),
        ("top", "top"),
    ]
    .map(|(thread, root)| (thread.to_owned(), root.to_owned()));
    for shift in 0..told.len() {
        let (_folder, mut archive) = store();
        let mut order = told.to_vec();
        order.rotate_left(shift);
        for event in order {
            add(&mut archive, &[event]);
        }
        assert_eq!(roots(&archive), expected, "{shift}");
    }
}

/// Whether a text is in the file, or in one beside it.
fn is_on_disk(archive: &Archive, text: &str) -> bool {
    let path = archive.path();
    let files = [path.to_owned(), beside(path, "-wal"), beside(path, "-shm")];
    let contents = files.iter().filter_map(|path| fs::read(path).ok());
    contents.into_iter().any(|bytes| bytes.windows(text.len()).any(|window| window == text.as_bytes()))
}

#[test]
fn what_is_forgotten_is_nowhere() {
    let (_folder, mut archive) = store();
    let events: Vec<_> = (0..200).flat_map(|at| [archived("marker", 1000 + at), archived("kept", 1000 + at)]).collect();
    add(&mut archive, &events);
    add(&mut archive, &[child("marker", None, None), child("below-marker", Some("marker"), Some("marker"))]);
    assert!(is_on_disk(&archive, "marker"));
    let forgotten = archive.forget_thread("marker").unwrap();
    assert_eq!(forgotten, Forgotten { events: 202, threads: 2 });
    assert!(!is_on_disk(&archive, "marker"));
    assert!(is_on_disk(&archive, "kept"));
    assert_eq!(archive.forget_thread("marker").unwrap(), Forgotten::default());
    assert_eq!(archive.forget_before(UnixMillis(1100)).unwrap(), Forgotten { events: 100, threads: 0 });
    assert_eq!(archive.forget_before(UnixMillis(2000)).unwrap(), Forgotten { events: 100, threads: 1 });
    assert!(!is_on_disk(&archive, "kept"));
    assert_eq!(all(&archive), []);
}

#[test]
fn traces_are_left_while_another_reads() {
    let (_folder, mut archive) = store();
    add(&mut archive, &[archived("marker", 1000), archived("kept", 1000)]);
    let reader = Archive::open_read_only(archive.path()).unwrap();
    let transaction = reader.connection.unchecked_transaction().unwrap();
    transaction.query_row("SELECT count(*) FROM events", [], |_| Ok(())).unwrap();
    let forgotten = archive.forget_thread("marker");
    assert!(matches!(forgotten, Err(ArchiveError::Traces { .. })), "{forgotten:?}");
    assert_eq!(archive.status().unwrap().events, 1);
    drop(transaction);
    archive.vacuum().unwrap();
    assert!(!is_on_disk(&archive, "marker") && is_on_disk(&archive, "kept"));
}

#[test]
fn who_writes_waits_for_another_and_changes_nothing_meanwhile() {
    let (_folder, mut archive) = store();
    let mut other = Archive::open(archive.path()).unwrap();
    let transaction = other.connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).unwrap();
    let mut reading = Reading::default();
    let entries = [reading.next(None, archived("a", 1)), reading.next(None, hook("a", "failed"))];
    let added = archive.add(&entries);
    assert!(matches!(added, Err(ArchiveError::Busy { .. })), "{added:?}");
    drop(transaction);
    assert_eq!(archive.add(&entries).unwrap(), Added { new: 2, ..Added::default() });
    assert_eq!(all(&archive).iter().map(|(at, _)| *at).collect::<Vec<_>>(), [None, Some(1)]);
}

#[test]
fn files_that_are_no_store_or_a_newer_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.db");
    assert!(matches!(Archive::open_read_only(&path), Err(ArchiveError::Missing { .. })));
    fs::write(&path, "{\"event_type\":\"codex_turn_event\"} and no database at all, however long it may be\n").unwrap();
    for opened in [Archive::open(&path), Archive::open_read_only(&path)] {
        assert!(matches!(opened, Err(ArchiveError::Damaged { .. })), "{opened:?}");
    }
    fs::remove_file(&path).unwrap();
    let archive = Archive::open(&path).unwrap();
    archive.connection.pragma_update(None, "user_version", 99).unwrap();
    drop(archive);
    for opened in [Archive::open(&path), Archive::open_read_only(&path)] {
        assert!(matches!(opened, Err(ArchiveError::Version { found: 99, known: 3, .. })), "{opened:?}");
    }
    assert!(matches!(Archive::open(&folder.path().join("none/no\0thing")), Err(ArchiveError::File { .. })));
}

/// What `fingerprint` makes of two diffs, neither of a turn.
#[test]
fn diffs_of_no_turn_are_told_apart() {
    let diff = |added: u64| {
        let mut json: Value = serde_json::from_str(&lines("unknown", added, None, false).to_json()).unwrap();
        json["event_params"]["turn_id"] = "unknown".into();
        event(&json)
    };
    let (_folder, mut archive) = store();
    let new = |new| Added { new, ..Added::default() };
    assert_eq!(add(&mut archive, &[diff(1)]), new(1));
    assert_eq!(add(&mut archive, &[diff(2)]), new(1));
    assert_eq!(add(&mut archive, &[diff(1)]), Added { known: 1, ..Added::default() });
}

/// Hashes, what made them, and the repository's are of one making: of two tellings, one's stay.
#[test]
fn hashes_stay_with_what_made_them() {
    let hashed = |scheme: Option<&str>, digit: char, is_read: bool| {
        let hash = digit.to_string().repeat(64);
        let mut json: Value = serde_json::from_str(&lines("thread", 1, None, is_read).to_json()).unwrap();
        let params = json["event_params"].as_object_mut().unwrap();
        params.insert("line_fingerprints".into(), json!([{ "path_hash": hash, "line_hash": hash }]));
        params.insert("repo_hash".into(), hash.into());
        match scheme {
            Some(scheme) => _ = params.insert("fingerprint_scheme".into(), scheme.into()),
            None => _ = params.remove("fingerprint_scheme"),
        }
        event(&json)
    };
    let hashes = |archive: &Archive| {
        let mut found = Vec::new();
        let take = |stored: crate::StoredEvent| {
            let json: Value = serde_json::from_str(&stored.event.to_json()).unwrap();
            let params = &json["event_params"];
            found.push((params["fingerprint_scheme"].clone(), params["repo_hash"].clone()));
            true
        };
        archive.events(&Filter::default(), take).unwrap();
        found
    };
    let of = |scheme: Value, digit: char| [(scheme, Value::from(digit.to_string().repeat(64)))];
    // What traffic told stays whole, whatever a file has.
    let (_folder, mut archive) = store();
    let uploaded = hashed(None, 'a', false);
    let told = hashes_of(&uploaded);
    add(&mut archive, &[uploaded]);
    add(&mut archive, &[hashed(Some("sha256"), 'b', true)]);
    assert_eq!(hashes(&archive), of(told, 'a'));
    // Of two keys one stays, in either order.
    let both = [hashed(Some("sha256"), 'a', false), hashed(Some("hmac-sha256:k"), 'b', false)];
    for order in [[0, 1], [1, 0]] {
        let (_folder, mut archive) = store();
        for at in order {
            add(&mut archive, &[both[at].clone()]);
        }
        assert_eq!(hashes(&archive), of("sha256".into(), 'a'));
    }
}

/// What an event says of what made its hashes.
fn hashes_of(event: &Event) -> Value {
    serde_json::from_str::<Value>(&event.to_json()).unwrap()["event_params"]["fingerprint_scheme"].clone()
}

#[test]
fn another_programs_database_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.db");
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.execute_batch("CREATE TABLE notes (text TEXT)").unwrap();
    drop(connection);
    let before = fs::read(&path).unwrap();
    assert!(matches!(Archive::open(&path), Err(ArchiveError::Foreign { .. })));
    assert!(matches!(Archive::open_read_only(&path), Err(ArchiveError::Foreign { .. })));
    assert_eq!(fs::read(&path).unwrap(), before);
}

/// An import that goes on in a turn numbers its events from the first; an earlier one had those numbers.
#[test]
fn what_an_import_goes_on_with_is_not_what_an_earlier_one_told() {
    let compaction = |at: u64| {
        event(&json!({
            "event_type": "codex_compaction_event",
            "event_params": {
                "thread_id": "T", "turn_id": "turn",
                "app_server_client": {
                    "product_client_id": "editor", "client_name": null, "client_version": null, "rpc_transport": null,
                    "experimental_api_enabled": null
                },
                "runtime": {
                    "codex_rs_version": "0.131.0", "runtime_os": "linux", "runtime_os_version": "1", "runtime_arch": "arm"
                },
                "thread_source": null, "subagent_source": null, "parent_thread_id": null, "trigger": "auto",
                "reason": "context_limit", "implementation": "responses_compact", "phase": "mid_turn", "strategy": "memento",
                "status": "completed", "error": null, "active_context_tokens_before": 1,
                "active_context_tokens_after": 1, "started_at": at, "completed_at": at, "duration_ms": 1,
                "source": "rollout"
            }
        }))
    };
    let (_folder, mut archive) = store();
    let new = |new| Added { new, ..Added::default() };
    assert_eq!(add(&mut archive, &[compaction(1), compaction(2)]), new(2));
    assert_eq!(add(&mut archive, &[compaction(3)]), new(1));
    let all = [compaction(1), compaction(2), compaction(3)];
    assert_eq!(add(&mut archive, &all), Added { known: 3, ..Added::default() });
}

#[test]
fn a_folder_is_no_store() {
    let folder = tempfile::tempdir().unwrap();
    for opened in [Archive::open(folder.path()), Archive::open_read_only(folder.path())] {
        let Err(ArchiveError::File { path, source }) = opened else { panic!("it opens") };
        assert_eq!((path.as_path(), source.kind()), (folder.path(), std::io::ErrorKind::IsADirectory));
    }
}
