//! An app-server that says what a recording says: it reads a line for each message of the client, and
//! writes the server's messages between them.
//!
//! usage: `scripted_server TRAFFIC`

use std::env;
use std::fs;
use std::io::{self, BufRead, Write};

use turnledger_core::Direction;
use turnledger_intake::recording::parse_line;

fn main() {
    let path = env::args().nth(1).expect("usage: scripted_server TRAFFIC");
    let traffic = fs::read_to_string(path).expect("the recording");
    let (mut stdin, mut stdout) = (io::stdin().lock(), io::stdout().lock());
    for line in traffic.lines() {
        let recorded = parse_line(line.as_bytes()).expect("a recorded message");
        match recorded.direction {
            Direction::ClientToServer => {
                let mut said = String::new();
                stdin.read_line(&mut said).expect("the client speaks");
                assert_eq!(said.trim_end(), recorded.message, "the client's message passed as it was");
            }
            Direction::ServerToClient => writeln!(stdout, "{}", recorded.message).expect("the client listens"),
        }
    }
    stdout.flush().expect("the client listens");
}
