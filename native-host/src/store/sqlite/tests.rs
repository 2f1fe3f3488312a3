use std::fs;

use turnledger_core::{BatchLimits, UnixMillis};

use super::*;
use crate::delivery::account::AccountKey;
use crate::store::Spool;

fn event(at: u64, json: &str) -> StoredEvent {
    StoredEvent { at: UnixMillis(at), account: AccountKey::NONE, json: json.into(), is_isolated: false }
}

fn limits() -> StoreLimits {
    StoreLimits { batch: BatchLimits::default().events(2).bytes(1000), ..StoreLimits::default() }
}

const WANTED: &Wanted =
    &Wanted { now: UnixMillis(0), account: AccountKey::NONE, age: Duration::ZERO, most_events: usize::MAX };

fn spool(folder: &tempfile::TempDir) -> Sqlite {
    Sqlite::open(&folder.path().join("spool.db"), limits(), Duration::from_secs(10)).unwrap()
}

#[test]
fn what_is_no_spool_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let noise = folder.path().join("noise.db");
    fs::write(&noise, "no database, ".repeat(1000)).unwrap();
    let refused = Sqlite::open(&noise, limits(), Duration::ZERO).unwrap_err().to_string();
    assert_eq!(refused, format!("{}: the spool is damaged: file is not a database", noise.display()));
    let newer = folder.path().join("newer.db");
    Connection::open(&newer).unwrap().pragma_update(None, "user_version", 3).unwrap();
    let refused = Sqlite::open(&newer, limits(), Duration::ZERO).unwrap_err().to_string();
    assert_eq!(refused, format!("{}: a spool of version 3; this program knows version 2", newer.display()));
    assert!(Sqlite::open(&folder.path().join("no/folder.db"), limits(), Duration::ZERO).is_err());
}

/// Made by the statements of version 1.
#[test]
fn a_spool_of_version_1_is_taken_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("spool.db");
    let old = Connection::open(&path).unwrap();
    old.execute_batch(
        "CREATE TABLE event (number INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, is_isolated INTEGER NOT NULL,
            json TEXT NOT NULL, batch INTEGER REFERENCES batch (number));
         CREATE INDEX event_by_batch ON event (batch, number);
         CREATE TABLE batch (number INTEGER PRIMARY KEY AUTOINCREMENT, key BLOB NOT NULL UNIQUE,
            leased_until_ms INTEGER NOT NULL, refused_with INTEGER);
         CREATE TABLE total (events INTEGER NOT NULL, bytes INTEGER NOT NULL, refused INTEGER NOT NULL, salt BLOB NOT NULL);
         INSERT INTO total VALUES (2, 2, 0, randomblob(16));
         INSERT INTO batch (key, leased_until_ms) VALUES (x'07', 0);
         INSERT INTO event (at_ms, is_isolated, json, batch) VALUES (0, 0, '1', 1), (0, 0, '2', NULL);
         PRAGMA user_version = 1;",
    )
    .unwrap();
    drop(old);
    let mut spool = spool(&folder);
    let batch = spool.next(WANTED).unwrap().unwrap();
    assert_eq!((batch.body.as_str(), batch.account), (r#"{"events":[1]}"#, AccountKey::NONE));
    assert_eq!(spool.next(WANTED).unwrap().unwrap().body, r#"{"events":[2]}"#);
}

#[test]
fn a_damaged_file_is_set_aside_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("spool.db");
    fs::write(&path, "no database, ".repeat(1000)).unwrap();
    let error = Sqlite::open(&path, limits(), Duration::ZERO).unwrap_err();
    assert!(error.is_damaged(), "{error}");
    fs::write(folder.path().join("spool.db-wal"), "its log").unwrap();
    let aside = Spool::set_aside(&path, UnixMillis(5000)).unwrap();
    assert_eq!(aside, folder.path().join("spool.db.damaged-5"));
    assert!(fs::read_to_string(&aside).unwrap().starts_with("no database"));
    assert_eq!(fs::read_to_string(folder.path().join("spool.db.damaged-5-wal")).unwrap(), "its log");
    let mut spool = spool(&folder);
    spool.append(&[event(0, "1")], UnixMillis(0)).unwrap();
    drop(spool);
    assert_eq!(Spool::set_aside(&path, UnixMillis(5000)).unwrap(), folder.path().join("spool.db.damaged-6"));
}

#[cfg(unix)]
#[test]
fn only_its_owner_can_read_it() {
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("spool.db");
    let modes = || {
        let mode = |suffix: &str| {
            let file = fs::metadata(folder.path().join(format!("spool.db{suffix}"))).unwrap();
            file.permissions().mode() & 0o777
        };
        [mode(""), mode("-wal"), mode("-shm")]
    };
    let mut first = spool(&folder);
    first.append(&[event(0, "1")], UnixMillis(0)).unwrap();
    assert_eq!(modes(), [0o600; 3]);
    for suffix in ["", "-wal", "-shm"] {
        let wide = folder.path().join(format!("spool.db{suffix}"));
        fs::set_permissions(wide, fs::Permissions::from_mode(0o644)).unwrap();
    }
    let _second = spool(&folder);
    assert_eq!(modes(), [0o600; 3]);
    assert!(path.exists());
}

#[test]
fn a_log_takes_over_what_waits_and_what_was_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("spool.db");
    let other = AccountKey::of(Some("other"), None);
    let mut old = spool(&folder);
    old.append(&[event(1, "1"), event(2, "2"), event(3, "3")], UnixMillis(3)).unwrap();
    let refused = old.next(WANTED).unwrap().unwrap();
    old.refused(&refused, 422).unwrap();
    let sent = old.next(WANTED).unwrap().unwrap();
    old.release(&sent, true).unwrap();
    old.append(&[event(4, "4"), StoredEvent { account: other, ..event(5, "5") }], UnixMillis(5)).unwrap();

    let mut log = Spool::open(&folder.path().join("spool"), limits(), Duration::ZERO).unwrap();
    assert_eq!(log.take_over(&path, UnixMillis(9), Duration::from_secs(10)).unwrap(), 5);
    assert!(path.exists(), "another process has it open");
    old.append(&[event(6, "6")], UnixMillis(6)).unwrap();
    drop(old);
    assert_eq!(log.take_over(&path, UnixMillis(9), Duration::from_secs(10)).unwrap(), 1);
    let files: Vec<_> = fs::read_dir(&folder).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(files, ["spool"]);
    assert_eq!(log.take_over(&path, UnixMillis(9), Duration::ZERO).unwrap(), 0, "there is none any more");

    let mut found = Vec::new();
    log.list(|event| {
        found.push((event.at.0, event.json));
        true
    })
    .unwrap();
    found.sort();
    let all: Vec<_> = (1..=6).map(|number| (number, number.to_string())).collect();
    assert_eq!(found, all);
    let status = log.status().unwrap();
    assert_eq!((status.refused, status.accounts), ([(422, 2)].into(), [(AccountKey::NONE, 3), (other, 1)].into()));
    let bodies: Vec<_> =
        std::iter::from_fn(|| log.next(WANTED).unwrap()).map(|batch| (batch.key, batch.body)).collect();
    assert!(bodies.contains(&(sent.key, sent.body)), "{bodies:?}");
}
