//! The ledger that an app-server embeds: what goes in comes out at a real HTTP server, whatever
//! happens on the way.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use turnledger::Ledger;
use turnledger::delivery::auth::{
    Account, AuthProvider, BearerToken, Credentials, NoAuth, SuppliedToken, TokenFile, TokenRefresher,
};
use turnledger::delivery::{Endpoint, RetryLimits};
use turnledger::ledger::{Flushed, LedgerBuilder};
use turnledger::store::{StoreLimits, Waiting};
use turnledger_core::{Direction, Fact};
use turnledger_tests::collector::{Answer, Collector};
use turnledger_tests::compare::without_clocks;
use turnledger_tests::golden::{recording, replay, values};
use turnledger_tests::ledger::hook;

const LONG: Duration = Duration::from_secs(20);

fn builder(collector: &Collector) -> LedgerBuilder {
    with_auth(collector, Arc::new(NoAuth))
}

fn with_auth(collector: &Collector, auth: Arc<dyn AuthProvider>) -> LedgerBuilder {
    Ledger::builder()
        .upload(Endpoint::new(&collector.url()).expect("a URL"), auth)
        .retry(RetryLimits {
            first: Duration::from_millis(5),
            longest: Duration::from_millis(50),
            ..RetryLimits::default()
        })
        .store(StoreLimits { batch_age: Duration::from_millis(20), ..StoreLimits::default() })
}

/// Waits for something that another thread brings about.
fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let until = Instant::now() + LONG;
    while !is_so() {
        assert!(Instant::now() < until, "{what}");
        thread::sleep(Duration::from_millis(2));
    }
}

fn threads(collector: &Collector) -> Vec<String> {
    let mut threads: Vec<_> = collector
        .events()
        .iter()
        .map(|event| event["event_params"]["thread_id"].as_str().unwrap_or_default().to_owned())
        .collect();
    threads.sort();
    threads
}

fn stored(delivered: u64, waiting: u64) -> Flushed {
    Flushed::Stored { delivered, waiting }
}

#[test]
fn a_recorded_session_arrives_as_replay_has_it() {
    let collector = Collector::new();
    let ledger = builder(&collector).answers_questions(false).start().expect("a ledger");
    let messages = recording("0.131.0", "mixed_long").messages();
    for message in &messages {
        ledger.observe(message.connection_id, message.direction, message.text.as_bytes());
    }
    let flushed = ledger.shutdown(LONG);
    let expected = values(&replay(turnledger::Sha2::default(), &messages).events);
    assert_eq!(flushed, stored(expected.len() as u64, 0));
    let requests = collector.received();
    let arrived: Vec<Value> = requests
        .iter()
        .flat_map(|request| {
            let body: Value = serde_json::from_str(&request.body).expect("JSON");
            let events = body["events"].as_array().cloned().expect("events");
            let is_alone = events.iter().any(|event| event["event_type"] == "codex_accepted_line_fingerprints");
            assert!(!is_alone || events.len() == 1);
            events
        })
        .collect();
    assert_eq!(without_clocks(arrived), without_clocks(expected.clone()));
    for request in &requests {
        assert_eq!(request.line, "POST /api/codex/analytics-events/events");
        assert_eq!(request.headers["content-type"], "application/json");
        assert_eq!(request.headers["idempotency-key"].len(), 64);
    }
    let stats = ledger.stats();
    assert_eq!(stats.core.messages + stats.filtered, messages.len() as u64);
    assert_eq!((stats.delivered, stats.requests_delivered), (expected.len() as u64, requests.len() as u64));
    assert_eq!((stats.dropped, stats.requests_failed, stats.waiting), (0, 0, Waiting::default()));
    assert_eq!(ledger.flush(LONG), Flushed::Ended);
}

#[test]
fn a_server_that_is_down_and_comes_back() {
    let collector = Collector::new();
    let again = |status| Answer::status(status);
    collector.script([again(500), Answer::hang_up(), again(503), again(408), again(429).with("Retry-After: 0")]);
    let ledger = builder(&collector).start().expect("a ledger");
    ledger.track(hook("one"));
    wait_until("the event arrives", || !collector.events().is_empty());
    let requests = collector.received();
    let statuses: Vec<_> = requests.iter().map(|request| request.status).collect();
    assert_eq!(statuses, [Some(500), None, Some(503), Some(408), Some(429), Some(202)]);
    let keys: BTreeSet<_> = requests.iter().map(|request| &request.headers["idempotency-key"]).collect();
    assert_eq!(keys.len(), 1, "one batch, one key");
    wait_until("it is counted", || ledger.stats().requests_failed == 5 && ledger.stats().delivered == 1);
    assert_eq!(ledger.shutdown(LONG), stored(0, 0));
}

