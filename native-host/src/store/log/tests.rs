use std::fs;
use std::fs::OpenOptions;
use std::io::Write;
use std::thread;

use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use crate::delivery::account::AccountKey;
use crate::store::{Listed, Spool};

const PATIENCE: Duration = Duration::from_secs(10);
const NONE: AccountKey = AccountKey::NONE;

fn event(json: &str) -> StoredEvent {
    StoredEvent { at: UnixMillis(0), account: NONE, json: json.into(), is_isolated: false }
}

fn limits() -> StoreLimits {
    StoreLimits { batch: BatchLimits::default().events(3).bytes(1000), ..StoreLimits::default() }
}

fn wanted(now: u64) -> Wanted {
    Wanted { now: UnixMillis(now), account: NONE, age: Duration::ZERO, most_events: usize::MAX }
}

fn open(path: &Path) -> Log {
    Log::open(path, limits(), PATIENCE).unwrap()
}

fn append(log: &mut Log, json: &str) {
    log.append(&[event(json)], UnixMillis(0)).unwrap();
}

/// The log's file.
fn file(path: &Path) -> PathBuf {
    let files = fs::read_dir(path).unwrap().map(|file| file.unwrap().path());
    let logs: Vec<_> = files.filter(|file| file.extension().is_some_and(|end| end == "log")).collect();
    assert_eq!(logs.len(), 1, "{logs:?}");
    logs[0].clone()
}

fn listed(log: &Log) -> Vec<Listed> {
    let mut all = Vec::new();
    log.list(|event| {
        all.push(event);
        true
    })
    .unwrap();
    all
}

fn texts(log: &Log) -> Vec<String> {
    listed(log).into_iter().map(|event| event.json).collect()
}

#[test]
fn a_damaged_record_is_set_aside_and_those_around_it_stay() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("spool");
    let mut log = open(&path);
    for json in ["\"one\"", "\"two\"", "\"three\""] {
        append(&mut log, json);
    }
    let mut bytes = fs::read(file(&path)).unwrap();
    let place = bytes.windows(3).position(|text| text == b"two").unwrap();
    bytes[place] = b'T';
    fs::write(file(&path), &bytes).unwrap();

    // Who has it open already notices when the event is to be sent, and who opens it at once.
    let batch = log.next(&wanted(0)).unwrap().unwrap();
    assert_eq!(batch.body, r#"{"events":["one","three"]}"#);
    let size = (record::HEADER + 41 + 1 + 5) as u64;
    assert_eq!(log.take_damage(), Some(Damage { places: 1, bytes: size }));
    log.release(&batch, false).unwrap();
    let mut other = open(&path);
    assert_eq!(other.take_damage(), Some(Damage { places: 1, bytes: size }));
    assert_eq!(texts(&other), ["\"one\"", "\"three\""]);
    let aside = fs::read(path.join(DAMAGED)).unwrap();
    assert_eq!((aside.len() as u64, aside.ends_with(b"\"Two\"")), (size, true));
    // It is found once.
    assert_eq!((open(&path).take_damage(), log.take_damage()), (None, None));
    assert_eq!(log.next(&wanted(0)).unwrap(), Some(batch), "and the batch keeps its key");
}

#[test]
fn a_log_that_is_overwritten_begins_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("spool");
    for noise in ["", "noise", &"noise ".repeat(50), &"noise ".repeat(100_000)] {
        // One has seen more of it than the other.
        let (mut log, mut other) = (open(&path), open(&path));
        append(&mut log, "1");
        append(&mut log, "2");
        fs::write(file(&path), noise).unwrap();
        for number in 0..3 {
            append(if number % 2 == 0 { &mut other } else { &mut log }, &number.to_string());
        }
        assert_eq!((texts(&log), texts(&other)), (vec!["0".into(), "1".into(), "2".into()], texts(&log)));
        let mut log = open(&path);
        assert_eq!(texts(&log), ["0", "1", "2"]);
        log.clear(crate::store::Clear::Everything).unwrap();
    }
}

