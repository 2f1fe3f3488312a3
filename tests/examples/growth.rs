//! Three tables: what a message costs with ever more live threads (and what memory a thread takes), with ever longer
//! turns, and in ever larger recordings, which are streamed through the program.
//!
//! usage: `growth [MEGABYTES]...`, after `cargo build --profile dist --features full`; the recordings have 1, 10, 100, 1,000 and 10,000
//! megabytes unless others are named.

use std::env;
use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use turnledger_tests::growth::Live;
use turnledger_tests::memory::memory;
use turnledger_tests::mix::{Size, recording_of};

fn main() {
    let arguments: Vec<u64> = env::args().skip(1).filter_map(|argument| argument.parse().ok()).collect();
    println!("{:>24} {:>14} {:>14} {:>14}", "live threads", "fastest", "slowest", "a thread");
    for threads in [100, 1_000, 10_000, 100_000, 1_000_000] {
        let before = memory("self", "VmRSS");
        let live = Live::new(threads);
        let taken = memory("self", "VmRSS").saturating_sub(before);
        // Of fewer threads the rounding to pages says more than they do.
        let each = if threads < 10_000 { String::new() } else { format!("{} bytes", taken / threads as u64) };
        row(threads, live, 10, &each);
    }
    println!("{:>24} {:>14} {:>14}", "items in a turn", "fastest", "slowest");
    for items in [10, 100, 1_000, 10_000, 100_000] {
        row(items, Live::new(1), items, "");
    }
    println!("{:>24} {:>14} {:>14} {:>14}", "a recording's MB", "time", "MB/s", "memory, MB");
    let sizes = if arguments.is_empty() { vec![1, 10, 100, 1_000, 10_000] } else { arguments };
    for megabytes in sizes {
        recording(megabytes);
    }
}

/// The fastest and the slowest of some passes: the difference is the machine's noise.
fn row(size: usize, mut live: Live, items: usize, rest: &str) {
    let mut times: Vec<_> = (0..20)
        .map(|_| {
            let messages = live.turns(items);
            live.observe(&messages).as_nanos() / messages.len() as u128
        })
        .collect();
    times.sort_unstable();
    println!("{size:>24} {:>11} ns {:>11} ns {rest:>14}", times[0], times[times.len() - 1]);
}

/// One session after another, until there are so many megabytes: each has threads and turns of its own.
fn recording(megabytes: u64) {
    let program = env::current_exe().expect("this program").with_file_name("").join("../turnledger");
    let mut block = recording_of(Size { turns: 60, threads: 10, diff_lines: 0 }).into_bytes();
    let ids: Vec<_> = ["01a1fc2d-", "01a1fc2e-"].iter().flat_map(|id| places(&block, id)).collect();
    let mut child = Command::new(&program)
        .args(["replay", "--quiet", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| {
            panic!("{}: {error}; `cargo build --profile dist --features full` makes it", program.display())
        });
    let start = Instant::now();
    let mut input = child.stdin.take().expect("its input");
    let mut written = 0;
    for number in 0_u16.. {
        for place in &ids {
            block[*place..place + 4].copy_from_slice(format!("{number:04x}").as_bytes());
        }
        input.write_all(&block).expect("it reads");
        written += block.len() as u64;
        if written >= megabytes * 1_000_000 {
            break;
        }
    }
    let peak = peak_at_the_end(&mut child, input);
    let taken = start.elapsed();
    let rate = u128::from(written) / taken.as_micros().max(1);
    println!("{megabytes:>24} {:>14} {rate:>14} {:>14}", format!("{taken:.2?}"), peak / 1_000_000);
}

/// Where the four digits after an id's beginning are.
fn places(text: &[u8], begin: &str) -> Vec<usize> {
    let text = std::str::from_utf8(text).expect("JSON");
    text.match_indices(begin).map(|(at, _)| at + begin.len()).collect()
}

/// The most memory that the program had, shortly before its end.
fn peak_at_the_end(child: &mut Child, input: impl Write) -> u64 {
    let process = child.id().to_string();
    let peak = memory(&process, "VmHWM");
    drop(input);
    assert!(child.wait().expect("it ends").success());
    peak
}
