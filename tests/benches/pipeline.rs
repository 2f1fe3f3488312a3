//! Typed facts to events, text to events to text, diffs to fingerprints, events to request bodies, and a session to its
//! snapshot and back, each beside its limit.

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use serde::de::IgnoredAny;
use turnledger::Sha2;
use turnledger_core::accepted_lines::{Fingerprinter, lines};
use turnledger_core::{BatchLimits, Batcher, Digest, Output, Reducer, reducer};
use turnledger_tests::golden::{observe, pipeline};
use turnledger_tests::growth::Live;
use turnledger_tests::mix::{Size, facts, hashed_lines, session, source_diff};
use turnledger_tests::parse::parse;
use turnledger_tests::stream::Stream;

fn benches(criterion: &mut Criterion) {
    let messages = session(Size { turns: 500, threads: 100, diff_lines: 0 });
    let facts = facts(&messages);
    let stream = Stream::from(&*messages);

    let mut group = criterion.benchmark_group("reducer");
    group.throughput(Throughput::Elements(facts.len() as u64));
    group.bench_function("facts to events", |bencher| {
        bencher.iter_batched(
            || facts.clone(),
            |facts| {
                let mut reducer = Reducer::new(Sha2::default(), reducer::Limits::default());
                let mut output = Output::default();
                for (at, fact) in facts {
                    reducer.apply(at, fact, &mut output);
                    black_box(&output);
                    output.clear();
                }
            },
            BatchSize::LargeInput,
        );
    });
    group.finish();

    let mut group = criterion.benchmark_group("text");
    group.throughput(Throughput::Elements(messages.len() as u64));
    group.bench_function("messages to events to text", |bencher| {
        bencher.iter(|| {
            let mut pipeline = pipeline(Sha2::default());
            let mut output = Output::default();
            let mut written = String::new();
            for (at, connection_id, direction, text) in stream.iter() {
                let _ = pipeline.observe(at, connection_id, direction, text, &mut output);
                for event in &output.events {
                    event.write_json(&mut written);
                }
                output.clear();
                written.clear();
            }
        });
    });
    group.bench_function("limit: skip the JSON", |bencher| {
        bencher.iter(|| {
            for text in stream.texts() {
                black_box(serde_json::from_slice::<IgnoredAny>(text).expect("JSON"));
            }
        });
    });
    group.bench_function("limit: parse the same members", |bencher| {
        bencher.iter(|| {
            for text in stream.texts() {
                black_box(parse(text).expect("a message of the session"));
            }
        });
    });
    group.finish();
}

fn accepted_lines(criterion: &mut Criterion) {
    let diff = source_diff(10 << 20);
    let digest = Sha2::default();
    let mut group = criterion.benchmark_group("accepted lines");
    group.throughput(Throughput::Bytes(diff.len() as u64));
    group.bench_function("diff to fingerprints", |bencher| {
        bencher.iter(|| {
            let mut fingerprinter = Fingerprinter::new(&digest);
            lines(diff.as_bytes()).filter_map(|line| fingerprinter.line(line)).collect::<Vec<_>>()
        });
    });
    let added: Vec<&[u8]> = hashed_lines(&diff);
    group.bench_function("limit: hash the same lines", |bencher| {
        bencher.iter(|| {
            for line in &added {
                black_box(digest.digest(&[b"file-line-v1\0line\0", line]));
            }
        });
    });
    group.finish();
}

fn batches(criterion: &mut Criterion) {
    let messages = session(Size { turns: 500, threads: 100, diff_lines: 0 });
    let digest = Sha2::default();
    let (mut pipeline, mut output) = (pipeline(digest.clone()), Output::default());
    for message in &messages {
        observe(&mut pipeline, message, &mut output);
    }
    let mut group = criterion.benchmark_group("batches");
    group.throughput(Throughput::Elements(output.events.len() as u64));
    group.bench_function("events to request bodies", |bencher| {
        bencher.iter(|| {
            let mut batcher = Batcher::new(BatchLimits::default());
            for event in &output.events {
                black_box(batcher.push(event));
            }
            black_box(batcher.flush())
        });
    });
    let mut text = String::new();
    group.bench_function("limit: events to text", |bencher| {
        bencher.iter(|| {
            for event in &output.events {
                text.clear();
                event.write_json(&mut text);
                black_box(&text);
            }
        });
    });
    group.finish();
}

fn snapshots(criterion: &mut Criterion) {
    let live = Live::new(10_000);
    let snapshot = live.snapshot();
    let mut group = criterion.benchmark_group("a snapshot of 10,000 threads");
    group.throughput(Throughput::Bytes(snapshot.len() as u64));
    group.bench_function("write", |bencher| bencher.iter(|| live.snapshot()));
    group.bench_function("restore", |bencher| bencher.iter(|| Live::restore(&snapshot)));
    let mut copy = String::new();
    group.bench_function("limit: copy it", |bencher| {
        bencher.iter(|| {
            copy.clear();
            copy.push_str(black_box(&snapshot));
            black_box(&copy);
        });
    });
    group.bench_function("limit: skip the JSON", |bencher| {
        bencher.iter(|| serde_json::from_str::<IgnoredAny>(black_box(&snapshot)).expect("JSON"));
    });
    group.finish();
}

criterion_group! {
    name = pipeline_benches;
    config = Criterion::default().sample_size(20);
    targets = benches, accepted_lines, batches, snapshots
}
criterion_main!(pipeline_benches);
