//! The running ledger among faults: of the server, of the store, of hooks, and at the end. Whatever happens, each event is
//! somewhere, and what is said of it is true.

use std::any::Any;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::future::Future;
use std::net::TcpListener;
use std::path::Path;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use turnledger::Ledger;
use turnledger::delivery::auth::{Account, NoAuth, SuppliedToken, TokenRefresher};
use turnledger::delivery::{Endpoint, Hold, Reply};
use turnledger::ledger::{Flushed, LedgerBuilder, LedgerStats, Trouble};
use turnledger::secrecy::SecretString;
use turnledger::store::{Spool, StoreLimits, Waiting};
use turnledger_testing::{Answer, Collector};
use turnledger_tests::ledger::{LONG, builder, hook, spools, stored, stores, threads, to, wait_until, with_auth};

/// Every event that was made is in exactly one place.
fn assert_adds_up(stats: &LedgerStats) {
    let made: u64 = stats.core.events.values().sum();
    let places = stats.delivered
        + stats.waiting.events
        + stats.refused.values().sum::<u64>()
        + stats.vetoed
        + stats.evicted
        + stats.no_account
        + stats.not_backend
        + stats.unkept;
    assert_eq!(made, places, "{stats:#?}");
}

/// A server that accepts, and says nothing.
fn silent() -> (String, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    (format!("http://{}", listener.local_addr().expect("its address")), listener)
}

/// What a ledger tells of trouble.
fn listening(builder: LedgerBuilder) -> (Ledger, Receiver<Trouble>) {
    let (tell, told) = channel();
    let ledger = builder.on_trouble(move |trouble| {
        // Nobody may listen any more.
        let _ = tell.send(trouble.clone());
    });
    (ledger.start().expect("a ledger"), told)
}

#[test]
fn reducing_never_waits_for_a_server_that_never_answers() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut servers = Vec::new();
    for spool in stores(folder.path()) {
        let (url, listener) = silent();
        servers.push(listener);
        // What is on its way is leased for longer than the test takes on any machine.
        let limits = StoreLimits::default().batch_age(Duration::from_millis(20)).lease(Duration::from_secs(3600));
        let mut silenced = to(&url, Arc::new(NoAuth)).store(limits);
        if let Some(spool) = &spool {
            silenced = silenced.spool(spool.clone());
        }
        let ledger = silenced.start().expect("a ledger");
        ledger.track(hook("first"));
        // It is on its way, and will not come back for ten seconds.
        thread::sleep(Duration::from_millis(100));
        for number in 0..10_000 {
            ledger.track(hook(&number.to_string()));
        }
        let start = Instant::now();
        assert_eq!(ledger.shutdown(Duration::from_secs(3)), stored(0, 10_001));
        assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
        let stats = ledger.stats();
        assert_eq!((stats.dropped, stats.late), (0, 0));
        assert_eq!(stats.in_memory.events, if spool.is_some() { 0 } else { 10_001 });
        assert_adds_up(&stats);
        // What was on its way stays leased; the rest goes with the next session.
        let Some(spool) = spool else { continue };
        let collector = Collector::new();
        let ledger = builder(&collector).spool(spool).start().expect("a ledger");
        assert_eq!(ledger.shutdown(LONG), stored(10_000, 1));
    }
}

