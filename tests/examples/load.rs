//! A thousand connections and a hundred thousand messages a second for a minute, through one ledger to a
//! server on loopback: what waits, what is dropped, what memory it takes, and what a call costs its caller.
//!
//! usage: `load [SECONDS] [MESSAGES_A_SECOND] [--spool]`; half of the messages are of no interest, as in a
//! real session, where most are pieces of an answer.

use std::env;
use std::io::{BufReader, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use turnledger::Ledger;
use turnledger::delivery::Endpoint;
use turnledger::delivery::auth::NoAuth;
use turnledger_core::Direction;
use turnledger_testing::Request;
use turnledger_tests::memory::memory;
use turnledger_tests::mix::{Size, session};

const CONNECTIONS: usize = 1000;
/// What stands before twelve digits in the ids of threads, turns and the server's requests.
const IDS: [&str; 4] = ["01a1fc2d-0000-7000-8000-", "01a1fc2e-0000-7000-8000-", "\"id\":77", "\"id\":78"];
/// What the numbers of a turn's two requests begin with: 77, and 78.
const REQUEST: u64 = 77;
const DELTA: &str = r#"{"method":"item/agentMessage/delta","params":{"threadId":"01a1fc2d-0000-7000-8000-000000000000","turnId":"01a1fc2e-0000-7000-8000-000000000000","itemId":"msg-1","delta":" some words of an answer"}}"#;

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let mut numbers = arguments.iter().filter_map(|argument| argument.parse::<u64>().ok());
    let (seconds, rate) = (numbers.next().unwrap_or(60), numbers.next().unwrap_or(100_000));
    let (url, taken) = server();
    let folder = tempfile::tempdir().expect("a folder");
    let mut builder = Ledger::builder().upload(Endpoint::new(&url).expect("a URL"), Arc::new(NoAuth));
    let has_spool = arguments.iter().any(|argument| argument == "--spool");
    if has_spool {
        builder = builder.spool(folder.path().join("spool"));
    }
    let ledger = builder.start().expect("a ledger");

    let mut traffic = Traffic::new();
    let mut times = Times::default();
    println!("{CONNECTIONS} connections, {rate} messages/s for {seconds} s, spool: {has_spool}");
    println!(
        "{:>5} {:>10} {:>8} {:>8} {:>10} {:>10} {:>10}",
        "s", "messages", "queued", "dropped", "delivered", "waiting", "MB"
    );
    let (start, tick) = (Instant::now(), Duration::from_millis(1));
    let mut sent = 0_u64;
    let mut shown = 0;
    let mut deepest = 0;
    while start.elapsed() < Duration::from_secs(seconds) {
        let due = rate * u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX) / 1_000_000;
        while sent < due {
            let (connection, direction, message) = traffic.next();
            let before = Instant::now();
            ledger.observe(connection, direction, message);
            times.add(before.elapsed());
            sent += 1;
        }
        if start.elapsed().as_secs() >= shown {
            let stats = ledger.stats();
            println!(
                "{shown:>5} {sent:>10} {:>8} {:>8} {:>10} {:>10} {:>10}",
                stats.queued,
                stats.dropped,
                stats.delivered,
                stats.waiting.events,
                resident_mb()
            );
            shown += 5;
        }
        deepest = deepest.max(ledger.stats().queued);
        thread::sleep(tick);
    }
    let flushed = ledger.shutdown(Duration::from_secs(120));
    let stats = ledger.stats();
    let events: u64 = stats.core.events.values().sum();
    println!("at the end: {flushed:?}, {} MB", resident_mb());
    println!(
        "messages: {sent} sent = {} reduced + {} filtered + {} dropped",
        stats.core.messages, stats.filtered, stats.dropped
    );
    println!(
        "events: {events} made = {} delivered + {} waiting + {} evicted",
        stats.delivered, stats.waiting.events, stats.evicted
    );
    println!("the server took {}; the queue was {deepest} deep at most, of 4096", taken.load(Ordering::Relaxed));
    println!("no event for {} facts: {:?}", stats.core.discards.values().sum::<u64>(), stats.core.discards);
    println!("a call: p50 {}, p99 {}, p99.9 {}", times.at(0.5), times.at(0.99), times.at(0.999));
    assert_eq!(sent, stats.core.messages + stats.filtered + stats.dropped, "every message is accounted for");
    assert_eq!(events, stats.delivered + stats.waiting.events + stats.evicted, "every event is accounted for");
}

