//! How fast `turnledger import` reads rollouts, beside what skipping the same bytes as JSON costs, and another program.
//!
//! usage: `imports [MEGABYTES] [PROGRAM ARGUMENT...]`, with the program of `cargo build --profile dist` in `target/dist`. Another
//! program finds the rollouts below `CODEX_HOME`.

use std::env;
use std::fs::{self, File};
use std::hint::black_box;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde::de::IgnoredAny;
use turnledger_tests::memory::memory;
use turnledger_tests::rollouts::recordings;

const ROUNDS: usize = 5;
const VERSIONS: [&str; 6] = ["0.104.0", "0.120.0", "0.131.0", "0.142.0", "0.153.0", "0.171.0"];
const FILES: usize = 10_000;

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let megabytes = arguments.first().and_then(|text| text.parse().ok()).unwrap_or(1000);
    let home = tempfile::tempdir().expect("a folder");
    let sessions = home.path().join("sessions");
    let (files, bytes) = generate(&sessions, megabytes * 1_000_000);
    println!("{} rollouts, {bytes} bytes, {} KB each", files.len(), bytes / files.len() as u64 / 1000);
    println!("{:<48} {:>8} {:>8} {:>8} {:>8}", "", "fastest", "slowest", "MB/s", "peak MB");

    row("skip each line as JSON, one core", bytes, || {
        let start = Instant::now();
        for file in &files {
            skip(file);
        }
        (start.elapsed(), 0)
    });
    let program = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target/dist/turnledger");
    let run = |cores: &str, more: &[&str]| {
        let mut command = Command::new("taskset");
        command.args(["-c", cores]).arg(&program).args(["import", "--output", "-"]).args(more);
        command.env("HOME", home.path()).env("CODEX_HOME", home.path());
        command
    };
    row("import, one core", bytes, || time(&mut run("0", &["-q", "--again"])));
    row("import, two cores", bytes, || time(&mut run("0,1", &["-q", "--again"])));
    row("import again: nothing is new", bytes, || time(&mut run("0,1", &["-q"])));
    if let [_, other, more @ ..] = &arguments[..] {
        for cores in ["0", "0,1"] {
            let mut command = Command::new("taskset");
            command.args(["-c", cores, other]).args(more).env("HOME", home.path()).env("CODEX_HOME", home.path());
            row(&format!("{other} on cores {cores}"), bytes, || time(&mut command));
        }
    }
    drop(files);
    fs::remove_dir_all(&sessions).expect("the files go");

    // Small files, as many as a year has.
    let (files, bytes) = generate_small(&sessions);
    println!("{} rollouts, {bytes} bytes", files.len());
    row("import of small files, two cores", bytes, || time(&mut run("0,1", &["-q", "--again"])));
    row("import of small files again: nothing is new", bytes, || time(&mut run("0,1", &["-q"])));
}

/// Copies of the recorded rollouts, each with a thread of its own, until there are so many bytes.
fn generate(folder: &Path, most: u64) -> (Vec<PathBuf>, u64) {
    let recorded: Vec<_> = VERSIONS
        .into_iter()
        .flat_map(recordings)
        .flat_map(|recorded| recorded.files)
        .map(|(name, text)| (id(&name), text))
        .collect();
    let (mut files, mut bytes) = (Vec::new(), 0);
    for (number, (id, text)) in recorded.iter().cycle().enumerate() {
        if bytes >= most {
            break;
        }
        let day = folder.join(format!("2026/{:02}/{:02}", number / 280 % 12 + 1, number / 10 % 28 + 1));
        fs::create_dir_all(&day).expect("a folder");
        let own = format!("{}{number:012x}", &id[..24]);
        let file = day.join(format!("rollout-{own}.jsonl"));
        let text = text.replace(id, &own);
        fs::write(&file, &text).expect("a file");
        bytes += text.len() as u64;
        files.push(file);
    }
    (files, bytes)
}

/// The id in a file's name.
fn id(name: &str) -> String {
    let name = name.trim_end_matches(".jsonl");
    name[name.len() - 36..].to_owned()
}

/// The first turns of sessions.
fn generate_small(folder: &Path) -> (Vec<PathBuf>, u64) {
    let (name, text) = recordings("0.131.0")
        .into_iter()
        .find(|recorded| recorded.name == "plain_turn")
        .expect("a recording")
        .files
        .remove(0);
    let id = id(&name);
    let (mut files, mut bytes) = (Vec::new(), 0);
    for number in 0..FILES {
        let day = folder.join(format!("2026/{:02}/{:02}", number / 840 % 12 + 1, number / 30 % 28 + 1));
        fs::create_dir_all(&day).expect("a folder");
        let own = format!("{}{number:012x}", &id[..24]);
        let file = day.join(format!("rollout-{own}.jsonl"));
        let text = text.replace(&id, &own);
        fs::write(&file, &text).expect("a file");
        bytes += text.len() as u64;
        files.push(file);
    }
    (files, bytes)
}

fn skip(file: &Path) {
    let mut reader = BufReader::with_capacity(1 << 16, File::open(file).expect("a file"));
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line).expect("a line") > 0 {
        black_box(serde_json::from_slice::<IgnoredAny>(&line).is_ok());
        line.clear();
    }
}

/// How long a command takes, and its peak of memory.
fn time(command: &mut Command) -> (Duration, u64) {
    let start = Instant::now();
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
    let process = child.id().to_string();
    let mut peak = 0;
    loop {
        peak = memory(&process, "VmHWM").max(peak);
        if let Some(status) = child.try_wait().expect("it ends") {
            assert!(status.code().is_some_and(|code| code < 2), "{command:?}: {status}");
            return (start.elapsed(), peak);
        }
        thread::sleep(Duration::from_millis(2));
    }
}

fn row(what: &str, bytes: u64, mut run: impl FnMut() -> (Duration, u64)) {
    let rounds: Vec<_> = (0..ROUNDS).map(|_| run()).collect();
    let fastest = rounds.iter().map(|(time, _)| *time).min().unwrap_or_default();
    let slowest = rounds.iter().map(|(time, _)| *time).max().unwrap_or_default();
    let peak = rounds.iter().map(|(_, peak)| *peak).max().unwrap_or_default();
    #[allow(clippy::cast_precision_loss, reason = "a figure to read")]
    let speed = bytes as f64 / 1e6 / fastest.as_secs_f64();
    println!(
        "{what:<48} {:>7.2}s {:>7.2}s {speed:>8.0} {:>8}",
        fastest.as_secs_f64(),
        slowest.as_secs_f64(),
        peak / 1_000_000
    );
}