#[test]
fn a_server_that_asks_for_time_gets_it() {
    let collector = Collector::new();
    collector.script([Answer::status(429).with("Retry-After: 1")]);
    let ledger = builder(&collector).start().expect("a ledger");
    let start = Instant::now();
    ledger.track(hook("one"));
    wait_until("the event arrives", || !collector.events().is_empty());
    assert!(start.elapsed() >= Duration::from_secs(1));
    assert_eq!(collector.received().len(), 2);
}

#[test]
fn what_will_never_be_taken_is_given_up_and_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let collector = Collector::new();
    collector.script([Answer::status(400), Answer::status(307).with("Location: http://127.0.0.1:1/")]);
    let ledger = builder(&collector).spool(folder.path().join("spool.db")).start().expect("a ledger");
    ledger.track(hook("one"));
    assert_eq!(ledger.flush(LONG), stored(0, 0));
    ledger.track(hook("two"));
    assert_eq!(ledger.flush(LONG), stored(0, 0));
    ledger.track(hook("three"));
    assert_eq!(ledger.flush(LONG), stored(1, 0));
    let stats = ledger.stats();
    assert_eq!((stats.requests_refused, stats.waiting), (2, Waiting { events: 0, bytes: 0, refused: 2 }));
    assert_eq!(threads(&collector), ["three"]);
}

#[test]
fn bodies_are_packed_for_a_server_that_takes_it() {
    let collector = Collector::new();
    let takes = || Answer::status(200).with("Accept-Encoding: gzip, identity");
    collector.script([takes(), takes(), Answer::status(415), takes()]);
    let ledger = builder(&collector).start().expect("a ledger");
    for thread in ["one", "two", "three"] {
        ledger.track(hook(thread));
        ledger.flush(LONG);
    }
    let encodings: Vec<_> =
        collector.received().iter().map(|request| request.headers.get("content-encoding").cloned()).collect();
    let gzip = || Some("gzip".to_owned());
    assert_eq!(encodings, [None, gzip(), gzip(), None]);
    assert_eq!(threads(&collector), ["one", "three", "two"]);
}

#[derive(Debug)]
struct Switch(Mutex<Credentials>);

impl AuthProvider for Switch {
    fn credentials(&self) -> Credentials {
        self.0.lock().expect("the credentials").clone()
    }
}

#[test]
fn only_who_uses_the_backend_uploads() {
    let collector = Collector::new();
    let switch = Arc::new(Switch(Mutex::new(Credentials::NotBackend)));
    let ledger = with_auth(&collector, switch.clone()).start().expect("a ledger");
    ledger.track(hook("an API key"));
    assert_eq!(ledger.flush(LONG), stored(0, 0));
    *switch.0.lock().expect("the credentials") = Credentials::Missing;
    ledger.track(hook("nobody yet"));
    assert_eq!(ledger.flush(LONG), stored(0, 1), "it waits");
    *switch.0.lock().expect("the credentials") =
        BearerToken::new("token-1".into(), Account { id: Some("account-1".into()), is_fedramp: true }).credentials();
    ledger.track(hook("somebody"));
    assert!(matches!(ledger.flush(LONG), Flushed::Stored { waiting: 0, .. }));
    assert_eq!(threads(&collector), ["nobody yet", "somebody"]);
    let stats = ledger.stats();
    assert_eq!((stats.not_backend, stats.delivered), (1, 2));
    let headers = &collector.received()[0].headers;
    assert_eq!(headers["authorization"], "Bearer token-1");
    assert_eq!((headers["chatgpt-account-id"].as_str(), headers["x-openai-fedramp"].as_str()), ("account-1", "true"));
}

#[test]
fn a_token_file_that_changes_is_followed() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("auth.json");
    let collector = Collector::new();
    let ledger = with_auth(&collector, Arc::new(TokenFile::new(path.clone()))).start().expect("a ledger");
    let mut sent = Vec::new();
    for token in ["first", "the-second"] {
        fs::write(&path, json!({ "tokens": { "access_token": token, "account_id": "a" } }).to_string())
            .expect("a file");
        ledger.track(hook(token));
        wait_until("the event arrives", || threads(&collector).contains(&token.to_owned()));
        sent.push(collector.received().last().expect("a request").headers["authorization"].clone());
    }
    assert_eq!(sent, ["Bearer first", "Bearer the-second"]);
}