#[test]
fn a_short_session_loses_nothing() {
    // With the limits that an embedder gets without saying anything.
    let collector = Collector::new();
    let plain = || {
        let endpoint = Endpoint::new(&collector.url()).expect("a URL");
        Ledger::builder().upload(endpoint, Arc::new(NoAuth)).start().expect("a ledger")
    };
    let ledger = plain();
    ledger.track(hook("soon"));
    wait_until("the first events go soon", || threads(&collector) == ["soon"]);
    let ledger = (plain(), ledger).0;
    let other = ledger.clone();
    ledger.track(hook("then dropped"));
    drop(ledger);
    drop(other);
    assert_eq!(threads(&collector), ["soon", "then dropped"]);
    // A server that is away costs what the builder says, and not more.
    let ledger = to("http://127.0.0.1:1", Arc::new(NoAuth)).linger(Duration::from_millis(200)).start();
    let ledger = ledger.expect("a ledger");
    ledger.track(hook("lost"));
    let start = Instant::now();
    drop(ledger);
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

/// Hands the request for a token to who runs the app-server.
struct Outgoing(Mutex<std::sync::mpsc::Sender<Reply<SecretString>>>);

impl TokenRefresher for Outgoing {
    fn refresh(&self, reply: Reply<SecretString>) {
        self.0.lock().expect("the sender").send(reply).expect("a runtime");
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// A runtime with one thread, which also answers who asks for a token.
fn block_on<T>(future: impl Future<Output = T>, asked: &Receiver<Reply<SecretString>>) -> T {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return value;
        }
        for reply in asked.try_iter() {
            reply.give("renewed".into());
        }
        thread::park_timeout(Duration::from_millis(1));
    }
}

#[test]
fn the_end_does_not_wait_for_the_thread_that_it_is_awaited_on() {
    let collector = Collector::new();
    collector.script([Answer::status(401)]);
    let (ask, asked) = channel();
    let outgoing = Arc::new(Outgoing(Mutex::new(ask)));
    let token = SuppliedToken::new("stale".into(), Account::default(), Arc::downgrade(&outgoing));
    let ledger = with_auth(&collector, Arc::new(token)).start().expect("a ledger");
    ledger.track(hook("one"));
    let start = Instant::now();
    assert_eq!(block_on(ledger.begin_shutdown(LONG), &asked), stored(1, 0));
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    assert_eq!(ledger.begin_flush(LONG).wait(), Flushed::Ended);
    assert_eq!(Ledger::disabled().begin_shutdown(LONG).wait(), Flushed::Nothing);
}

#[test]
fn a_hook_that_never_returns_holds_up_neither_reducing_nor_the_end() {
    let collector = Collector::new();
    let ledger = builder(&collector)
        .before_send(|event| {
            if event.to_string().contains("stuck") {
                thread::sleep(LONG * 10);
            }
            Some(event)
        })
        .start()
        .expect("a ledger");
    ledger.track(hook("passed"));
    wait_until("what was before it arrives", || threads(&collector) == ["passed"]);
    ledger.track(hook("stuck"));
    for _ in 0..1000 {
        ledger.track(hook("behind it"));
    }
    wait_until("all is reduced", || ledger.stats().core.events.values().sum::<u64>() == 1002);
    let start = Instant::now();
    assert_eq!(ledger.shutdown(Duration::from_millis(300)), Flushed::TimedOut);
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    assert_eq!(ledger.stats().dropped, 0);
}

#[test]
fn what_is_wrong_with_the_address_or_the_account_loses_nothing_and_is_told_once() {
    for (status, header) in [
        (301, Some(("Location", "http://127.0.0.1:1/"))),
        (403, None),
        (404, None),
        (405, Some(("Allow", "GET"))),
        (407, None),
        (410, None),
    ] {
        let collector = Collector::new();
        let answer =
            header.into_iter().fold(Answer::status(status), |answer, (name, value)| answer.header(name, value));
        collector.script([answer.clone(), answer.clone(), answer]);
        let (ledger, told) = listening(builder(&collector));
        ledger.track(hook("one"));
        wait_until("it arrives when the server is right again", || ledger.stats().delivered == 1);
        assert_eq!(ledger.shutdown(LONG), stored(0, 0));
        let stats = ledger.stats();
        assert_eq!((stats.requests_failed, stats.delivered, stats.held), (3, 1, None), "{status}");
        assert_adds_up(&stats);
        let said: Vec<_> = told.try_iter().collect();
        assert_eq!(said, [Trouble::Held { hold: Hold::Address { status }, problem: None }]);
        assert!(
            said[0].to_string().contains(&format!("(status {status}); check the URL and the account")),
            "{}",
            said[0]
        );
    }
}

#[test]
fn whoever_waits_for_a_flush_hears_of_trouble_first() {
    let folder = tempfile::tempdir().expect("a folder");
    let no_folder = folder.path().join("a file");
    fs::write(&no_folder, "neither a spool nor a database").expect("a file");
    let away = Collector::new();
    away.rule(|_| Some(Answer::status(404)));
    // The server is wrong; there is no server, and the spool is wrong.
    for (builder, flushed) in [(builder(&away), stored(0, 1)), (Ledger::builder().spool(no_folder), stored(0, 1))] {
        let told = Arc::new(AtomicUsize::new(0));
        let tell = told.clone();
        let slow = builder.on_trouble(move |_| {
            thread::sleep(Duration::from_millis(200));
            tell.fetch_add(1, Ordering::Relaxed);
        });
        let ledger = slow.auth(Arc::new(NoAuth)).start().expect("a ledger");
        ledger.track(hook("one"));
        assert_eq!((ledger.flush(LONG), told.load(Ordering::Relaxed)), (flushed, 1));
    }
}

#[test]
fn what_is_too_large_is_split_until_only_what_is_too_large_by_itself_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    for spool in stores(folder.path()) {
        let collector = Collector::new();
        let is_too_large = |body: &str| body.len() > 3000 || body.contains("large");
        collector.rule(move |request| is_too_large(&request.text()).then(|| Answer::status(413)));
        let mut builder = builder(&collector);
        if let Some(spool) = spool {
            builder = builder.spool(spool);
        }
        let (ledger, told) = listening(builder);
        for number in 0..50 {
            ledger.track(hook(&number.to_string()));
            if number == 20 {
                ledger.track(hook("large"));
            }
        }
        assert_eq!(ledger.shutdown(LONG), stored(50, 0));
        let stats = ledger.stats();
        assert_eq!((stats.refused.clone(), stats.waiting.refused), ([(413, 1)].into(), 1));
        assert_adds_up(&stats);
        assert_eq!(threads(&collector).into_iter().collect::<BTreeSet<_>>().len(), 50);
        assert_eq!(told.recv_timeout(LONG), Ok(Trouble::Refused { status: 413, events: 1 }));
        // No key was used for two bodies.
        let requests = collector.received();
        let bodies: BTreeSet<_> =
            requests.iter().map(|request| (&request.headers["idempotency-key"], &request.body)).collect();
        let keys: BTreeSet<_> = requests.iter().map(|request| &request.headers["idempotency-key"]).collect();
        assert_eq!(bodies.len(), keys.len());
    }
}