/// Takes requests and counts their events, and remembers nothing.
fn server() -> (String, Arc<AtomicU64>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("its address"));
    let taken = Arc::new(AtomicU64::new(0));
    let counter = taken.clone();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let counter = counter.clone();
            thread::spawn(move || {
                let mut reader = BufReader::new(&stream);
                while let Ok(Some(request)) = Request::read(&mut reader) {
                    counter.fetch_add(request.text().matches("\"event_type\":").count() as u64, Ordering::Relaxed);
                    let answer = b"HTTP/1.1 202 Accepted\r\nAccept-Encoding: gzip\r\nContent-Length: 0\r\n\r\n";
                    if (&stream).write_all(answer).is_err() {
                        break;
                    }
                }
            });
        }
    });
    (url, taken)
}

/// Sessions that go on and on: each connection has a thread, in which it runs turn after turn.
struct Traffic {
    /// Initialising and starting a thread; then a turn.
    templates: Vec<Template>,
    /// Where a turn begins.
    turn: usize,
    /// Of each connection, the next message and the number of its turn.
    at: Vec<(usize, u64)>,
    connection: usize,
}

struct Template {
    direction: Direction,
    text: Vec<u8>,
    /// Where the digits of ids are: of threads, which stay, and of turns and requests, which change.
    places: Vec<(usize, bool)>,
}

impl Template {
    fn new(direction: Direction, mut message: Value) -> Self {
        // The server's requests have numbers of their own, whoever they go to.
        let is_approval = message["method"].as_str().is_some_and(|method| method.ends_with("/requestApproval"));
        if (is_approval || message["result"].get("decision").is_some())
            && let Some(id) = message["id"].as_u64()
        {
            message["id"] = ((REQUEST + id) * 1_000_000_000_000).into();
        }
        let text = message.to_string();
        let of = |(kind, id): (usize, &str)| -> Vec<(usize, bool)> {
            text.match_indices(id).map(|(at, _)| (at + id.len(), kind > 0)).collect()
        };
        let places = IDS.into_iter().enumerate().flat_map(of).collect();
        Self { direction, text: text.into_bytes(), places }
    }
}

impl Traffic {
    fn new() -> Self {
        let mut templates = Vec::new();
        let mut turn = None;
        for message in session(Size { turns: 1, threads: 1, diff_lines: 0 }) {
            let value: Value = serde_json::from_str(&message.text).expect("a message");
            if value["method"] == "turn/start" {
                turn = Some(templates.len());
            }
            templates.push(Template::new(message.direction, value));
            if turn.is_some() {
                templates
                    .push(Template::new(Direction::ServerToClient, serde_json::from_str(DELTA).expect("a message")));
            }
        }
        Self { templates, turn: turn.expect("a turn"), at: vec![(0, 0); CONNECTIONS], connection: 0 }
    }

    /// The next message of the next connection.
    fn next(&mut self) -> (u64, Direction, &[u8]) {
        self.connection = (self.connection + 1) % CONNECTIONS;
        let (next, number) = &mut self.at[self.connection];
        let (message, turn) = (*next, *number);
        *next += 1;
        if *next == self.templates.len() {
            (*next, *number) = (self.turn, turn + 1);
        }
        let Template { direction, text, places } = &mut self.templates[message];
        for (place, changes) in places {
            let number = if *changes { turn } else { 0 };
            write!(&mut text[*place..*place + 12], "{:06}{number:06}", self.connection).expect("room for an id");
        }
        (self.connection as u64, *direction, text)
    }
}

/// How long calls took, in steps of ten nanoseconds up to a millisecond.
struct Times {
    counts: Vec<u64>,
    total: u64,
}

impl Default for Times {
    fn default() -> Self {
        Self { counts: vec![0; 100_001], total: 0 }
    }
}

impl Times {
    fn add(&mut self, time: Duration) {
        let step = usize::try_from(time.as_nanos() / 10).unwrap_or(usize::MAX).min(self.counts.len() - 1);
        self.counts[step] += 1;
        self.total += 1;
    }

    fn at(&self, share: f64) -> String {
        #[allow(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a count"
        )]
        let mut left = (self.total as f64 * share) as u64;
        for (step, count) in self.counts.iter().enumerate() {
            if left < *count {
                return format!("{:?}", Duration::from_nanos(step as u64 * 10));
            }
            left -= count;
        }
        "over 1ms".into()
    }
}

/// The memory of this process, the server's included.
fn resident_mb() -> u64 {
    memory("self", "VmRSS") / 1_000_000
}
