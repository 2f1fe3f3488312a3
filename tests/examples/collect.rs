//! A collector that takes a million events of eight persons: how many a second, how long a request waits, how much memory
//! the process takes meanwhile, how large the store is, and how long the first report and the dashboard's first picture take.
//!
//! usage: `cargo build --profile dist --features full`, then `collect [EVENTS]`. Clients and collector share the machine.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use jiff::tz::TimeZone;
use serde_json::{Value, json};
use turnledger::Sha2;
use turnledger_archive::Archive;
use turnledger_archive::report::{By, Query};
use turnledger_tests::collecting::{Client, Server, collect, token};
use turnledger_tests::golden::{recordings, replay};
use turnledger_tests::memory::memory;

const CLIENTS: u64 = 8;
/// As clients send by default.
const BATCH: usize = 100;

fn main() {
    let events = env::args().nth(1).map_or(1_000_000, |text| text.parse().expect("a number"));
    let folder = tempfile::tempdir_in(".").expect("a folder");
    let data = folder.path().join("data");
    fs::create_dir(&data).expect("a folder");
    let tokens: Vec<_> = (0..CLIENTS).map(|person| token(&data, &format!("p{person}"), Some("core"))).collect();
    let server = Server::of(&released(), &data, "127.0.0.1:0", &["--most-requests-per-second", "100000"]);
    let recorded = Recorded::new();
    let (sent, is_over, waits) = (AtomicU64::new(0), AtomicBool::new(false), Mutex::new(Vec::new()));
    let start = Instant::now();
    thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|client| {
                let token = &tokens[usize::try_from(client).expect("a few")];
                let (recorded, server, sent, waits) = (&recorded, &server, &sent, &waits);
                scope.spawn(move || {
                    let (mut connection, mut slow) = (server.client(), Vec::new());
                    let mut bodies = recorded.bodies(client);
                    while sent.fetch_add(BATCH as u64, Ordering::Relaxed) < events {
                        let body = bodies.next().expect("endless");
                        slow.push(post(&mut connection, token, body.as_bytes()));
                    }
                    waits.lock().expect("no panic").extend(slow);
                })
            })
            .collect();
        let (process, is_over, sent) = (server.id().to_string(), &is_over, &sent);
        scope.spawn(move || {
            for second in 0_u64.. {
                if is_over.load(Ordering::Relaxed) {
                    return;
                }
                if second.is_multiple_of(10) {
                    let now = mb(memory(&process, "VmRSS"));
                    println!("{second:>4} s: {:>9} events sent, {now:.0} MB", sent.load(Ordering::Relaxed).min(events));
                }
                thread::sleep(Duration::from_secs(1));
            }
        });
        for client in clients {
            client.join().expect("a client");
        }
        is_over.store(true, Ordering::Relaxed);
    });
    let took = start.elapsed().as_secs_f64();
    let mut waits = waits.into_inner().expect("no panic");
    waits.sort();
    let at = |share: usize| waits[(waits.len() - 1) * share / 100].as_secs_f64() * 1e3;
    let (requests, commits) = (waits.len(), server.figure("turnledger_commit_seconds_count"));
    #[allow(clippy::cast_precision_loss, reason = "a figure to read")]
    let rate = events as f64 / took;
    println!("{events} events in {requests} requests and {commits} commits: {took:.1} s, {rate:.0} events a second");
    println!("an answer took {:.1} ms (median), {:.1} ms (99 of 100), {:.1} ms (all)", at(50), at(99), at(100));
    println!("peak of the collector's memory: {:.0} MB", mb(memory(&server.id().to_string(), "VmHWM")));
    report(&data, "while it runs");
    for time in ["first", "second"] {
        picture(&server, &data, time);
    }
    assert!(server.end().0.success());
    let store = data.join("store.sqlite");
    println!("the store has {:.0} MB", mb(fs::metadata(&store).expect("a store").len()));
    let stored = Archive::open_read_only(&store).expect("a store").status().expect("its status").events;
    assert!(stored >= events * 9 / 10, "{stored}");
}