#[test]
fn a_batch_that_always_fails_blocks_nobody() {
    let folder = tempfile::tempdir().expect("a folder");
    for spool in stores(folder.path()) {
        let collector = Collector::new();
        collector.rule(|request| request.text().contains("poison").then(|| Answer::status(500)));
        let mut builder = builder(&collector);
        if let Some(spool) = spool {
            builder = builder.spool(spool);
        }
        let ledger = builder.start().expect("a ledger");
        ledger.track(hook("poison"));
        wait_until("it is tried", || ledger.stats().requests_failed > 0);
        for number in 0..3 {
            ledger.track(hook(&number.to_string()));
            wait_until("what comes behind it arrives", || threads(&collector).len() == number + 1);
        }
        assert!(matches!(ledger.shutdown(Duration::from_millis(100)), Flushed::Stored { waiting: 1, .. }));
        assert_adds_up(&ledger.stats());
    }
}

#[test]
fn no_request_goes_out_against_a_retry_after_not_even_at_the_end_or_by_the_next_process() {
    let folder = tempfile::tempdir().expect("a folder");
    for (status, time) in [(429, "3600"), (503, "99999999999999999999"), (500, "Fri, 31 Dec 2100 23:59:59 GMT")] {
        let collector = Collector::new();
        collector.script([Answer::status(status).header("Retry-After", time)]);
        let ledger = builder(&collector).start().expect("a ledger");
        ledger.track(hook("one"));
        wait_until("it is asked for time", || ledger.stats().requests_failed == 1);
        assert_eq!(ledger.flush(LONG), stored(0, 1));
        ledger.track(hook("two"));
        assert_eq!(ledger.shutdown(LONG), stored(0, 2));
        assert_eq!(collector.received().len(), 1, "{time}");
        assert_eq!(ledger.stats().held, Some(Hold::Busy { status }));
    }
    for spool in spools(folder.path()) {
        let collector = Collector::new();
        collector.script([Answer::status(429).header("Retry-After", "2")]);
        for expected in [1, 1] {
            let ledger = builder(&collector).spool(spool.clone()).start().expect("a ledger");
            ledger.track(hook("one"));
            ledger.shutdown(LONG);
            assert_eq!(collector.received().len(), expected);
        }
        let ledger = builder(&collector).spool(spool).start().expect("a ledger");
        wait_until("after that it goes", || threads(&collector).len() == 2);
        assert!(matches!(ledger.shutdown(LONG), Flushed::Stored { waiting: 0, .. }));
    }
}

