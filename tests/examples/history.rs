//! Writes generated sessions as a recording: the session of each seed from SEED on, COUNT in all, one after another, with
//! threads and connections of their own.
//!
//! usage: `history SEED COUNT`

use std::env;
use std::io::{self, BufWriter, Write};

use turnledger_tests::history::{Options, history, recorded, words};

fn main() -> io::Result<()> {
    let mut numbers = env::args().skip(1).map(|argument| argument.parse::<u64>());
    let (Some(Ok(seed)), Some(Ok(count)), None) = (numbers.next(), numbers.next(), numbers.next()) else {
        eprintln!("usage: history SEED COUNT");
        std::process::exit(2);
    };
    let mut begins = 0;
    let mut out = BufWriter::new(io::stdout().lock());
    for number in 0..count {
        let options = Options { number, lag: number % 2 == 1, ..Options::default() };
        let mut messages = history(&words(seed.wrapping_add(number)), options);
        let first = messages.first().map_or(0, |message| message.at.0);
        let begin = first.max(begins);
        for message in &mut messages {
            // Each session begins where the one before it ends.
            message.at.0 = message.at.0 - first + begin;
            begins = message.at.0;
            writeln!(out, "{}", recorded(message))?;
        }
    }
    out.flush()
}