/// The program beside this one.
fn released() -> PathBuf {
    let here = env::current_exe().expect("this program");
    let program = here.ancestors().nth(2).expect("the folder of builds").join("turnledger");
    assert!(program.exists(), "build it first: cargo build --profile dist --features full");
    program
}

fn post(connection: &mut Client<std::net::TcpStream>, token: &str, body: &[u8]) -> Duration {
    let start = Instant::now();
    let answer = connection.post(token, &[], body).expect("an answer");
    assert_eq!(answer.status, 204, "{}", answer.text());
    start.elapsed()
}

#[allow(clippy::cast_precision_loss, reason = "a figure to read")]
fn mb(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// What a report of all by person takes.
fn report(data: &Path, when: &str) {
    let start = Instant::now();
    let archive = Archive::open_read_only(&data.join("store.sqlite")).expect("a store");
    let report = archive.report(&Query::new(TimeZone::UTC).by(By::Person)).expect("a report");
    println!("a report of {} events by person, {when}: {:.0} ms", report.events, start.elapsed().as_secs_f64() * 1e3);
}

/// What an owner's browser asks for before the dashboard shows numbers: one answer after the other.
fn picture(server: &Server, data: &Path, time: &str) {
    let key = collect(data, &["user", "add", time, "--role", "owner"]);
    let mut browser = server.client();
    let body = json!({ "key": key.trim_end() }).to_string();
    let headers = [("Content-Type", "application/json"), ("X-Turnledger", "1")];
    let signed_in = browser.ask("POST", "/api/session", &headers, body.as_bytes()).expect("an answer");
    let cookie = signed_in.header("set-cookie").and_then(|cookie| cookie.split(';').next()).expect("a cookie");
    let start = Instant::now();
    for path in [
        "/",
        "/assets/dashboard.js",
        "/assets/dashboard.css",
        "/api/me",
        "/api/definitions",
        "/api/choices",
        // All of the recordings' time.
        "/api/report?since=2026-11-01&until=2026-11-30&by=team",
    ] {
        let asked = Instant::now();
        let answer = browser.ask("GET", path, &[("Cookie", cookie)], b"").expect("an answer");
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        println!("  {path}: {:.0} ms", asked.elapsed().as_secs_f64() * 1e3);
    }
    println!("the dashboard's {time} picture: {:.0} ms", start.elapsed().as_secs_f64() * 1e3);
}

/// The events of the recordings, each with the ids of the threads in it.
struct Recorded {
    events: Vec<(String, BTreeSet<String>)>,
}

impl Recorded {
    fn new() -> Self {
        let mut events = Vec::new();
        for recording in recordings("0.131.0") {
            let made = replay(Sha2::default(), &recording.messages()).events;
            events.extend(made.iter().map(|event| {
                let text = event.to_json();
                let json: Value = serde_json::from_str(&text).expect("JSON");
                let members = json["event_params"].as_object().into_iter().flatten();
                let ids = members.filter(|(name, _)| name.ends_with("thread_id") || *name == "session_id");
                let ids = ids.filter_map(|(_, id)| id.as_str()).filter(|id| id.len() == 36).map(str::to_owned);
                (text, ids.collect())
            }));
        }
        Self { events }
    }

    /// Bodies with copies of all of them, each copy's threads its own.
    fn bodies(&self, client: u64) -> impl Iterator<Item = String> {
        let copies = (0_u64..).flat_map(move |copy| {
            self.events.iter().map(move |(event, threads)| {
                threads.iter().fold(event.clone(), |event, thread| {
                    event.replace(thread, &format!("{}{client:02x}{copy:010x}", &thread[..24]))
                })
            })
        });
        let mut copies = copies;
        std::iter::from_fn(move || {
            let batch: Vec<_> = copies.by_ref().take(BATCH).collect();
            Some(format!("{{\"events\":[{}]}}", batch.join(",")))
        })
    }
}
