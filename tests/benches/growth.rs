//! What a message costs with ever more live threads, with ever longer turns, and in ever larger recordings: it should cost
//! the same.

use std::fs;
use std::io::sink;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use turnledger_intake::recording::Source;
use turnledger_intake::replay::{Options, replay};
use turnledger_tests::growth::Live;
use turnledger_tests::mix::{Size, recording_of};

fn threads(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("live threads");
    for threads in [100, 1_000, 10_000, 100_000, 1_000_000] {
        turns(&mut group, threads, Live::new(threads), 10);
    }
    group.finish();
}

fn items(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("items in a turn");
    for items in [10, 100, 1_000, 10_000, 100_000] {
        turns(&mut group, items, Live::new(1), items);
    }
    group.finish();
}

/// Messages come once each, so new ones are made for every iteration, and that takes longer than what is measured.
fn turns(group: &mut BenchmarkGroup<'_, WallTime>, size: usize, mut live: Live, items: usize) {
    group.measurement_time(Duration::from_millis(500)).warm_up_time(Duration::from_millis(100));
    group.throughput(Throughput::Elements(live.turns(items).len() as u64));
    group.bench_function(BenchmarkId::from_parameter(size), |bencher| {
        bencher.iter_custom(|times| {
            (0..times)
                .map(|_| {
                    let messages = live.turns(items);
                    live.observe(&messages)
                })
                .sum()
        });
    });
}

fn recordings(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("session.jsonl");
    let options = Options::default().strict(true);
    let mut group = criterion.benchmark_group("recording of so many MB");
    for turns in [64, 640, 6_400] {
        let recording = recording_of(Size { turns, threads: 10, diff_lines: 0 });
        fs::write(&path, &recording).expect("a recording");
        let bytes = recording.len() as u64;
        group.throughput(Throughput::Bytes(bytes));
        group.bench_function(BenchmarkId::from_parameter(bytes / 1_000_000), |bencher| {
            bencher.iter(|| {
                let sources = [Source::File(path.clone())];
                replay(&sources, &options, &|reader| reader, &mut sink(), &mut |note| panic!("{note}"))
                    .expect("a replay")
            });
        });
    }
    group.finish();
}

criterion_group! {
    name = growth;
    config = Criterion::default().sample_size(10);
    targets = threads, items, recordings
}
criterion_main!(growth);
