//! The ledger that an app-server embeds: what goes in comes out at a real HTTP server, whatever
//! happens on the way.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use turnledger::Ledger;
use turnledger::delivery::account::{AccountKey, Login};
use turnledger::delivery::auth::{Account, AuthProvider, Credentials, NoAuth, SuppliedToken, TokenRefresher};
use turnledger::delivery::{Endpoint, Reply};
use turnledger::ledger::Flushed;
use turnledger::secrecy::SecretString;
use turnledger::store::{Spool, StoreLimits, Waiting};
use turnledger_core::fact::Tracking;
use turnledger_core::fact::plugin::{PluginMetadata, PluginUsed};
use turnledger_core::question::{Question, QuestionKind};
use turnledger_core::{Direction, Fact, FactKind, Id, Output, Policy, UnknownKind};
use turnledger_testing::{Answer, Collector};
use turnledger_tests::compare::without_clocks;
use turnledger_tests::golden::{answer, observe, pipeline, recording, replay, values};
use turnledger_tests::ledger::{LONG, builder, hook, spools, stored, threads, to, wait_until, with_auth};
use turnledger_tests::tls::over_tls;

#[test]
fn a_recorded_session_arrives_as_replay_has_it() {
    let collector = Collector::new();
    let ledger = builder(&collector).start().expect("a ledger");
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
            let events = request.events().expect("events");
            let is_alone = events.iter().any(|event| event["event_type"] == "codex_accepted_line_fingerprints");
            assert!(!is_alone || events.len() == 1);
            events
        })
        .collect();
    assert_eq!(without_clocks(arrived), without_clocks(expected.clone()));
    for request in &requests {
        assert_eq!((&*request.method, &*request.path), ("POST", "/api/codex/analytics-events/events"));
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
    collector.script([again(500), Answer::hang_up(), again(503), again(408), again(429).header("Retry-After", "0")]);
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
    collector.script([Answer::status(429).header("Retry-After", "1")]);
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
    for spool in spools(folder.path()) {
        let collector = Collector::new();
        collector.script([Answer::status(400), Answer::status(422)]);
        let ledger = builder(&collector).spool(spool).start().expect("a ledger");
        ledger.track(hook("one"));
        assert_eq!(ledger.flush(LONG), stored(0, 0));
        ledger.track(hook("two"));
        assert_eq!(ledger.flush(LONG), stored(0, 0));
        ledger.track(hook("three"));
        assert_eq!(ledger.flush(LONG), stored(1, 0));
        let stats = ledger.stats();
        let waiting = stats.waiting;
        assert_eq!((stats.requests_refused, waiting.events, waiting.bytes, waiting.refused), (2, 0, 0, 2));
        assert_eq!(threads(&collector), ["three"]);
    }
}