struct Outgoing {
    asked: AtomicU32,
    delay: Duration,
}

impl TokenRefresher for Outgoing {
    fn refresh(&self) -> Option<turnledger::secrecy::SecretString> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        thread::sleep(self.delay);
        Some("renewed".into())
    }
}

#[test]
fn refused_credentials_are_renewed_once_a_cycle() {
    let collector = Collector::new();
    let outgoing = Arc::new(Outgoing { asked: AtomicU32::new(0), delay: Duration::ZERO });
    let token = SuppliedToken::new("stale".into(), Account::default(), Arc::downgrade(&outgoing));
    let ledger = with_auth(&collector, Arc::new(token)).start().expect("a ledger");
    collector.script([Answer::status(401), Answer::status(401), Answer::status(401), Answer::status(200)]);
    ledger.track(hook("one"));
    wait_until("the event arrives", || !collector.events().is_empty());
    let sent: Vec<_> = collector.received().iter().map(|request| request.headers["authorization"].clone()).collect();
    assert_eq!(sent, ["Bearer stale", "Bearer renewed", "Bearer renewed", "Bearer renewed"]);
    assert_eq!(outgoing.asked.load(Ordering::Relaxed), 2, "two cycles, one refresh each");
    // Nothing of the ledger keeps the app-server's sender.
    assert_eq!(Arc::strong_count(&outgoing), 1);
    let weak = Arc::downgrade(&outgoing);
    drop(outgoing);
    assert!(weak.upgrade().is_none());
    collector.script([Answer::status(401)]);
    ledger.track(hook("two"));
    wait_until("the next event arrives", || collector.events().len() == 2);
}

/// A ledger whose worker is held at its first event, until the barrier lets it go.
fn held(collector: &Collector, queue: usize) -> (Ledger, Arc<Barrier>) {
    let barrier = Arc::new(Barrier::new(2));
    let (gate, mut is_first) = (barrier.clone(), true);
    let ledger = builder(collector).queue(queue).before_send(move |event| {
        if std::mem::take(&mut is_first) {
            gate.wait();
            gate.wait();
        }
        Some(event)
    });
    let ledger = ledger.start().expect("a ledger");
    ledger.track(hook("first"));
    barrier.wait();
    (ledger, barrier)
}

#[test]
fn a_full_queue_drops_the_newest_and_blocks_nobody() {
    let collector = Collector::new();
    let (ledger, barrier) = held(&collector, 10);
    for number in 0..1000 {
        ledger.track(hook(&number.to_string()));
    }
    let stats = ledger.stats();
    assert_eq!((stats.queued, stats.dropped), (10, 990));
    barrier.wait();
    assert_eq!(ledger.shutdown(LONG), stored(11, 0));
    let mut expected: Vec<String> = (0..10).map(|number| number.to_string()).collect();
    expected.push("first".into());
    assert_eq!(threads(&collector), expected);
}

/// Messages that are large wait in bounded memory, too.
#[test]
fn the_queue_is_bounded_in_bytes() {
    let collector = Collector::new();
    let (ledger, barrier) = held(&collector, 100);
    let large = format!("{{\"method\":\"turn/diff/updated\",\"params\":\"{}\"}}", "x".repeat(64 << 20));
    for _ in 0..8 {
        ledger.observe(1, Direction::ServerToClient, large.as_bytes());
    }
    assert_eq!((ledger.stats().queued, ledger.stats().dropped), (3, 5), "256 MiB");
    barrier.wait();
    assert_eq!(ledger.shutdown(LONG), stored(1, 0));
}

