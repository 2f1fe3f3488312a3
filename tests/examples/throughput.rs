//! One table: how fast a session goes through, beside what only parsing and only hashing it costs.
//!
//! usage: `throughput [TURNS] [THREADS] [DIFF_LINES]`

use std::env;
use std::hint::black_box;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use turnledger::Sha2;
use turnledger_core::accepted_lines::{Fingerprinter, lines};
use turnledger_core::event::common::RpcTransport;
use turnledger_core::observer::{Observation, Observer, ObserverLimits};
use turnledger_core::{Digest, Fact, Output, Reducer, UnixMillis, reducer};
use turnledger_tests::golden::pipeline;
use turnledger_tests::mix::{Size, facts, hashed_lines, session, source_diff};
use turnledger_tests::parse;
use turnledger_tests::stream::Stream;

/// The fastest and the slowest of some runs: the difference is the machine's noise.
fn measure(mut run: impl FnMut() -> Duration) -> (Duration, Duration) {
    let times: Vec<_> = (0..7).map(|_| run()).collect();
    (times.iter().min().copied().unwrap_or_default(), times.iter().max().copied().unwrap_or_default())
}

/// A fact as an app-server makes it, which shares no id with another.
fn with_ids_of_its_own(fact: &Fact) -> Fact {
    Fact::from_json(fact.to_private_json().expose()).expect("a fact")
}

fn main() {
    let argument = |index, default| env::args().nth(index).and_then(|text| text.parse().ok()).unwrap_or(default);
    let size = Size { turns: argument(1, 2000), threads: argument(2, 100), diff_lines: argument(3, 0) };
    let messages = session(size);
    let facts = facts(&messages);
    let stream = Stream::from(&*messages);
    let table = Table { bytes: stream.bytes() };
    println!("{size:?}: {} messages, {} facts, {} bytes", messages.len(), facts.len(), stream.bytes());
    println!("{:<48} {:>14} {:>14} {:>12}", "", "fastest", "slowest", "MB/s");

    table.row("reducer alone: facts to events", "fact", facts.len(), || reduce(facts.clone(), |_| {}));
    table.row("the same: facts with ids of their own", "fact", facts.len(), || {
        // Made anew each time: the reducer lets go of each id.
        reduce(facts.iter().map(|(at, fact)| (*at, with_ids_of_its_own(fact))).collect(), |_| {})
    });
    let mut written = String::new();
    table.row("facts to events to text", "fact", facts.len(), || {
        reduce(facts.clone(), |output| write(output, &mut written))
    });
    table.row("text to facts: observer alone", "msg ", messages.len(), || {
        let start = Instant::now();
        let mut observer = Observer::new(RpcTransport::Stdio, ObserverLimits::default());
        let mut observation = Observation::default();
        for (at, connection_id, direction, text) in stream.iter() {
            observation.clear();
            observer.observe(at, connection_id, direction, text, &mut observation);
            black_box(&observation);
        }
        start.elapsed()
    });
    table.row("text to events to text", "msg ", messages.len(), || {
        let start = Instant::now();
        let mut pipeline = pipeline(Sha2::default());
        let mut output = Output::default();
        for (at, connection_id, direction, text) in stream.iter() {
            let _ = pipeline.observe(at, connection_id, direction, text, &mut output);
            write(&output, &mut written);
            output.clear();
        }
        start.elapsed()
    });
    let each = |work: fn(&[u8])| {
        let start = Instant::now();
        stream.texts().for_each(work);
        start.elapsed()
    };
    table.row("limit: skip the same text as JSON", "msg ", messages.len(), || each(json::<IgnoredAny>));
    table.row("limit: parse the same text to the same members", "msg ", messages.len(), || {
        each(|text| {
            black_box(parse::parse(text).expect("a message of the session"));
        })
    });
    table.row("limit: parse the same text as JSON values", "msg ", messages.len(), || each(json::<Value>));
    table.row("limit: SHA-256 of the same text", "msg ", messages.len(), || {
        each(|text| {
            black_box(Sha2::default().digest(&[text]));
        })
    });
    accepted_lines();
}

/// A diff of source code to fingerprints, beside hashing its lines alone.
fn accepted_lines() {
    let diff = source_diff(10 << 20);
    let table = Table { bytes: diff.len() };
    let all: Vec<&[u8]> = hashed_lines(&diff);
    println!("a diff of source code: {} lines to hash, {} bytes", all.len(), diff.len());
    let hash = |digest: &Sha2| {
        let start = Instant::now();
        for line in &all {
            black_box(digest.digest(&[b"file-line-v1\0line\0", line]));
        }
        start.elapsed()
    };
    let fingerprint = |digest: &Sha2| {
        let start = Instant::now();
        let mut fingerprinter = Fingerprinter::new(digest);
        black_box(lines(diff.as_bytes()).filter_map(|line| fingerprinter.line(line)).collect::<Vec<_>>());
        start.elapsed()
    };
    let (plain, keyed) = (Sha2::default(), Sha2::keyed(&[7; 32]).expect("a key that is long enough"));
    table.row("diff to fingerprints", "line", all.len(), || fingerprint(&plain));
    table.row("limit: SHA-256 of the same lines", "line", all.len(), || hash(&plain));
    table.row("diff to fingerprints, with a key", "line", all.len(), || fingerprint(&keyed));
    table.row("limit: HMAC-SHA-256 of the same lines", "line", all.len(), || hash(&keyed));
}

fn reduce(facts: Vec<(UnixMillis, Fact)>, mut see: impl FnMut(&Output)) -> Duration {
    let start = Instant::now();
    let mut reducer = Reducer::new(Sha2::default(), reducer::Limits::default());
    let mut output = Output::default();
    for (at, fact) in facts {
        reducer.apply(at, fact, &mut output);
        see(black_box(&output));
        output.clear();
    }
    start.elapsed()
}

fn write(output: &Output, text: &mut String) {
    text.clear();
    for event in &output.events {
        event.write_json(text);
    }
}

fn json<T: for<'de> Deserialize<'de>>(text: &[u8]) {
    black_box(serde_json::from_slice::<T>(text).expect("JSON"));
}

struct Table {
    bytes: usize,
}

impl Table {
    fn row(&self, name: &str, unit: &str, count: usize, run: impl FnMut() -> Duration) {
        let (fastest, slowest) = measure(run);
        let per = |time: Duration| time.as_nanos() / u128::try_from(count.max(1)).unwrap_or(1);
        let rate = u128::try_from(self.bytes).unwrap_or(0) / fastest.as_micros().max(1);
        println!("{name:<48} {:>7} ns/{unit} {:>7} ns/{unit} {rate:>12}", per(fastest), per(slowest));
    }
}
