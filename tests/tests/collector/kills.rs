//! A collector that is killed under load, again and again: what it acknowledged is there, once.
//!
//! `TURNLEDGER_ROUNDS` says how often it is killed.

use std::collections::BTreeSet;
use std::env;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use turnledger::Ledger;
use turnledger::delivery::{Endpoint, RetryLimits, TokenFile};
use turnledger::ledger::Flushed;
use turnledger::store::StoreLimits;
use turnledger_tests::collecting::{Client, LONG, Server, Turns, stored, token, token_file};
use turnledger_tests::ledger::hook;

fn rounds() -> u64 {
    env::var("TURNLEDGER_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(5)
}

/// An address that is free, and stays so from one collector to the next.
fn address() -> String {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").to_string()
}

/// Starts a collector and kills it, so often, and each time after another while.
fn kill_again_and_again(data: &Path, listen: &str) {
    for round in 0..rounds() {
        let server = Server::at(data, listen, &["--most-requests-per-second", "100000"]);
        thread::sleep(Duration::from_millis(30 + (round * 97) % 250));
        server.kill();
        let store = Connection::open(data.join("store.sqlite")).expect("the store");
        let check: String = store.query_row("PRAGMA quick_check", [], |row| row.get(0)).expect("a check");
        assert_eq!(check, "ok", "round {round}");
    }
}

#[test]
fn nothing_that_was_acknowledged_is_lost_or_doubled() {
    let data = tempfile::tempdir().expect("a folder");
    let listen = address();
    let to: SocketAddr = listen.parse().expect("an address");
    let is_over = AtomicBool::new(false);
    let acknowledged = Mutex::new(BTreeSet::new());
    let sent = Mutex::new(BTreeSet::new());
    let tokens: Vec<_> = (0..3).map(|person| token(data.path(), &format!("p{person}"), None)).collect();
    thread::scope(|scope| {
        for client in 0..8_usize {
            let (tokens, is_over, acknowledged, sent) = (&tokens, &is_over, &acknowledged, &sent);
            scope.spawn(move || {
                let turns = Turns::default();
                let mut connection = None;
                for request in 0.. {
                    if is_over.load(Ordering::Relaxed) {
                        return;
                    }
                    let threads: Vec<_> = (0..20).map(|event| format!("{client} {request} {event}")).collect();
                    sent.lock().expect("no panic").extend(threads.iter().cloned());
                    let (body, key) = (turns.body(&threads), format!("{client} {request}"));
                    // Some have no key: their events are known by themselves.
                    let headers: &[(&str, &str)] = if client == 0 { &[] } else { &[("Idempotency-Key", &key)] };
                    // It is sent until it is acknowledged.
                    loop {
                        let answer = match &mut connection {
                            None => {
                                connection = Client::to(to).ok();
                                None
                            }
                            Some(open) => Client::post(open, &tokens[client % 3], headers, &body).ok(),
                        };
                        match answer {
                            Some(answer) if answer.status == 204 => break,
                            Some(answer) => assert_eq!(answer.status, 503, "{}", answer.text()),
                            None if is_over.load(Ordering::Relaxed) => return,
                            None => connection = connection.filter(|_| false).or_else(|| Client::to(to).ok()),
                        }
                        thread::sleep(Duration::from_millis(2));
                    }
                    acknowledged.lock().expect("no panic").extend(threads);
                }
            });
        }
        kill_again_and_again(data.path(), &listen);
        is_over.store(true, Ordering::Relaxed);
    });
    let (acknowledged, sent) = (acknowledged.into_inner().expect("no panic"), sent.into_inner().expect("no panic"));
    let stored = stored(data.path());
    let distinct: BTreeSet<_> = stored.iter().cloned().collect();
    println!("{} rounds: {} sent, {} acknowledged, {} stored", rounds(), sent.len(), acknowledged.len(), stored.len());
    assert!(acknowledged.len() > 100, "{}", acknowledged.len());
    assert_eq!(stored.len(), distinct.len(), "each once");
    assert!(acknowledged.is_subset(&distinct), "all that was acknowledged");
    assert!(distinct.is_subset(&sent), "and nothing else");
}

#[test]
fn ledgers_deliver_all_across_the_kills() {
    let data = tempfile::tempdir().expect("a folder");
    let listen = address();
    let ledger = |person: &str| {
        let auth = Arc::new(TokenFile::bearer(token_file(data.path(), person)));
        Ledger::builder()
            .upload(Endpoint::new(&format!("http://{listen}")).expect("a URL"), auth)
            .retry(RetryLimits::default().first_ms(5).longest_ms(50))
            .store(StoreLimits::default().batch_age(Duration::from_millis(10)))
            .spool(data.path().join(format!("{person}.spool")))
            .start()
            .expect("a ledger")
    };
    let is_over = AtomicBool::new(false);
    let expected: Vec<_> = thread::scope(|scope| {
        let clients: Vec<_> = ["ada", "bob"]
            .into_iter()
            .map(|person| {
                let (ledger, is_over) = (&ledger, &is_over);
                scope.spawn(move || {
                    let mut told = Vec::new();
                    let mut running = ledger(person);
                    for number in 0.. {
                        if is_over.load(Ordering::Relaxed) {
                            break;
                        }
                        let thread = format!("{person} {number}");
                        running.track(hook(&thread));
                        told.push(thread);
                        thread::sleep(Duration::from_millis(1));
                        // What waits is in the spool, and the next ledger goes on with it.
                        if number % 200 == 199 {
                            running.shutdown(Duration::from_millis(200));
                            running = ledger(person);
                        }
                    }
                    (told, running)
                })
            })
            .collect();
        kill_again_and_again(data.path(), &listen);
        is_over.store(true, Ordering::Relaxed);
        let server = Server::at(data.path(), &listen, &[]);
        let mut expected = Vec::new();
        for client in clients {
            let (told, ledger) = client.join().expect("a client");
            expected.extend(told);
            let until = Instant::now() + LONG;
            while !matches!(ledger.flush(LONG), Flushed::Stored { waiting: 0, .. }) {
                assert!(Instant::now() < until, "everything is delivered");
            }
        }
        assert!(server.end().0.success());
        expected
    });
    let mut expected = expected;
    expected.sort();
    println!("{} rounds: {} events", rounds(), expected.len());
    assert!(expected.len() > 100, "{}", expected.len());
    assert_eq!(stored(data.path()), expected);
}
