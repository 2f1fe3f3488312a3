//! The tap: a proxy between an editor and an app-server over standard input and output.
//!
//! Every byte passes as it came. A line is queued for the watchers just before its end is handed on:
//! an answer to it can then only come after it. Queueing never waits, and whatever becomes of it, the
//! session goes on.

mod lines;
mod record;

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::thread;

use turnledger_core::{ConnectionId, Direction};

use self::lines::Lines;
pub use self::record::Recorder;
use crate::Ledger;

/// The one connection of a proxy over standard input and output.
const CONNECTION: ConnectionId = 1;
const CHUNK: usize = 64 << 10;

/// Who looks at what passes.
#[derive(Debug, Default)]
pub struct Watchers {
    /// Reduces it to events.
    pub ledger: Option<Ledger>,
    /// Writes it down.
    pub recorder: Option<Recorder>,
}

impl Watchers {
    fn see(&self, direction: Direction, line: &[u8]) {
        if line.trim_ascii().is_empty() {
            return;
        }
        if let Some(ledger) = &self.ledger {
            ledger.observe(CONNECTION, direction, line);
        }
        if let Some(recorder) = &self.recorder {
            recorder.record(CONNECTION, direction, line);
        }
    }
}

/// A command that runs, and whose input and output pass through here.
#[derive(Debug)]
pub struct Tap {
    child: Child,
    output: thread::JoinHandle<()>,
}

impl Tap {
    /// Starts a command between this process's standard input and output. What it says on standard error
    /// is not touched.
    ///
    /// # Errors
    ///
    /// What the system says if it cannot be started.
    pub fn start(command: &[OsString], watchers: Arc<Watchers>) -> io::Result<Self> {
        let (program, arguments) = command.split_first().ok_or(io::ErrorKind::InvalidInput)?;
        let mut child = Command::new(program).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let (to, from) = (child.stdin.take(), child.stdout.take());
        if let Some(to) = to {
            let watchers = watchers.clone();
            // It may wait for input for ever, and ends with the process.
            thread::spawn(move || pump(io::stdin().lock(), to, Direction::ClientToServer, &watchers));
        }
        let output = thread::spawn(move || {
            if let Some(from) = from {
                pump(from, io::stdout().lock(), Direction::ServerToClient, &watchers);
            }
        });
        Ok(Self { child, output })
    }

    /// The command's process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until the command ends and all its output has passed.
    ///
    /// # Errors
    ///
    /// What the system says if it cannot be waited for.
    pub fn wait(mut self) -> io::Result<ExitStatus> {
        let status = self.child.wait()?;
        // Somebody it started may hold its output open: what it wrote itself has passed when that closes.
        let _ = self.output.join();
        Ok(status)
    }
}

/// Hands on what comes, and lets the watchers see each line before its end goes.
fn pump(mut from: impl Read, mut to: impl Write, direction: Direction, watchers: &Watchers) {
    let mut chunk = vec![0; CHUNK];
    let mut lines = Lines::default();
    loop {
        let length = match from.read(&mut chunk) {
            Ok(0) => break,
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) => break,
        };
        let _ = catch_unwind(AssertUnwindSafe(|| lines.take(&chunk[..length], |line| watchers.see(direction, line))));
        if to.write_all(&chunk[..length]).and_then(|()| to.flush()).is_err() {
            break;
        }
    }
    let _ = catch_unwind(AssertUnwindSafe(|| lines.finish(|line| watchers.see(direction, line))));
}