/// Takes a spool for itself until it is dropped.
fn lock(path: &Path) -> Box<dyn Any> {
    if path.is_dir() {
        let lock = File::options().write(true).open(path.join("lock")).expect("the lock");
        lock.lock().expect("it is free");
        return Box::new(lock);
    }
    let other = Connection::open(path).expect("the spool");
    other.execute_batch("BEGIN EXCLUSIVE").expect("the lock");
    Box::new(other)
}

#[test]
fn a_spool_that_is_locked_is_said_once_and_gets_what_memory_held() {
    let folder = tempfile::tempdir().expect("a folder");
    for spool in spools(folder.path()) {
        let (ledger, told) = listening(Ledger::builder().spool(spool.clone()));
        ledger.track(hook("before"));
        assert!(ledger.sync(LONG));
        let other = lock(&spool);
        for number in 0..3 {
            ledger.track(hook(&number.to_string()));
            assert!(ledger.sync(LONG));
        }
        let stats = ledger.stats();
        assert_eq!((stats.in_memory.events, stats.waiting.events), (3, 4));
        let problem = stats.spool_problem.expect("it is said");
        assert!(problem.ends_with("cannot use the spool: it is locked by another process"), "{problem}");
        drop(other);
        wait_until("the disk has everything", || ledger.stats().in_memory == Waiting::default());
        assert_eq!(ledger.shutdown(LONG), stored(0, 4));
        let stats = ledger.stats();
        assert_eq!((stats.spool_problem.clone(), stats.dropped), (None, 0));
        assert_adds_up(&stats);
        let said: Vec<_> = told.try_iter().collect();
        assert!(matches!(said[..], [Trouble::Spool { is_damaged: false, .. }, Trouble::SpoolIsBack]), "{said:?}");
        let waiting = Spool::open(&spool, StoreLimits::default(), LONG).and_then(|spool| spool.waiting());
        assert_eq!(waiting.expect("its events").events, 4);
    }
}

/// A log with a byte that changed on disk: what is around it is delivered, and what is lost is said.
#[test]
fn damage_in_a_log_is_said_once_and_costs_one_event() {
    let folder = tempfile::tempdir().expect("a folder");
    let spool = folder.path().join("spool");
    let ledger = Ledger::builder().spool(spool.clone()).start().expect("a ledger");
    for number in 0..10 {
        ledger.track(hook(&format!("thread {number}")));
    }
    assert_eq!(ledger.shutdown(LONG), stored(0, 10));
    let files = std::fs::read_dir(&spool).expect("a folder").map(|file| file.expect("a file").path());
    let log = files.into_iter().find(|file| file.extension().is_some_and(|end| end == "log")).expect("a log");
    let mut bytes = std::fs::read(&log).expect("its bytes");
    let place = bytes.windows(8).position(|text| text == b"thread 4").expect("it is there");
    bytes[place] ^= 1;
    std::fs::write(&log, bytes).expect("it is written");

    let collector = Collector::new();
    let (ledger, told) = listening(builder(&collector).spool(spool.clone()));
    assert_eq!(ledger.shutdown(LONG), stored(9, 0));
    let mut expected: Vec<_> = (0..10).map(|number| format!("thread {number}")).collect();
    expected.remove(4);
    assert_eq!(threads(&collector), expected);
    let damage = ledger.stats().spool_damage;
    let aside = std::fs::read(spool.join("damaged")).expect("what is set aside");
    assert_eq!((damage.places, damage.bytes), (1, aside.len() as u64));
    assert!(aside.windows(8).any(|text| text == b"uhread 4"));
    let said: Vec<_> = told.try_iter().collect();
    assert_eq!(said, [Trouble::SpoolDamage { damage, spool: spool.clone() }]);
    assert_eq!(
        said[0].to_string(),
        format!(
            "{}: 1 damaged place of the spool ({} bytes) was set aside in its file `damaged`; the events around are kept",
            spool.display(),
            damage.bytes
        )
    );
}

