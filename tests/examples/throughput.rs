//! One table: how fast a session goes through, beside what only parsing and only hashing it costs.
//!
//! usage: throughput [TURNS] [THREADS] [DIFF_LINES]

use std::env;
use std::hint::black_box;
use std::time::{Duration, Instant};

use serde::de::IgnoredAny;
use turnledger::Sha2;
use turnledger_core::event::common::RpcTransport;
use turnledger_core::observer::{Observation, ObserverLimits};
use turnledger_core::{Digest, Observer, Output, Reducer, reducer};
use turnledger_tests::golden::pipeline;
use turnledger_tests::mix::{Size, session};

/// The fastest and the slowest of some runs: the difference is the machine's noise.
fn measure(mut run: impl FnMut() -> Duration) -> (Duration, Duration) {
    let times: Vec<_> = (0..7).map(|_| run()).collect();
    (times.iter().min().copied().unwrap_or_default(), times.iter().max().copied().unwrap_or_default())
}

fn main() {
    let argument = |index, default| env::args().nth(index).and_then(|text| text.parse().ok()).unwrap_or(default);
    let size = Size { turns: argument(1, 2000), threads: argument(2, 100), diff_lines: argument(3, 0) };
    let messages = session(size);
    let bytes: usize = messages.iter().map(|message| message.text.len()).sum();

    let mut facts = Vec::new();
    let mut observer = Observer::new(RpcTransport::Stdio, ObserverLimits::default());
    let mut observation = Observation::default();
    for message in &messages {
        observer.observe(
            message.at,
            message.connection_id,
            message.direction,
            message.text.as_bytes(),
            &mut observation,
        );
        facts.extend(observation.facts.drain(..).map(|fact| (message.at, fact)));
    }
    println!("{size:?}: {} messages, {} facts, {bytes} bytes", messages.len(), facts.len());
    println!("{:<44} {:>14} {:>14} {:>12}", "", "fastest", "slowest", "MB/s");
    let row = |name: &str, unit: &str, count: usize, (fastest, slowest): (Duration, Duration)| {
        let per = |time: Duration| time.as_nanos() / u128::try_from(count.max(1)).unwrap_or(1);
        let rate = bytes as f64 / 1e6 / fastest.as_secs_f64();
        println!("{name:<44} {:>7} ns/{unit} {:>7} ns/{unit} {rate:>12.0}", per(fastest), per(slowest));
    };

    row(
        "reducer alone: facts to events",
        "fact",
        facts.len(),
        measure(|| {
            let facts = facts.clone();
            let start = Instant::now();
            let mut reducer = Reducer::new(Sha2, reducer::Limits::default());
            let mut output = Output::default();
            for (at, fact) in facts {
                reducer.apply(at, fact, &mut output);
                black_box(&output);
                output.clear();
            }
            start.elapsed()
        }),
    );
    let mut text = Vec::new();
    row(
        "facts to events to text",
        "fact",
        facts.len(),
        measure(|| {
            let facts = facts.clone();
            let start = Instant::now();
            let mut reducer = Reducer::new(Sha2, reducer::Limits::default());
            let mut output = Output::default();
            for (at, fact) in facts {
                reducer.apply(at, fact, &mut output);
                for event in &output.events {
                    serde_json::to_writer(&mut text, event).expect("writing to memory");
                }
                output.clear();
                text.clear();
            }
            start.elapsed()
        }),
    );
    row(
        "text to events to text",
        "msg ",
        messages.len(),
        measure(|| {
            let start = Instant::now();
            let mut pipeline = pipeline(Sha2);
            let mut output = Output::default();
            for message in &messages {
                let bytes = message.text.as_bytes();
                pipeline.observe(message.at, message.connection_id, message.direction, bytes, &mut output);
                for event in &output.events {
                    serde_json::to_writer(&mut text, event).expect("writing to memory");
                }
                output.clear();
                text.clear();
            }
            start.elapsed()
        }),
    );
    row(
        "limit: skip the same text as JSON",
        "msg ",
        messages.len(),
        measure(|| {
            let start = Instant::now();
            for message in &messages {
                black_box(serde_json::from_slice::<IgnoredAny>(message.text.as_bytes()).expect("JSON"));
            }
            start.elapsed()
        }),
    );
    row(
        "limit: parse the same text as JSON values",
        "msg ",
        messages.len(),
        measure(|| {
            let start = Instant::now();
            for message in &messages {
                black_box(serde_json::from_slice::<serde_json::Value>(message.text.as_bytes()).expect("JSON"));
            }
            start.elapsed()
        }),
    );
    row(
        "limit: SHA-256 of the same text",
        "msg ",
        messages.len(),
        measure(|| {
            let start = Instant::now();
            for message in &messages {
                black_box(Sha2.digest(&[message.text.as_bytes()]));
            }
            start.elapsed()
        }),
    );
}
