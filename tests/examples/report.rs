//! A store of a million events: how fast it is filled, how large it is, and how long a report takes.
//!
//! usage: `report [EVENTS]`. A second round has two processes that write and one that reports, at the same time.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use jiff::tz::TimeZone;
use turnledger::Sha2;
use turnledger_archive::report::{By, Number, Query};
use turnledger_archive::{Archive, Reading};
use turnledger_core::{Event, UnixMillis};
use turnledger_tests::golden::{recordings, replay};
use turnledger_tests::memory::memory;

const ROUNDS: usize = 7;
/// How many events a program brings at once.
const BATCH: usize = 1000;
/// 2026-01-01, in Unix milliseconds; events are told over a year.
const FIRST: u64 = 1_767_225_600_000;
const YEAR_MS: u64 = 365 * 24 * 3600 * 1000;

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["write", store, from, events] => drop(write(Path::new(store), number(from), number(events))),
        ["report", store, period] => report(Path::new(store), period),
        [] => compare(1_000_000),
        [events] => compare(number(events)),
        _ => panic!("usage: report [EVENTS]"),
    }
}

fn number(text: &str) -> u64 {
    text.parse().expect("a number")
}

/// The events of the recordings, as JSON.
fn recorded() -> Vec<String> {
    let mut events = Vec::new();
    for recording in recordings("0.131.0") {
        let made = replay(Sha2::default(), &recording.messages()).events;
        events.extend(made.iter().map(Event::to_json));
    }
    events
}

/// Adds copies of the recorded events, the sessions from `from` on, until there are so many. Every copy of a session has
/// threads of its own, and a time of its own in the year.
fn write(path: &Path, from: u64, events: u64) -> Duration {
    let recorded = recorded();
    let mut archive = Archive::open(path).expect("a store");
    let (mut taken, mut written, mut copy) = (Duration::ZERO, 0, from);
    while written < events {
        let mut entries = Vec::new();
        while entries.len() < BATCH {
            let mut reading = Reading::default();
            for text in &recorded {
                let event = shifted(text, copy);
                entries.push(reading.next(Some(UnixMillis(FIRST)), event));
            }
            copy += 1;
        }
        entries.truncate(usize::try_from(events - written).unwrap_or(usize::MAX));
        written += entries.len() as u64;
        let start = Instant::now();
        archive.add(&entries).expect("room");
        taken += start.elapsed();
    }
    taken
}

/// An event of another copy: other ids, and another day of the year.
fn shifted(text: &str, copy: u64) -> Event {
    let mut json: serde_json::Value = serde_json::from_str(text).expect("JSON");
    let shift = copy * 7_919_000_003 % YEAR_MS;
    let base = 1_795_000_000_000_u64;
    for (name, value) in json["event_params"].as_object_mut().expect("members") {
        match value {
            serde_json::Value::String(id) if name.ends_with("thread_id") || name == "session_id" => {
                *id = format!("{}{copy:012x}", id.get(..24).unwrap_or(id));
            }
            serde_json::Value::Number(at) if name.ends_with("_at") || name.ends_with("_at_ms") => {
                let is_ms = name.ends_with("_ms");
                let ms = at.as_u64().unwrap_or(0) * if is_ms { 1 } else { 1000 };
                let ms = FIRST + (shift + ms.saturating_sub(base) % 600_000) % YEAR_MS;
                *value = (if is_ms { ms } else { ms / 1000 }).into();
            }
            _ => {}
        }
    }
    serde_json::from_value(json).expect("an event")
}

/// Reports once, and prints the time, the peak of memory, and the numbers that tell that all was read.
fn report(path: &Path, period: &str) {
    let query = Query::new(TimeZone::UTC);
    let query = match period {
        "month" => query.since(UnixMillis(FIRST)).until(UnixMillis(FIRST + YEAR_MS / 12)),
        "days" => query.by(By::Day),
        _ => query,
    };
    let start = Instant::now();
    let report = Archive::open_read_only(path).expect("a store").report(&query).expect("a report");
    let took = start.elapsed();
    let turns = report.total.whole(Number::Turns).unwrap_or(0);
    println!("{} {} {} {turns}", took.as_micros(), memory("self", "VmHWM"), report.events);
}