#[test]
fn what_is_no_spool_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let said = |path: &Path| Log::open(path, limits(), Duration::ZERO).unwrap_err().to_string();
    let path = folder.path().join("home");
    fs::create_dir(&path).unwrap();
    fs::write(path.join("letter"), "dear").unwrap();
    let expected = format!("{}: cannot use the spool: a folder with something else in it", path.display());
    assert_eq!(said(&path), expected);
    assert_eq!(fs::read_dir(&path).unwrap().count(), 1, "nothing is made there");
    assert!(Log::open(&folder.path().join("no/folder"), limits(), PATIENCE).is_err());

    let path = folder.path().join("newer");
    drop(open(&path));
    let mut head = Vec::new();
    record::write(&Record::Head { version: 2, event: 1, batch: 1 }, &mut head).unwrap();
    fs::write(file(&path), &head).unwrap();
    assert_eq!(said(&path), format!("{}: a spool of version 2; this program knows version 1", path.display()));
    assert_eq!(fs::read(file(&path)).unwrap(), head);
}

#[test]
fn who_waits_for_too_long_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("spool");
    let mut log = Log::open(&path, limits(), Duration::ZERO).unwrap();
    let other = OpenOptions::new().read(true).write(true).open(path.join("lock")).unwrap();
    other.lock().unwrap();
    let said = log.append(&[event("1")], UnixMillis(0)).unwrap_err().to_string();
    assert_eq!(said, format!("{}: cannot use the spool: it is locked by another process", path.display()));
    drop(other);
    append(&mut log, "1");
    assert_eq!(texts(&log), ["1"]);
}

#[cfg(unix)]
#[test]
fn only_its_owner_can_read_it() {
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("spool");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    append(&mut open(&path), "1");
    let (log, lock) = (file(&path), path.join("lock"));
    assert_eq!((mode(&path), mode(&log), mode(&lock)), (0o700, 0o600, 0o600));
    for (path, wide) in [(&path, 0o755), (&log, 0o644), (&lock, 0o666)] {
        fs::set_permissions(path, fs::Permissions::from_mode(wide)).unwrap();
    }
    open(&path).shrink().unwrap();
    assert_eq!((mode(&path), mode(&file(&path)), mode(&lock)), (0o700, 0o600, 0o600));
}

/// A folder that is renamed or removed under who has it open: a new one takes its place.
#[test]
fn a_spool_that_is_gone_is_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("spool");
    let (mut log, mut other) = (open(&path), open(&path));
    append(&mut log, "1");
    let aside = Spool::set_aside(&path, UnixMillis(0)).unwrap();
    append(&mut other, "2");
    append(&mut log, "3");
    assert_eq!((texts(&log), texts(&open(&aside))), (vec!["2".into(), "3".into()], vec!["1".into()]));
    fs::remove_dir_all(&path).unwrap();
    append(&mut log, "4");
    assert_eq!(texts(&other), ["4"]);
    fs::remove_dir_all(folder.path()).unwrap();
    let error = log.append(&[event("5")], UnixMillis(0)).unwrap_err();
    assert!(matches!(error, SpoolError::File { .. }), "{error}");
}

#[test]
fn what_is_delivered_takes_no_room_for_long() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("spool");
    let (mut log, mut other) = (open(&path), open(&path));
    log.ask_until("https://a", UnixMillis(u64::MAX)).unwrap();
    append(&mut log, "\"stays\"");
    let stays = log.next(&wanted(0)).unwrap().unwrap();
    log.refused(&stays, 400).unwrap();
    let text = format!("\"{}\"", "x".repeat(100_000));
    for _ in 0..100 {
        append(&mut log, &text);
        let batch = other.next(&wanted(0)).unwrap().unwrap();
        assert_eq!(batch.events, 1);
        other.delivered(&batch).unwrap();
        assert!(fs::metadata(file(&path)).unwrap().len() <= 1 << 21);
    }
    for log in [&log, &other, &open(&path)] {
        assert_eq!(texts(log), ["\"stays\""]);
        assert_eq!(log.waiting().unwrap(), Waiting { events: 0, bytes: 0, refused: 1 });
        assert!(log.asked_until("https://a", UnixMillis(1)).unwrap().is_some());
    }
    append(&mut log, "1");
    assert_eq!(listed(&log)[1].number, 102, "no number is used again");
    other.shrink().unwrap();
    assert!(fs::metadata(file(&path)).unwrap().len() < 1000);
    // An end in the middle of a rewriting leaves files that do not matter.
    fs::write(path.join("00000099-00000000.log.new"), "half").unwrap();
    fs::write(path.join("00000000-00000000.log"), "old").unwrap();
    assert_eq!(texts(&open(&path)), ["\"stays\"", "1"]);
    assert_eq!(fs::read_dir(&path).unwrap().count(), 2);
}