#[test]
fn bodies_are_packed_for_a_server_that_takes_it() {
    let collector = Collector::new();
    let takes = || Answer::status(200).header("Accept-Encoding", "gzip, identity");
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

struct Outgoing {
    asked: AtomicU32,
}

impl TokenRefresher for Outgoing {
    fn refresh(&self, reply: Reply<SecretString>) {
        self.asked.fetch_add(1, Ordering::Relaxed);
        reply.give("renewed".into());
    }
}

#[test]
fn refused_credentials_are_renewed_once_a_cycle() {
    let collector = Collector::new();
    let outgoing = Arc::new(Outgoing { asked: AtomicU32::new(0) });
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

/// No accounts, but who asks is held the first time.
#[derive(Debug)]
struct Gate {
    barrier: Barrier,
    is_first: Mutex<bool>,
}

impl AuthProvider for Gate {
    fn login(&self) -> Login {
        // The thread that sends asks, too.
        let is_worker = thread::current().name() == Some("turnledger");
        if is_worker && std::mem::take(&mut *self.is_first.lock().expect("a flag")) {
            self.barrier.wait();
            self.barrier.wait();
        }
        NoAuth.login()
    }

    fn credentials(&self, reply: Reply<Credentials>) {
        reply.give(Credentials::Headers { account: AccountKey::NONE, headers: Vec::new() });
    }
}

/// A ledger whose worker is held at its first fact, until the barrier lets it go.
fn held(collector: &Collector, queue: usize) -> (Ledger, Arc<Gate>) {
    let gate = Arc::new(Gate { barrier: Barrier::new(2), is_first: Mutex::new(true) });
    let ledger = with_auth(collector, gate.clone()).queue(queue).start().expect("a ledger");
    ledger.track(hook("first"));
    gate.barrier.wait();
    (ledger, gate)
}

#[test]
fn a_full_queue_drops_the_newest_and_blocks_nobody() {
    let collector = Collector::new();
    let (ledger, gate) = held(&collector, 10);
    for number in 0..1000 {
        ledger.track(hook(&number.to_string()));
    }
    let stats = ledger.stats();
    assert_eq!((stats.queued, stats.dropped), (10, 991));
    gate.barrier.wait();
    assert_eq!(ledger.shutdown(LONG), stored(10, 0));
    let mut expected: Vec<String> = (0..9).map(|number| number.to_string()).collect();
    expected.push("first".into());
    assert_eq!(threads(&collector), expected);
}

/// Messages and facts that are large wait in bounded memory, too.
#[test]
fn the_queue_is_bounded_in_bytes() {
    let diff = "x".repeat(64 << 20);
    let message = format!("{{\"method\":\"turn/diff/updated\",\"params\":\"{diff}\"}}");
    let fact = json!({ "notification": { "method": "turn/diff/updated", "params": { "threadId": "T", "turnId": "U", "diff": diff } } });
    let fact: Fact = serde_json::from_value(fact).expect("a fact");
    let observe = |ledger: &Ledger| ledger.observe(1, Direction::ServerToClient, message.as_bytes());
    let track = |ledger: &Ledger| ledger.track(fact.clone());
    for offer in [&observe as &dyn Fn(&Ledger), &track] {
        let collector = Collector::new();
        let (ledger, gate) = held(&collector, 100);
        for _ in 0..8 {
            offer(&ledger);
        }
        assert_eq!((ledger.stats().queued, ledger.stats().dropped), (1 + 3, 5), "256 MiB");
        gate.barrier.wait();
        assert_eq!(ledger.shutdown(LONG), stored(1, 0));
    }
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
fn a_guard_ends_the_ledger_whoever_holds_a_clone() {
    let collector = Collector::new();
    let ledger = builder(&collector).start().expect("a ledger");
    let guard = ledger.shutdown_guard(LONG);
    ledger.track(hook("one"));
    drop(guard);
    assert_eq!(threads(&collector), ["one"]);
    assert_eq!(ledger.flush(LONG), Flushed::Ended);
}

/// A plugin with a name is told by it, whether or not its remote id is known; one without a name by its remote id; and
/// what has neither is never taken for a repetition.
#[test]
fn plugins_of_a_turn_are_told_apart() {
    let plugin = |name: &str, marketplace: &str, remote: Option<&str>| PluginUsed {
        tracking: Tracking::new("T", "U"),
        plugin: PluginMetadata {
            plugin_name: name.into(),
            marketplace_name: marketplace.into(),
            remote_plugin_id: remote.map(Id::from),
            ..PluginMetadata::default()
        },
    };
    for (first, second, are_one) in [
        (plugin("p", "m", None), plugin("p", "m", None), true),
        (plugin("p", "m", None), plugin("p", "m", Some("r1")), true),
        (plugin("p", "m", None), plugin("p", "n", None), false),
        (plugin("", "m", Some("r1")), plugin("", "m", Some("r1")), true),
        (plugin("", "m", Some("r1")), plugin("", "m", Some("r2")), false),
        (plugin("", "", Some("r1")), plugin("", "", Some("r2")), false),
        (plugin("", "", Some("r1")), plugin("", "m", Some("r1")), true),
        (plugin("", "", None), plugin("", "", None), false),
        (plugin("", "m", None), plugin("", "m", Some("r1")), false),
        // No name looks like a remote id, and no marketplace like a part of a name.
        (plugin("r1", "", None), plugin("", "", Some("r1")), false),
        (plugin("a@b", "c", None), plugin("a", "b@c", None), false),
    ] {
        let ledger = Ledger::builder().start().expect("a ledger");
        ledger.track_plugin_used(first.clone());
        ledger.track_plugin_used(second.clone());
        assert!(ledger.sync(LONG));
        let stats = ledger.stats();
        let expected = if are_one { (Some(&1), 1) } else { (Some(&2), 0) };
        assert_eq!((stats.core.facts.get(&FactKind::PluginUsed), stats.filtered), expected, "{first:?}, {second:?}");
    }
}

/// What is known to be of no interest is not queued; what nobody looked at is, and is counted.
#[test]
fn what_is_not_known_is_counted() {
    let ledger = Ledger::builder().start().expect("a ledger");
    for method in ["warning", "thread/of/newer", "item/agentMessage/delta", "thread/of/newer"] {
        let message = json!({ "method": method, "params": { "text": "secret" } }).to_string();
        ledger.observe(1, Direction::ServerToClient, message.as_bytes());
    }
    assert!(ledger.sync(LONG));
    let stats = ledger.stats();
    assert_eq!((stats.filtered, stats.core.messages, stats.core.irrelevant_messages), (2, 2, 2));
    let unknown: Vec<_> = stats.core.unknown.iter().collect();
    assert_eq!(unknown, [(UnknownKind::Method, "thread/of/newer", 2)]);
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

/// Each thread's event is made before its repository is known.
#[test]
fn events_wait_for_what_is_known_of_their_repository() {
    let messages = recording("0.131.0", "mixed_long").messages();
    let expected = values(&replay(turnledger::Sha2::default(), &messages).events).len() as u64;
    let (mut session, mut output, mut asked) = (pipeline(turnledger::Sha2::default()), Output::default(), 0);
    for message in &messages {
        observe(&mut session, message, &mut output);
        let is_of_repository = |question: &&Question| matches!(question.kind, QuestionKind::Repository { .. });
        asked += output.questions.iter().filter(is_of_repository).count() as u64;
        answer(&mut session, message.at, &mut output);
    }
    let remotes = [("allow", expected), ("drop", 0)];
    for ((rule, leaves), has_hook) in remotes.into_iter().flat_map(|case| [(case, false), (case, true)]) {
        let collector = Collector::new();
        let rules = format!(r#"{{"{rule}_repositories":["github.com/acme/*"]}}"#);
        let policy = Policy::new(&rules, turnledger::Sha2::default()).expect("a policy");
        let answers = |question: Question| {
            thread::sleep(Duration::from_millis(30));
            turnledger_intake::replay::answer(question, Some("git@github.com:Acme/Widget.git"))
        };
        let mut builder = builder(&collector).policy(policy).answers(answers);
        if has_hook {
            builder = builder.before_send(Some);
        }
        let ledger = builder.start().expect("a ledger");
        for message in &messages {
            ledger.observe(message.connection_id, message.direction, message.text.as_bytes());
        }
        wait_until("every repository is known", || {
            ledger.stats().core.facts.get(&FactKind::RepositoryAnswered) == Some(&asked)
        });
        assert_eq!(ledger.shutdown(LONG), stored(leaves, 0), "{rule}");
        let arrived: u64 =
            collector.received().iter().map(|request| request.events().expect("events").len() as u64).sum();
        assert_eq!((arrived, ledger.stats().withheld), (leaves, expected - leaves), "{rule}");
    }
    // Nobody answers.
    let collector = Collector::new();
    let rules = r#"{"drop_repositories":["github.com/acme/*"]}"#;
    let policy = Policy::new(rules, turnledger::Sha2::default()).expect("a policy");
    let ledger = builder(&collector).policy(policy).start().expect("a ledger");
    for message in &messages {
        ledger.observe(message.connection_id, message.direction, message.text.as_bytes());
    }
    assert_eq!((ledger.shutdown(LONG), ledger.stats().withheld), (stored(0, 0), expected));
}

#[test]
fn messages_of_no_interest_are_not_queued() {
    let ledger = Ledger::builder().start().expect("a ledger");
    ledger.observe(1, Direction::ServerToClient, br#"{"method":"item/agentMessage/delta","params":{}}"#);
    ledger.observe(1, Direction::ClientToServer, br#"{"id":1,"method":"modelProvider/list"}"#);
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
    for spool in spools(folder.path()) {
        let ledger = Ledger::builder().spool(spool.clone()).start().expect("a ledger");
        let other = ledger.clone();
        ledger.track(hook("one"));
        drop(ledger);
        other.track(hook("two"));
        drop(other);
        // The drop has waited for it.
        let waiting = Spool::open(&spool, StoreLimits::default(), LONG).expect("the spool").waiting();
        assert_eq!(waiting.expect("its state").events, 2);
        let collector = Collector::new();
        let ledger = builder(&collector).spool(spool).start().expect("a ledger");
        assert_eq!(ledger.shutdown(LONG), stored(2, 0));
        assert_eq!(threads(&collector), ["one", "two"]);
    }
}

#[test]
fn a_spool_that_cannot_be_used_is_said_and_done_without() {
    let folder = tempfile::tempdir().expect("a folder");
    let noise = folder.path().join("noise.db");
    fs::write(&noise, "no database, ".repeat(1000)).expect("a file");
    for (path, said) in [
        (noise.clone(), format!("{}: the spool is damaged: file is not a database", noise.display())),
        (folder.path().join("no/folder"), String::new()),
        ("/proc/spool".into(), String::new()),
        ("/proc".into(), "/proc: cannot use the spool: a folder with something else in it".into()),
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
    for path in spools(folder.path()) {
        let collector = Collector::new();
        let ledger = builder(&collector).spool(path.clone()).start().expect("a ledger");
        ledger.track(hook("before"));
        assert_eq!(ledger.flush(LONG), stored(1, 0));
        let of_log = fs::read_dir(&path).into_iter().flatten().map(|file| file.expect("a file").path());
        let of_log: Vec<_> = of_log.filter(|file| file.extension().is_some_and(|end| end == "log")).collect();
        let of_sqlite = vec![path.clone(), folder.path().join("spool.db-wal")];
        for file in if path.is_dir() { of_log } else { of_sqlite } {
            fs::write(file, "noise ".repeat(10_000)).expect("a file");
        }
        for number in 0..20 {
            ledger.track(hook(&format!("after {number}")));
            assert!(matches!(ledger.flush(LONG), Flushed::Stored { .. }));
        }
        assert!(matches!(ledger.shutdown(LONG), Flushed::Stored { waiting: 0, .. }));
        let arrived: BTreeSet<_> = threads(&collector).into_iter().collect();
        assert_eq!(arrived.len(), 21, "{arrived:?}");
    }
}

/// A disk without room: a process that may not write files of more than 400 blocks, and a server that takes nothing
/// until they are full.
#[test]
fn a_full_disk_is_no_reason_to_stop() {
    let folder = tempfile::tempdir().expect("a folder");
    for spool in spools(folder.path()) {
        let collector = Collector::new();
        let is_open = Arc::new(AtomicBool::new(false));
        let opened = is_open.clone();
        collector.rule(move |_| (!opened.load(Ordering::Relaxed)).then(|| Answer::status(503)));
        let mut child = Command::new("sh")
            .args(["-c", "trap '' XFSZ; ulimit -f 400; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_spooling_child")])
            .args([spool.as_os_str(), collector.url().as_ref(), "full".as_ref()])
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
        let count = || acknowledged.load(Ordering::Relaxed) as usize;
        let until = Instant::now() + LONG * 3;
        let mut before = 0;
        while (before == 0 || count() > before) && Instant::now() < until {
            before = count();
            thread::sleep(Duration::from_millis(500));
        }
        is_open.store(true, Ordering::Relaxed);
        while collector.count() < count() + 100 && Instant::now() < until {
            thread::sleep(Duration::from_millis(20));
        }
        let is_running = child.try_wait().expect("its state").is_none();
        child.kill().expect("it is killed");
        child.wait().expect("it ends");
        reader.join().expect("its lines");
        let (taken, acknowledged) = (collector.count(), count());
        assert!(is_running && before > 0 && taken >= acknowledged + 100, "{before}, {taken}, {acknowledged}");
    }
}

#[test]
fn a_certificate_for_another_name_is_refused() {
    let (right, wrong) = (Collector::new(), Collector::new());
    let (right_url, certificate) = over_tls(&right, "localhost");
    let ledger = to(&right_url, Arc::new(NoAuth)).certificates(certificate).start().expect("a ledger");
    ledger.track(hook("one"));
    assert_eq!(ledger.flush(LONG), stored(1, 0));

    let (wrong_url, certificate) = over_tls(&wrong, "other.test");
    let [of_wrong, of_right] = [wrong_url, right_url].map(|url| to(&url, Arc::new(NoAuth)));
    for ledger in [of_wrong.certificates(certificate), of_right] {
        let ledger = ledger.start().expect("a ledger");
        ledger.track(hook("two"));
        assert_eq!(ledger.shutdown(Duration::from_millis(500)), stored(0, 1));
        assert!(ledger.stats().requests_failed > 0);
    }
    assert_eq!((threads(&right), wrong.received().len()), (vec!["one".to_owned()], 0));
    let error = builder(&right).certificates(b"none".to_vec()).start().expect_err("no certificate");
    assert_eq!(error.to_string(), "cannot use the certificates");
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
    assert_eq!(ledger.flush(Duration::from_millis(400)), stored(0, 1));
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
        assert_eq!(ledger.flush(Duration::from_millis(300)), stored(0, 1));
        assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
        let stats = ledger.stats();
        assert_eq!((stats.requests_failed > 0, stats.waiting.events), (true, 1));
    }
}

#[test]
fn a_process_ends_while_a_refresh_is_pending() {
    let collector = Collector::new();
    collector.script((0..10).map(|_| Answer::status(401)));
    let start = Instant::now();
    let output = Command::new(env!("CARGO_BIN_EXE_refreshing_child")).arg(collector.url()).output().expect("it runs");
    assert_eq!((output.status.code(), &*output.stdout), (Some(0), &b"Stored { delivered: 0, waiting: 1 }\n"[..]));
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

#[test]
fn killed_at_any_moment_nothing_stored_is_lost_or_taken_twice() {
    let folder = tempfile::tempdir().expect("a folder");
    thread::scope(|scope| {
        for spool in spools(folder.path()) {
            scope.spawn(move || kill_again_and_again(spool));
        }
    });
}

/// Kills a process again and again, and counts at the server.
fn kill_again_and_again(spool: PathBuf) {
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
        } else if round % 3 == 1 {
            // Not 413: a server that took a batch does not find it too large the next time.
            collector.script([
                Answer::status(404),
                Answer::status(429).header("Retry-After", "0"),
                Answer::status(401),
            ]);
        }
        let lifetime = Duration::from_millis(round * 7 % 30);
        let lines = child(&spool, &collector.url(), &round.to_string(), round % 4 > 0, lifetime);
        acknowledged.extend(lines);
    }
    assert!(acknowledged.len() >= 150, "{} events were acknowledged", acknowledged.len());
    let limits = StoreLimits::default().lease(Duration::from_millis(300));
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