#[test]
fn uses_are_reported_once_a_turn() {
    let ledger = Ledger::builder().start().expect("a ledger");
    let tracking = |turn: &str| json!({ "model_slug": "m", "thread_id": "T", "turn_id": turn });
    let app = |turn: &str, connector: Value| {
        let app = json!({ "connector_id": connector, "app_name": null, "invocation_type": null });
        let Fact::AppUsed(fact) =
            serde_json::from_value(json!({ "app_used": { "tracking": tracking(turn), "app": app } })).expect("a fact")
        else {
            unreachable!()
        };
        fact
    };
    for (turn, connector) in [
        ("1", json!("a")),
        ("1", json!("a")),
        ("1", json!("b")),
        ("2", json!("a")),
        ("1", json!(null)),
        ("1", json!(null)),
    ] {
        ledger.track_app_used(app(turn, connector));
    }
    let plugin = || {
        let plugin = json!({ "tracking": tracking("1"), "plugin": { "plugin_name": "p", "marketplace_name": "m" } });
        let Fact::PluginUsed(fact) = serde_json::from_value(json!({ "plugin_used": plugin })).expect("a fact") else {
            unreachable!()
        };
        *fact
    };
    ledger.track_plugin_used(plugin());
    ledger.track_plugin_used(plugin());
    assert!(ledger.sync(LONG));
    let stats = ledger.stats();
    let facts: BTreeMap<_, _> = stats.core.facts.iter().map(|(kind, count)| (format!("{kind:?}"), *count)).collect();
    assert_eq!(facts, BTreeMap::from([("AppUsed".into(), 5), ("PluginUsed".into(), 1)]));
    assert_eq!(stats.filtered, 2);
}

#[test]
fn an_embedder_sees_changes_and_vetoes() {
    let discards = Arc::new(AtomicU32::new(0));
    let counter = discards.clone();
    let collector = Collector::new();
    let ledger = builder(&collector)
        .before_send(|event| match event.to_string() {
            text if text.contains("veto") => None,
            text if text.contains("panic") => panic!("an embedder's mistake"),
            text => serde_json::from_str(&text.replace("change", "changed")).ok(),
        })
        .on_discard(move |_| {
            counter.fetch_add(1, Ordering::Relaxed);
        })
        .start()
        .expect("a ledger");
    for thread in ["change", "veto", "panic", "plain"] {
        ledger.track(hook(thread));
    }
    ledger.observe(1, Direction::ServerToClient, b"no JSON");
    assert_eq!(ledger.shutdown(LONG), stored(2, 0));
    assert_eq!(threads(&collector), ["changed", "plain"]);
    assert_eq!((ledger.stats().vetoed, discards.load(Ordering::Relaxed)), (2, 1));
}