/// Many at once: each event is in one batch, and is taken once.
#[test]
fn several_share_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("spool");
    let taken: Vec<String> = thread::scope(|scope| {
        let of_thread = |number: usize| {
            let path = &path;
            move || {
                let mut log = open(path);
                let mut taken = Vec::new();
                for round in 0..50 {
                    let text = format!("\"{number}-{round}-{}\"", "x".repeat(5000));
                    append(&mut log, &text);
                    if let Some(batch) = log.next(&wanted(0)).unwrap() {
                        taken.push(batch.body.clone());
                        log.delivered(&batch).unwrap();
                    }
                }
                taken
            }
        };
        let threads: Vec<_> = (0..4).map(|number| scope.spawn(of_thread(number))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let mut log = open(&path);
    let rest = std::iter::from_fn(|| log.next(&wanted(0)).unwrap()).map(|batch| batch.body);
    let all: Vec<String> = taken.into_iter().chain(rest).collect();
    let mut found: Vec<_> = all.iter().flat_map(|body| body.split('"')).filter(|text| text.contains("-x")).collect();
    assert_eq!(found.len(), 200);
    found.sort_unstable();
    found.dedup();
    assert_eq!(found.len(), 200);
}

/// Whether bytes are records, and nothing else.
fn is_whole(mut bytes: &[u8]) -> bool {
    while let record::Found::Record(_, size) = record::read(bytes) {
        bytes = &bytes[size..];
    }
    bytes.is_empty()
}

/// Something that is done with a spool.
#[derive(Clone, Debug)]
enum Step {
    Append(Vec<(u8, usize)>),
    TakeIn(u8, Vec<usize>),
    Next(u8, usize),
    Settle(Index, How),
    Clear(bool),
    Retry,
    Wait(u64),
    Reopen,
    Shrink,
}

#[derive(Clone, Copy, Debug)]
enum How {
    Delivered,
    Refused,
    Released,
    Deferred,
    Dissolved,
    Renewed,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    use How::{Deferred, Delivered, Dissolved, Refused, Released, Renewed};
    let how = prop::sample::select(vec![Delivered, Delivered, Refused, Released, Deferred, Dissolved, Renewed]);
    let step = prop_oneof![
        4 => prop::collection::vec((0..3_u8, 1..40_usize), 1..6).prop_map(Step::Append),
        1 => (0..3_u8, prop::collection::vec(1..40_usize, 1..4)).prop_map(|(of, events)| Step::TakeIn(of, events)),
        6 => (0..3_u8, 1..5_usize).prop_map(|(of, most)| Step::Next(of, most)),
        6 => (any::<Index>(), how).prop_map(|(which, how)| Step::Settle(which, how)),
        1 => any::<bool>().prop_map(Step::Clear),
        1 => Just(Step::Retry),
        2 => (0..2000_u64).prop_map(Step::Wait),
        1 => Just(Step::Reopen),
        1 => Just(Step::Shrink),
    ];
    prop::collection::vec(step, 1..60)
}

/// A spool, and the batches that it gave.
struct Run<S> {
    spool: S,
    out: Vec<StoredBatch>,
    now: u64,
    made: usize,
}

impl<S> Run<S> {
    fn new(spool: S) -> Self {
        Self { spool, out: Vec::new(), now: 0, made: 0 }
    }

    fn event(&mut self, of: u8, bytes: usize) -> StoredEvent {
        self.made += 1;
        let account = if of == 0 { NONE } else { AccountKey::of(Some(&of.to_string()), None) };
        let json = format!("\"{}{}\"", self.made, "x".repeat(bytes));
        StoredEvent { at: UnixMillis(self.now), account, json, is_isolated: bytes == 7 }
    }
}

fn narrow_limits() -> StoreLimits {
    StoreLimits {
        batch: BatchLimits::default().events(3).bytes(90),
        batch_age: Duration::from_millis(100),
        bytes: 400,
        age: Duration::from_secs(10),
        lease: Duration::from_secs(1),
    }
}

/// The same for each kind of spool: what a step returns, in words.
macro_rules! take_step {
    ($run:expr, $step:expr, $reopen:expr) => {{
        let run = $run;
        let now = UnixMillis(run.now);
        match $step {
            Step::Append(events) => {
                let events: Vec<_> = events.iter().map(|(of, bytes)| run.event(*of, *bytes)).collect();
                format!("{:?}", run.spool.append(&events, now).unwrap())
            }
            Step::TakeIn(of, events) => {
                let events: Vec<_> = events.iter().map(|bytes| run.event(*of, *bytes)).collect();
                let key = DigestValue::new(&[u8::try_from(run.made % 256).unwrap(); 32]);
                format!("{:?}", run.spool.take_in(&events[..1], &[(key, events[1..].to_vec())], now).unwrap())
            }
            Step::Next(of, most_events) => {
                let account = if *of == 0 { NONE } else { AccountKey::of(Some(&of.to_string()), None) };
                let wanted = Wanted { now, account, age: Duration::ZERO, most_events: *most_events };
                let next = run.spool.next(&wanted).unwrap();
                run.out.extend(next.clone());
                format!("{:?}", next.map(|next| (next.number, next.leased_until, next.account, next.events, next.body)))
            }
            Step::Settle(which, how) if !run.out.is_empty() => {
                let place = which.index(run.out.len());
                let mut batch = run.out[place].clone();
                match how {
                    How::Delivered => run.spool.delivered(&batch).unwrap(),
                    How::Refused => run.spool.refused(&batch, 413).unwrap(),
                    How::Released => run.spool.release(&batch, false).unwrap(),
                    How::Deferred => run.spool.release(&batch, true).unwrap(),
                    How::Dissolved => run.spool.dissolve(&batch).unwrap(),
                    How::Renewed => {
                        let renewed = run.spool.renew(&mut batch, now).unwrap();
                        run.out[place] = batch;
                        return format!("{renewed}");
                    }
                }
                String::new()
            }
            Step::Settle(..) => String::new(),
            Step::Clear(all) => {
                let what = if *all { crate::store::Clear::Everything } else { crate::store::Clear::Refused };
                format!("{:?}", run.spool.clear(what).unwrap())
            }
            Step::Retry => format!("{:?}", run.spool.retry_refused().unwrap()),
            Step::Wait(ms) => {
                run.now += ms;
                String::new()
            }
            Step::Reopen => {
                run.spool = $reopen;
                String::new()
            }
            Step::Shrink => {
                run.spool.shrink().unwrap();
                String::new()
            }
        }
    }};
}

fn log_step(run: &mut Run<Log>, step: &Step, path: &Path) -> String {
    take_step!(run, step, Log::open(path, narrow_limits(), PATIENCE).unwrap())
}

#[cfg(feature = "spool-sqlite")]
fn sqlite_step(run: &mut Run<crate::store::sqlite::Sqlite>, step: &Step, path: &Path) -> String {
    take_step!(run, step, crate::store::sqlite::Sqlite::open(path, narrow_limits(), PATIENCE).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is done, a log answers as an SQLite database does.
    #[cfg(feature = "spool-sqlite")]
    #[test]
    fn a_log_does_what_a_database_does(steps in steps()) {
        use crate::store::sqlite::Sqlite;

        let folder = tempfile::tempdir().unwrap();
        let (path, of_sqlite) = (folder.path().join("spool"), folder.path().join("spool.db"));
        let mut log = Run::new(Log::open(&path, narrow_limits(), PATIENCE).unwrap());
        let mut sqlite = Run::new(Sqlite::open(&of_sqlite, narrow_limits(), PATIENCE).unwrap());
        for step in &steps {
            prop_assert_eq!(log_step(&mut log, step, &path), sqlite_step(&mut sqlite, step, &of_sqlite), "{:?}", step);
            prop_assert_eq!(log.spool.status().unwrap(), sqlite.spool.status().unwrap(), "{:?}", step);
            let mut in_sqlite = Vec::new();
            sqlite.spool.list(|event| { in_sqlite.push(event); true }).unwrap();
            prop_assert_eq!(listed(&log.spool), in_sqlite, "{:?}", step);
        }
        let mut keys: Vec<_> = log.out.iter().map(|batch| (batch.number, batch.key)).collect();
        keys.sort_unstable();
        keys.dedup();
        let mut numbers: Vec<_> = keys.iter().map(|(number, _)| *number).collect();
        numbers.dedup();
        prop_assert_eq!(keys.len(), numbers.len(), "a batch keeps its key");
    }

    /// A log that ends at any byte is what it was before the step that wrote there, or has the first of its events.
    #[test]
    fn a_torn_end_costs_what_is_in_it(steps in steps(), place in any::<Index>(), noise in prop::collection::vec(any::<u8>(), 0..30)) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("spool");
        let mut run = Run::new(Log::open(&path, narrow_limits(), PATIENCE).unwrap());
        let length = || fs::metadata(file(&path)).unwrap().len();
        let mut was = vec![(length(), listed(&run.spool))];
        for step in steps.iter().filter(|step| !matches!(step, Step::Shrink)) {
            log_step(&mut run, step, &path);
            was.push((length(), listed(&run.spool)));
        }
        let first = was[0].0;
        let cut = first + place.index(usize::try_from(length() - first + 1).unwrap()) as u64;
        OpenOptions::new().write(true).open(file(&path)).unwrap().set_len(cut).unwrap();
        let is_torn = !noise.is_empty() || !is_whole(&fs::read(file(&path)).unwrap());
        // What lay there before, on a disk that lost its power.
        OpenOptions::new().append(true).open(file(&path)).unwrap().write_all(&noise).unwrap();
        let mut log = Log::open(&path, narrow_limits(), PATIENCE).unwrap();
        let (whole, before) = was.iter().rfind(|(length, _)| *length <= cut).unwrap();
        let after = was.iter().find(|(length, _)| *length > cut).map_or(before, |(_, after)| after);
        prop_assert_eq!(log.take_damage().is_some(), is_torn);
        let found = listed(&log);
        for event in before {
            prop_assert!(found.contains(event) || after.iter().all(|other| other != event), "{:?} is lost", event);
        }
        let known = |event: &Listed| {
            let same = |other: &Listed| other.number == event.number && other.json == event.json;
            before.iter().any(same) || after.iter().any(same)
                // An event that came and went, to make room, within the step.
                || cut > *whole
        };
        prop_assert!(found.iter().all(known));
        // What was sent has the key that it was sent with.
        for (number, held) in &log.files.borrow().state.batches {
            let mut sent = run.out.iter().filter(|batch| batch.number == number.cast_signed());
            prop_assert!(sent.all(|batch| batch.key == held.record.key));
        }
        // It works on.
        append(&mut log, "\"more\"");
        drop(log);
        let log = Log::open(&path, narrow_limits(), PATIENCE).unwrap();
        prop_assert!(texts(&log).contains(&"\"more\"".to_owned()));
    }

    /// Bytes that change anywhere take no event with them but that which they are in.
    #[test]
    fn damage_anywhere_spares_the_rest(
        events in prop::collection::vec(1..200_usize, 1..60),
        flips in prop::collection::vec((any::<Index>(), 1..=255_u8), 1..5),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("spool");
        let mut log = open(&path);
        let stored: Vec<_> =
            events.iter().enumerate().map(|(number, bytes)| event(&format!("\"{number}{}\"", "x".repeat(*bytes)))).collect();
        log.append(&stored, UnixMillis(0)).unwrap();
        let mut bytes = fs::read(file(&path)).unwrap();
        let places: Vec<u64> = flips
            .iter()
            .map(|(place, flip)| {
                let place = place.index(bytes.len());
                bytes[place] ^= flip;
                place as u64
            })
            .collect();
        // A byte that is flipped back is none.
        let is_damaged = bytes != fs::read(file(&path)).unwrap();
        fs::write(file(&path), &bytes).unwrap();
        let spared: Vec<_> = log.files.borrow().state.events.iter().filter(|(_, entry)| {
            !places.iter().any(|place| (entry.offset..entry.offset + u64::from(entry.size)).contains(place))
        }).map(|(number, _)| *number).collect();
        let mut log = open(&path);
        let found: Vec<_> = listed(&log).iter().map(|event| event.number).collect();
        prop_assert!(spared.iter().all(|number| found.contains(number)), "{:?} of {:?}", found, spared);
        prop_assert_eq!(log.take_damage().is_some(), is_damaged);
    }
}