fn ours(arguments: &[&str]) -> Command {
    let mut command = Command::new(env::current_exe().expect("this program"));
    command.args(arguments);
    command
}

/// Time, memory, events and turns of a report that a process of its own makes.
fn reported(store: &str, period: &str) -> [u64; 4] {
    let output = ours(&["report", store, period]).output().expect("it runs");
    let text = String::from_utf8(output.stdout).expect("text");
    let numbers: Vec<u64> = text.split_whitespace().map(number).collect();
    numbers.try_into().unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)))
}

#[allow(clippy::cast_precision_loss, reason = "figures to read")]
fn compare(events: u64) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("events.db");
    let store = path.display().to_string();
    for part in [events / 10, events - events / 10] {
        let from = if part == events / 10 { 0 } else { 1_000_000 };
        let taken = write(&path, from, part);
        let size = fs::metadata(&path).expect("a file").len();
        println!(
            "{part} events written: {:.0} a second; the file has {:.0} MB",
            part as f64 / taken.as_secs_f64(),
            size as f64 / 1e6
        );
        for period in ["all", "days", "month"] {
            rows(&store, period);
        }
    }
    // What the system keeps of the file is dropped, where it may be.
    let _ = Command::new("sync").status();
    if fs::write("/proc/sys/vm/drop_caches", "1").is_ok() {
        let [took, ..] = reported(&store, "all");
        println!("{:<40} {:>8.0} ms", "a report, the file not in memory", took as f64 / 1e3);
    }
    together(&folder.path().join("shared.db"), events / 10);
}

#[allow(clippy::cast_precision_loss, reason = "figures to read")]
fn rows(store: &str, period: &str) {
    let rounds: Vec<[u64; 4]> = (0..ROUNDS).map(|_| reported(store, period)).collect();
    let times = || rounds.iter().map(|[took, ..]| *took as f64 / 1e3);
    let peak = rounds.iter().map(|[_, peak, ..]| *peak).max().unwrap_or(0);
    let [.., events, turns] = rounds[0];
    println!(
        "{:<40} {:>8.0} ms {:>8.0} ms   peak {:.0} MB",
        format!("a report, {period}: {events} events, {turns} turns"),
        times().fold(f64::MAX, f64::min),
        times().fold(0.0, f64::max),
        peak as f64 / 1e6
    );
}

/// Two processes write, and one reports again and again.
#[allow(clippy::cast_precision_loss, reason = "figures to read")]
fn together(path: &Path, events: u64) {
    let store = path.display().to_string();
    drop(Archive::open(path).expect("a store"));
    let start = Instant::now();
    let mut writers: Vec<_> = ["0", "1000000"]
        .into_iter()
        .map(|from| ours(&["write", &store, from, &events.to_string()]).spawn().expect("it starts"))
        .collect();
    let (mut reports, mut slowest, mut before) = (0, 0, 0);
    while writers.iter_mut().any(|writer| writer.try_wait().expect("it ends").is_none()) {
        let [took, _, seen, _] = reported(&store, "all");
        assert!(seen >= before, "an event is gone");
        (reports, slowest, before) = (reports + 1, slowest.max(took), seen);
        thread::sleep(Duration::from_millis(20));
    }
    for writer in &mut writers {
        assert!(writer.wait().expect("it ends").success());
    }
    let [.., all, _] = reported(&store, "all");
    assert_eq!(all, 2 * events, "every event of both is there");
    println!(
        "two writers of {events} events each, {reports} reports meanwhile: {:.1} s, {:.0} events a second; the slowest \
         report took {:.0} ms",
        start.elapsed().as_secs_f64(),
        (2 * events) as f64 / start.elapsed().as_secs_f64(),
        slowest as f64 / 1e3
    );
}
