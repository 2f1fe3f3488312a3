//! What every spool does, whatever is on disk.

use std::fs;

use turnledger_core::{BatchLimits, DigestValue};

use super::*;
use crate::delivery::account::AccountKey;

/// What is on disk.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Log,
    #[cfg(feature = "spool-sqlite")]
    Sqlite,
}

impl Kind {
    fn open(self, path: &std::path::Path, limits: StoreLimits) -> Spool {
        #[cfg(feature = "spool-sqlite")]
        if self == Self::Sqlite && !path.exists() {
            fs::write(path, "").unwrap();
        }
        Spool::open(path, limits, Duration::from_secs(10)).unwrap()
    }

    fn spool(self, folder: &tempfile::TempDir) -> Spool {
        self.open(&folder.path().join("spool"), limits())
    }
}

/// Each test for each kind.
macro_rules! of_each_kind {
    ($($test:ident)*) => {
        mod log {
            $(#[test]
            fn $test() {
                super::$test(super::Kind::Log);
            })*
        }

        #[cfg(feature = "spool-sqlite")]
        mod sqlite {
            $(#[test]
            fn $test() {
                super::$test(super::Kind::Sqlite);
            })*
        }
    };
}

of_each_kind! {
    a_batch_stays_as_it_is_until_it_is_delivered
    the_oldest_go_first
    a_lease_is_renewed_by_who_has_it
    what_is_refused_is_not_kept_for_ever
    equal_events_are_two_batches
    each_account_has_batches_of_its_own
    a_deferred_batch_comes_last
    what_was_too_large_goes_in_smaller_portions_with_keys_of_their_own
    a_batch_that_nobody_sends_goes_as_a_whole_when_there_is_no_room
    what_waited_elsewhere_keeps_its_keys
    what_a_server_asked_for_holds_for_every_process
    what_there_is
    what_goes
    what_was_refused_is_tried_again
    what_is_set_aside_is_kept
}

fn event(at: u64, json: &str) -> StoredEvent {
    let is_isolated = json.contains("alone");
    StoredEvent { at: UnixMillis(at), account: AccountKey::NONE, json: json.into(), is_isolated }
}

fn limits() -> StoreLimits {
    StoreLimits {
        batch: BatchLimits::default().events(2).bytes(1000),
        batch_age: Duration::from_millis(100),
        bytes: 20,
        age: Duration::from_secs(10),
        lease: Duration::from_secs(1),
    }
}

fn wanted(now: u64, age: u64) -> Wanted {
    Wanted { now: at(now), account: AccountKey::NONE, age: Duration::from_millis(age), most_events: usize::MAX }
}

fn at(ms: u64) -> UnixMillis {
    UnixMillis(ms)
}