#[test]
fn messages_of_no_interest_are_not_queued() {
    let ledger = Ledger::builder().start().expect("a ledger");
    ledger.observe(1, Direction::ServerToClient, br#"{"method":"item/agentMessage/delta","params":{}}"#);
    ledger.observe(1, Direction::ClientToServer, br#"{"id":1,"method":"model/list"}"#);
    assert!(ledger.sync(LONG));
    let stats = ledger.stats();
    assert_eq!((stats.filtered, stats.core.messages), (2, 0));
}

#[test]
fn a_disabled_ledger_does_nothing() {
    for ledger in [Ledger::disabled(), Ledger::builder().enabled(false).start().expect("a ledger")] {
        assert!(!ledger.is_enabled());
        ledger.track(hook("one"));
        ledger.observe(1, Direction::ServerToClient, b"{}");
        assert_eq!((ledger.flush(LONG), ledger.shutdown(LONG)), (Flushed::Nothing, Flushed::Nothing));
        assert_eq!(ledger.stats(), turnledger::ledger::LedgerStats::default());
    }
}

#[test]
fn the_last_handle_ends_the_worker_and_the_next_process_delivers() {
    let folder = tempfile::tempdir().expect("a folder");
    let spool = folder.path().join("spool.db");
    let ledger = Ledger::builder().spool(spool.clone()).start().expect("a ledger");
    let other = ledger.clone();
    ledger.track(hook("one"));
    drop(ledger);
    other.track(hook("two"));
    drop(other);
    let collector = Collector::new();
    wait_until("the worker has stored it", || {
        let spool = turnledger::store::Spool::open(&spool, StoreLimits::default()).expect("the spool");
        spool.waiting().expect("its state").events == 2
    });
    let ledger = builder(&collector).spool(spool).start().expect("a ledger");
    assert_eq!(ledger.shutdown(LONG), stored(2, 0));
    assert_eq!(threads(&collector), ["one", "two"]);
}

#[test]
fn a_spool_that_cannot_be_used_is_said_and_done_without() {
    let folder = tempfile::tempdir().expect("a folder");
    let noise = folder.path().join("noise.db");
    fs::write(&noise, "no database, ".repeat(1000)).expect("a file");
    for (path, said) in [
        (noise.clone(), format!("{}: cannot use the spool: file is not a database", noise.display())),
        (folder.path().join("no/folder.db"), String::new()),
        ("/proc/spool.db".into(), String::new()),
    ] {
        let collector = Collector::new();
        let ledger = builder(&collector).spool(path).start().expect("a ledger");
        ledger.track(hook("one"));
        assert_eq!(ledger.flush(LONG), stored(1, 0));
        let problem = ledger.stats().spool_problem.expect("a problem");
        assert!(problem.contains(&said) && !problem.contains('\n'), "{problem}");
        assert_eq!(threads(&collector), ["one"]);
    }
}

/// A spool that is overwritten under a running process.
#[test]
fn a_spool_that_breaks_loses_nothing_that_comes_after() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("spool.db");
    let collector = Collector::new();
    let ledger = builder(&collector).spool(path.clone()).start().expect("a ledger");
    ledger.track(hook("before"));
    assert_eq!(ledger.flush(LONG), stored(1, 0));
    for file in ["spool.db", "spool.db-wal"] {
        fs::write(folder.path().join(file), "noise ".repeat(10_000)).expect("a file");
    }
    for number in 0..20 {
        ledger.track(hook(&format!("after {number}")));
        assert!(matches!(ledger.flush(LONG), Flushed::Stored { .. }));
    }
    assert!(matches!(ledger.shutdown(LONG), Flushed::Stored { waiting: 0, .. }));
    let arrived: BTreeSet<_> = threads(&collector).into_iter().collect();
    assert_eq!(arrived.len(), 21, "{arrived:?}");
}

/// A disk without room: a process that may not write files of more than 400 blocks.
#[test]
fn a_full_disk_is_no_reason_to_stop() {
    let folder = tempfile::tempdir().expect("a folder");
    let collector = Collector::new();
    let mut child = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 400; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_spooling_child")])
        .args([folder.path().join("spool.db").as_os_str(), collector.url().as_ref(), "full".as_ref()])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the child starts");
    // It says what is on disk until there is no more room, and delivers all the same.
    let stdout = child.stdout.take().expect("its output");
    let acknowledged = Arc::new(AtomicU32::new(0));
    let counter = acknowledged.clone();
    let reader = thread::spawn(move || {
        for _ in BufReader::new(stdout).lines() {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    });
    let until = Instant::now() + LONG * 3;
    while collector.count() < acknowledged.load(Ordering::Relaxed) as usize + 100 && Instant::now() < until {
        thread::sleep(Duration::from_millis(20));
    }
    let is_running = child.try_wait().expect("its state").is_none();
    child.kill().expect("it is killed");
    child.wait().expect("it ends");
    reader.join().expect("its lines");
    let acknowledged = acknowledged.load(Ordering::Relaxed) as usize;
    assert!(is_running && acknowledged > 0 && collector.count() >= acknowledged + 100, "{acknowledged}");
}

#[test]
fn a_certificate_for_another_name_is_refused() {
    let (right, certificate) = Collector::with_tls("localhost");
    let ledger = builder(&right).certificates(certificate).start().expect("a ledger");
    ledger.track(hook("one"));
    assert_eq!(ledger.flush(LONG), stored(1, 0));

    let (wrong, certificate) = Collector::with_tls("other.test");
    for ledger in [builder(&wrong).certificates(certificate), builder(&right)] {
        let ledger = ledger.start().expect("a ledger");
        ledger.track(hook("two"));
        assert_eq!(ledger.flush(LONG), stored(0, 1));
        assert!(ledger.stats().requests_failed > 0);
    }
    assert_eq!((threads(&right), wrong.received().len()), (vec!["one".to_owned()], 0));
    let error = builder(&right).certificates(b"none".to_vec()).start().expect_err("no certificate");
    assert_eq!(error.to_string(), "cannot use the certificates: no certificate in PEM form");
}

/// A server that accepts and says nothing.
#[test]
fn a_server_that_never_answers_costs_its_timeout() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("its address"));
    let ledger = Ledger::builder()
        .upload(Endpoint::new(&url).expect("a URL"), Arc::new(NoAuth))
        .timeout(Duration::from_millis(100))
        .start()
        .expect("a ledger");
    ledger.track(hook("one"));
    let start = Instant::now();
    assert_eq!(ledger.flush(LONG), stored(0, 1));
    let elapsed = start.elapsed();
    assert!(elapsed >= Duration::from_millis(100) && elapsed < Duration::from_secs(5), "{elapsed:?}");
}