/// The end is a last chance for a disk that was away.
#[test]
fn a_spool_that_comes_back_by_the_end_has_everything() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().join("not there yet");
    let ledger = Ledger::builder().spool(place.join("spool.db")).start().expect("a ledger");
    ledger.track(hook("one"));
    assert!(ledger.sync(LONG));
    assert_eq!(ledger.stats().in_memory.events, 1);
    std::fs::create_dir(&place).expect("a folder");
    assert_eq!(ledger.shutdown(LONG), stored(0, 1));
    assert_eq!((ledger.stats().in_memory.events, ledger.stats().spool_problem), (0, None));
}

/// A server by what it does, and its answer to any request.
type Faulty = (&'static str, fn() -> Answer);

/// Servers × stores × ends: whatever comes together, the numbers add up, and nothing that is stored is lost.
#[test]
fn whatever_comes_together_every_event_is_somewhere() {
    let answers: [Faulty; 7] = [
        ("takes", || Answer::status(202)),
        ("hangs up", Answer::hang_up),
        ("is busy", || Answer::status(503)),
        ("refuses", || Answer::status(400)),
        ("is elsewhere", || Answer::status(308)),
        ("finds all too large", || Answer::status(413)),
        ("asks for time", || Answer::status(429).header("Retry-After", "60")),
    ];
    for (server, answer) in answers {
        for store in ["memory", "log", "sqlite", "damaged", "log locked", "sqlite locked"] {
            for end in ["shutdown", "drop"] {
                let folder = tempfile::tempdir().expect("a folder");
                let [log, sqlite] = spools(folder.path());
                let spool = if store.starts_with("log") { log } else { sqlite };
                let is_locked = store.ends_with("locked");
                let collector = Collector::new();
                collector.rule(move |_| Some(answer()));
                let mut builder = builder(&collector).linger(Duration::from_millis(300));
                let mut other = None;
                match store {
                    "damaged" => std::fs::write(&spool, "no database, ".repeat(1000)).expect("a file"),
                    _ if is_locked => {
                        drop(Spool::open(&spool, StoreLimits::default(), LONG));
                        other = Some(lock(&spool));
                    }
                    _ => {}
                }
                if store != "memory" {
                    builder = builder.spool(spool.clone());
                }
                let ledger = builder.start().expect("a ledger");
                for number in 0..300 {
                    ledger.track(hook(&number.to_string()));
                }
                let context = format!("{server}, {store}, {end}");
                let start = Instant::now();
                if end == "drop" {
                    drop(ledger);
                } else {
                    assert!(ledger.shutdown(Duration::from_secs(3)).is_complete(), "{context}");
                    let stats = ledger.stats();
                    assert_eq!(stats.dropped, 0, "{context}");
                    assert_adds_up(&stats);
                    let taken = if server == "takes" { 300 } else { 0 };
                    assert_eq!(stats.delivered, taken, "{context}");
                    assert_eq!(stats.spool_problem.is_some(), is_locked || store == "damaged", "{context}");
                }
                assert!(start.elapsed() < Duration::from_secs(10), "{context}: {:?}", start.elapsed());
                drop(other);
                if server == "takes" && !is_locked {
                    assert_eq!(collector.count(), 300, "{context}");
                }
            }
        }
    }
}