fn a_batch_stays_as_it_is_until_it_is_delivered(kind: Kind) {
    let folder = tempfile::tempdir().unwrap();
    let mut one = kind.spool(&folder);
    assert_eq!(one.next(&wanted(0, 0)).unwrap(), None);
    one.append(&[event(0, "1")], at(0)).unwrap();
    assert_eq!(one.next(&wanted(99, 100)).unwrap(), None, "it may get company");
    let first = one.next(&wanted(100, 100)).unwrap().unwrap();
    assert_eq!((first.body.as_str(), first.events), (r#"{"events":[1]}"#, 1));

    // Another process, or this one after a crash: not before the lease ends.
    let mut other = kind.spool(&folder);
    other.append(&[event(100, "2"), event(100, "\"alone\"")], at(100)).unwrap();
    let second = other.next(&wanted(101, 0)).unwrap().unwrap();
    assert_eq!(second.body, r#"{"events":[2]}"#);
    assert_ne!(second.key, first.key);
    let alone = other.next(&wanted(101, 0)).unwrap().unwrap();
    assert_eq!(alone.body, r#"{"events":["alone"]}"#);
    assert_eq!(other.next(&wanted(101, 0)).unwrap(), None);
    drop(one);
    let again = |batch: &StoredBatch, leased_until| Some(StoredBatch { leased_until, ..batch.clone() });
    assert_eq!(other.next(&wanted(1100, 0)).unwrap(), again(&first, 2100));
    other.delivered(&first).unwrap();
    other.release(&second, false).unwrap();
    assert_eq!(other.next(&wanted(1100, 0)).unwrap(), again(&second, 2100));
    other.delivered(&second).unwrap();
    other.refused(&alone, 400).unwrap();
    assert_eq!(other.waiting().unwrap(), Waiting { events: 0, bytes: 0, refused: 1 });
    assert_eq!(other.next(&wanted(9_999_999, 0)).unwrap(), None);
}

fn the_oldest_go_first(kind: Kind) {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = kind.spool(&folder);
    assert_eq!(spool.append(&[event(0, "12345678"), event(1, "12345678")], at(1)).unwrap(), 0);
    let sending = spool.next(&wanted(1, 0)).unwrap().unwrap();
    assert_eq!(spool.append(&[event(2, "12345678")], at(2)).unwrap(), 1, "what is being sent stays");
    spool.delivered(&sending).unwrap();
    assert_eq!(spool.waiting().unwrap(), Waiting::default());
    assert_eq!(spool.append(&[event(3, "1"), event(9000, "2")], at(9000)).unwrap(), 0);
    assert_eq!(spool.append(&[event(11_000, "3")], at(11_000)).unwrap(), 1);
    assert_eq!(spool.waiting().unwrap(), Waiting { events: 2, bytes: 2, refused: 0 });
}

fn a_lease_is_renewed_by_who_has_it(kind: Kind) {
    let folder = tempfile::tempdir().unwrap();
    let (mut one, mut other) = (kind.spool(&folder), kind.spool(&folder));
    one.append(&[event(0, "1")], at(0)).unwrap();
    let mut mine = one.next(&wanted(0, 0)).unwrap().unwrap();
    assert!(one.renew(&mut mine, at(900)).unwrap());
    assert_eq!((mine.leased_until, other.next(&wanted(1000, 0)).unwrap()), (1900, None));
    // It expires, and is another's.
    let theirs = other.next(&wanted(1900, 0)).unwrap().unwrap();
    assert!(!one.renew(&mut mine.clone(), at(1901)).unwrap());
    one.release(&mine, false).unwrap();
    assert_eq!(one.next(&wanted(1901, 0)).unwrap(), None, "what is another's is not given back");
    // Both have an answer, and they differ.
    one.refused(&mine, 400).unwrap();
    other.delivered(&theirs).unwrap();
    assert_eq!(one.waiting().unwrap(), Waiting::default());
}

fn what_is_refused_is_not_kept_for_ever(kind: Kind) {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = kind.spool(&folder);
    for number in 0..=MOST_REFUSED {
        spool.append(&[event(0, &number.to_string())], at(0)).unwrap();
        let batch = spool.next(&wanted(0, 0)).unwrap().unwrap();
        spool.refused(&batch, 400).unwrap();
    }
    assert_eq!(spool.waiting().unwrap(), Waiting { events: 0, bytes: 0, refused: 100 });
    let mut first = None;
    spool
        .list(|event| {
            first = Some(event.json);
            false
        })
        .unwrap();
    assert_eq!(first.as_deref(), Some("1"));
}

fn equal_events_are_two_batches(kind: Kind) {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = kind.spool(&folder);
    let mut ids = Vec::new();
    for _ in 0..2 {
        spool.append(&[event(0, "1")], at(0)).unwrap();
        let batch = spool.next(&wanted(0, 0)).unwrap().unwrap();
        spool.delivered(&batch).unwrap();
        ids.push(batch.key);
    }
    assert_ne!(ids[0], ids[1]);
}

fn of(account: &str, json: &str) -> StoredEvent {
    StoredEvent { account: AccountKey::of(Some(account), None), ..event(0, json) }
}

fn each_account_has_batches_of_its_own(kind: Kind) {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = kind.spool(&folder);
    spool.append(&[of("one", "1"), of("two", "2"), of("one", "3"), of("two", "4")], at(0)).unwrap();
    let mut body = |account: AccountKey| {
        let batch = spool.next(&Wanted { account, ..wanted(0, 0) }).unwrap();
        batch.map(|batch| batch.body)
    };
    assert_eq!(body(AccountKey::NONE), None);
    assert_eq!(body(AccountKey::of(Some("two"), None)).as_deref(), Some(r#"{"events":[2,4]}"#));
    assert_eq!(body(AccountKey::of(Some("one"), None)).as_deref(), Some(r#"{"events":[1,3]}"#));
    assert_eq!(body(AccountKey::of(Some("one"), None)), None);
}

fn a_deferred_batch_comes_last(kind: Kind) {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = kind.spool(&folder);
    spool.append(&[event(0, "1"), event(0, "2"), event(0, "3")], at(0)).unwrap();
    for expected in [r#"{"events":[1,2]}"#, r#"{"events":[3]}"#] {
        let batch = spool.next(&wanted(0, 0)).unwrap().unwrap();
        assert_eq!(batch.body, expected);
        spool.release(&batch, true).unwrap();
    }
    spool.append(&[event(0, "4")], at(0)).unwrap();
    let bodies: Vec<_> = std::iter::from_fn(|| spool.next(&wanted(0, 0)).unwrap()).map(|batch| batch.body).collect();
    assert_eq!(bodies, [r#"{"events":[4]}"#, r#"{"events":[1,2]}"#, r#"{"events":[3]}"#]);
}

fn what_was_too_large_goes_in_smaller_portions_with_keys_of_their_own(kind: Kind) {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = kind.spool(&folder);
    spool.append(&[event(0, "1"), event(0, "2")], at(0)).unwrap();
    let whole = spool.next(&wanted(0, 0)).unwrap().unwrap();
    spool.dissolve(&whole).unwrap();
    let half = || Wanted { most_events: 1, ..wanted(0, 0) };
    let (first, second) = (spool.next(&half()).unwrap().unwrap(), spool.next(&half()).unwrap().unwrap());
    assert_eq!((first.body.as_str(), second.body.as_str()), (r#"{"events":[1]}"#, r#"{"events":[2]}"#));
    // The same events again are another request.
    spool.dissolve(&first).unwrap();
    let again = spool.next(&half()).unwrap().unwrap();
    assert_eq!(again.body, first.body);
    let mut keys = vec![whole.key, first.key, second.key, again.key];
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 4);
    // What another process has is not dissolved.
    spool.dissolve(&StoredBatch { leased_until: 1, ..second.clone() }).unwrap();
    spool.release(&second, false).unwrap();
    assert_eq!(spool.next(&half()).unwrap(), Some(second));
}

fn a_batch_that_nobody_sends_goes_as_a_whole_when_there_is_no_room(kind: Kind) {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = kind.spool(&folder);
    spool.append(&[event(0, "12345678"), event(1, "12345678")], at(1)).unwrap();
    let left = spool.next(&wanted(1, 0)).unwrap().unwrap();
    spool.release(&left, true).unwrap();
    assert_eq!(spool.append(&[event(2, "12345678")], at(2)).unwrap(), 2);
    assert_eq!(spool.waiting().unwrap(), Waiting { events: 1, bytes: 8, refused: 0 });
    assert_eq!(spool.next(&wanted(2, 0)).unwrap().unwrap().body, r#"{"events":[12345678]}"#);
}

fn what_waited_elsewhere_keeps_its_keys(kind: Kind) {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = kind.spool(&folder);
    let key = DigestValue::new(&[7; 32]);
    assert_eq!(spool.take_in(&[event(0, "2")], &[(key, vec![event(0, "1")])], at(0)).unwrap(), 0);
    assert_eq!(spool.waiting().unwrap(), Waiting { events: 2, bytes: 2, refused: 0 });
    // A second time, it is there already.
    assert_eq!(spool.take_in(&[], &[(key, vec![event(0, "1")])], at(0)).unwrap(), 0);
    let first = spool.next(&wanted(0, 0)).unwrap().unwrap();
    assert_eq!((first.key, first.body.as_str()), (key, r#"{"events":[1]}"#));
    assert_eq!(spool.waiting().unwrap(), Waiting { events: 2, bytes: 2, refused: 0 });
}

fn what_a_server_asked_for_holds_for_every_process(kind: Kind) {
    let folder = tempfile::tempdir().unwrap();
    let (mut one, other) = (kind.spool(&folder), kind.spool(&folder));
    assert_eq!(other.asked_until("https://a", at(0)).unwrap(), None);
    one.ask_until("https://a", at(100)).unwrap();
    assert_eq!(other.asked_until("https://a", at(99)).unwrap(), Some(at(100)));
    assert_eq!(other.asked_until("https://a", at(100)).unwrap(), None);
    assert_eq!(other.asked_until("https://b", at(99)).unwrap(), None, "another server did not ask");
}

/// A spool with two events that were refused, one that is being sent, and one that waits.
fn filled(kind: Kind, folder: &tempfile::TempDir) -> Spool {
    let limits = StoreLimits { bytes: 1000, ..limits() };
    let mut spool = kind.open(&folder.path().join("spool"), limits);
    spool.append(&[event(1, "1"), event(2, "22")], UnixMillis(2)).unwrap();
    let refused = spool.next(&wanted(2, 0)).unwrap().unwrap();
    spool.refused(&refused, 413).unwrap();
    spool.append(&[event(3, "333")], UnixMillis(3)).unwrap();
    spool.next(&wanted(3, 0)).unwrap().unwrap();
    spool.append(&[event(4, "4444")], UnixMillis(4)).unwrap();
    spool
}

fn accounts(events: u64) -> std::collections::BTreeMap<AccountKey, u64> {
    [(AccountKey::NONE, events)].into()
}

fn listed(spool: &Spool) -> Vec<Listed> {
    let mut listed = Vec::new();
    spool
        .list(|event| {
            listed.push(event);
            true
        })
        .unwrap();
    listed
}

fn span(first: u64, last: u64) -> (UnixMillis, UnixMillis) {
    (UnixMillis(first), UnixMillis(last))
}

fn what_there_is(kind: Kind) {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = filled(kind, &folder);
    let waiting = Waiting { events: 2, bytes: 7, refused: 2 };
    let status = SpoolStatus {
        waiting,
        in_batches: 1,
        span: Some(span(3, 4)),
        refused: [(413, 2)].into(),
        accounts: accounts(2),
    };
    assert_eq!(spool.status().unwrap(), status);
    let event = |number, state, json: &str| Listed { number, at: UnixMillis(number), state, json: json.into() };
    let refused = State::Refused { status: 413 };
    assert_eq!(
        listed(&spool),
        [
            event(1, refused, "1"),
            event(2, refused, "22"),
            event(3, State::InBatch, "333"),
            event(4, State::Waiting, "4444")
        ]
    );
    let mut seen = 0;
    spool
        .list(|_| {
            seen += 1;
            seen < 2
        })
        .unwrap();
    assert_eq!(seen, 2);
}

fn what_goes(kind: Kind) {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = filled(kind, &folder);
    assert_eq!(spool.clear(Clear::Refused).unwrap(), 2);
    let waiting = Waiting { events: 2, bytes: 7, refused: 0 };
    assert_eq!(
        spool.status().unwrap(),
        SpoolStatus { waiting, in_batches: 1, span: Some(span(3, 4)), accounts: accounts(2), ..SpoolStatus::default() }
    );
    assert_eq!(spool.clear(Clear::Everything).unwrap(), 2);
    assert_eq!((spool.status().unwrap(), listed(&spool)), (SpoolStatus::default(), Vec::new()));
    spool.shrink().unwrap();
}

fn what_was_refused_is_tried_again(kind: Kind) {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = filled(kind, &folder);
    assert_eq!(spool.retry_refused().unwrap(), 2);
    let waiting = Waiting { events: 4, bytes: 10, refused: 0 };
    assert_eq!(
        spool.status().unwrap(),
        SpoolStatus { waiting, in_batches: 1, span: Some(span(1, 4)), accounts: accounts(4), ..SpoolStatus::default() }
    );
    let batch = spool.next(&wanted(5, 0)).unwrap().unwrap();
    assert_eq!(batch.body, r#"{"events":[1,22]}"#);
}

fn what_is_set_aside_is_kept(kind: Kind) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("spool");
    kind.spool(&folder).append(&[event(0, "1")], at(0)).unwrap();
    let aside = Spool::set_aside(&path, at(5000)).unwrap();
    assert_eq!(aside, folder.path().join("spool.damaged-5"));
    let mut spool = kind.spool(&folder);
    assert_eq!(spool.waiting().unwrap(), Waiting::default());
    spool.append(&[event(0, "2")], at(0)).unwrap();
    drop(spool);
    assert_eq!(Spool::set_aside(&path, at(5000)).unwrap(), folder.path().join("spool.damaged-6"));
    assert_eq!(kind.open(&aside, limits()).waiting().unwrap(), Waiting { events: 1, bytes: 1, refused: 0 });
}
