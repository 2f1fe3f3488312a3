//! What a call costs its caller, and what the tap adds to a message: p50, p99 and p99.9.
//!
//! usage: `latency [CALLS]`; the program must be built (`cargo build --profile dist --features full`).

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use turnledger::Ledger;
use turnledger_core::Direction;

fn main() {
    let calls = env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(100_000);
    println!("{:<52} {:>10} {:>10} {:>10}", "", "p50", "p99", "p99.9");
    let delta = br#"{"method":"item/agentMessage/delta","params":{"threadId":"T","turnId":"U","itemId":"I","delta":"some words of an answer"}}"#;
    let started =
        br#"{"method":"turn/started","params":{"threadId":"T","turn":{"id":"U","status":"inProgress","startedAt":1}}}"#;
    let ledger = Ledger::builder().queue(1 << 20).start().expect("a ledger");
    row("observe: a message of no interest", calls, || ledger.observe(1, Direction::ServerToClient, delta));
    row("observe: a message that is queued", calls, || ledger.observe(1, Direction::ServerToClient, started));
    let disabled = Ledger::disabled();
    row("observe: a ledger that does nothing", calls, || disabled.observe(1, Direction::ServerToClient, started));
    row("limit: the clock alone", calls, || {});
    ledger.shutdown(Duration::from_secs(60));
    println!("dropped: {}", ledger.stats().dropped);

    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/dist/turnledger");
    let program = program.display().to_string();
    round_trips("a message to `cat` and back, directly", calls / 20, &["cat"]);
    round_trips("the same through the tap", calls / 20, &[&program, "tap", "--events", "/dev/null", "--", "cat"]);
    round_trips("a message to `cat` and back, directly", calls / 20, &["cat"]);
}

/// Sends a message at a time, and waits for it to come back.
fn round_trips(name: &str, calls: usize, command: &[&str]) {
    let mut child = Command::new(command[0])
        .args(&command[1..])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the command starts");
    let mut to = child.stdin.take().expect("its input");
    let mut from = BufReader::new(child.stdout.take().expect("its output"));
    let message = format!("{{\"method\":\"turn/started\",\"params\":{{\"threadId\":\"{}\"}}}}\n", "x".repeat(400));
    let mut line = String::new();
    row(name, calls, || {
        to.write_all(message.as_bytes()).expect("it listens");
        line.clear();
        from.read_line(&mut line).expect("it speaks");
    });
    drop(to);
    child.wait().expect("it ends");
}

fn row(name: &str, calls: usize, mut call: impl FnMut()) {
    // The worker and its queue have settled.
    thread::sleep(Duration::from_millis(50));
    let mut times: Vec<Duration> = (0..calls)
        .map(|_| {
            let start = Instant::now();
            call();
            start.elapsed()
        })
        .collect();
    times.sort_unstable();
    let at = |share: f64| {
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "an index"
        )]
        let index = (times.len() as f64 * share) as usize;
        format!("{:.1?}", times[index.min(times.len() - 1)])
    };
    println!("{name:<52} {:>10} {:>10} {:>10}", at(0.5), at(0.99), at(0.999));
}