/// Servers that say something, but never all of it.
#[test]
fn a_server_that_trickles_or_says_half_costs_its_timeout() {
    let answers: [fn(TcpStream); 3] = [
        |mut stream| {
            for byte in b"HTTP/1.1 202 Accepted\r\n".iter().cycle() {
                if stream.write_all(&[*byte]).is_err() {
                    break;
                }
                thread::sleep(Duration::from_millis(10));
            }
        },
        // Half a connection: it goes on reading, and has said all.
        |mut stream| {
            stream.shutdown(Shutdown::Write).expect("half a connection");
            let _ = std::io::copy(&mut stream, &mut std::io::sink());
        },
        |mut stream| {
            let _ = stream.write_all(b"HTTP/1.1 202 Accepted\r\nContent-Le");
        },
    ];
    for answer in answers {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("its address"));
        thread::spawn(move || listener.incoming().flatten().for_each(answer));
        let ledger = Ledger::builder()
            .upload(Endpoint::new(&url).expect("a URL"), Arc::new(NoAuth))
            .timeout(Duration::from_millis(200))
            .start()
            .expect("a ledger");
        ledger.track(hook("one"));
        let start = Instant::now();
        assert_eq!(ledger.flush(LONG), stored(0, 1));
        assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
        assert_eq!((ledger.stats().requests_failed, ledger.stats().waiting.events), (1, 1));
    }
}

#[test]
fn a_process_ends_while_a_refresh_is_pending() {
    let collector = Collector::new();
    collector.script((0..10).map(|_| Answer::status(401)));
    let start = Instant::now();
    let output = Command::new(env!("CARGO_BIN_EXE_refreshing_child")).arg(collector.url()).output().expect("it runs");
    assert_eq!((output.status.code(), &*output.stdout), (Some(0), &b"TimedOut\n"[..]));
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

/// Kills a process again and again, and counts at the server.
#[test]
fn killed_at_any_moment_nothing_stored_is_lost_or_taken_twice() {
    let folder = tempfile::tempdir().expect("a folder");
    let spool = folder.path().join("spool.db");
    let collector = Collector::new();
    let mut acknowledged = BTreeSet::new();
    for round in 0..200_u64 {
        // Some requests fail, some get lost after they were taken.
        if round % 3 == 0 {
            collector.script([
                Answer::status(500),
                Answer::hang_up(),
                Answer::status(200).after(Duration::from_millis(3)),
            ]);
        }
        let lifetime = Duration::from_millis(round * 7 % 30);
        let lines = child(&spool, &collector.url(), &round.to_string(), round % 4 > 0, lifetime);
        acknowledged.extend(lines);
    }
    assert!(acknowledged.len() >= 150, "{} events were acknowledged", acknowledged.len());
    let limits = StoreLimits { lease: Duration::from_millis(300), ..StoreLimits::default() };
    thread::sleep(limits.lease);
    let ledger = builder(&collector).store(limits).spool(spool).start().expect("a ledger");
    // The script's last faults may still be to come.
    wait_until("everything arrives", || matches!(ledger.flush(LONG), Flushed::Stored { waiting: 0, .. }));
    let arrived = threads(&collector);
    let distinct: BTreeSet<_> = arrived.iter().cloned().collect();
    assert_eq!(arrived.len(), distinct.len(), "none is taken twice");
    let lost: Vec<_> = acknowledged.difference(&distinct).collect();
    assert!(lost.is_empty(), "{lost:?}");
}

/// Runs the child and kills it after a time, which begins with its first word if it is to say one.
/// Returns what it had acknowledged.
fn child(spool: &Path, url: &str, prefix: &str, speaks: bool, lifetime: Duration) -> Vec<String> {
    let mut child = Command::new(env!("CARGO_BIN_EXE_spooling_child"))
        .args([spool.as_os_str(), url.as_ref(), prefix.as_ref()])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the child starts");
    let mut lines = BufReader::new(child.stdout.take().expect("its output")).split(b'\n').map_while(Result::ok);
    let mut acknowledged: Vec<_> = if speaks { lines.next().into_iter().collect() } else { Vec::new() };
    thread::sleep(lifetime);
    child.kill().expect("it is killed");
    child.wait().expect("it ends");
    acknowledged.extend(lines);
    acknowledged.into_iter().map(|line| String::from_utf8(line).expect("text")).collect()
}
