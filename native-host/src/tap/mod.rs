//! The tap: a proxy between an editor and an app-server, over standard input and output or over a
//! WebSocket.
//!
//! Every byte passes as it came. A message is queued for the watchers just before its end is handed on:
//! an answer to it can then only come after it. Queueing never waits, and whatever becomes of it, the
//! session goes on.

mod frames;
mod lines;
mod record;
mod websocket;

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::thread;

use turnledger_core::{ConnectionId, Direction};

use self::lines::Lines;
pub use self::record::Recorder;
pub use self::websocket::WebSocketTap;
use crate::Ledger;

/// The one connection of a proxy over standard input and output.
const CONNECTION: ConnectionId = 1;
const CHUNK: usize = 64 << 10;
/// The longest message that is looked at. A longer one passes all the same.
const LONGEST: usize = 64 << 20;

/// Who looks at what passes.
#[derive(Debug, Default)]
pub struct Watchers {
    /// Reduces it to events.
    pub ledger: Option<Ledger>,
    /// Writes it down.
    pub recorder: Option<Recorder>,
}

impl Watchers {
    fn see(&self, connection: ConnectionId, direction: Direction, message: &[u8]) {
        if message.trim_ascii().is_empty() {
            return;
        }
        if let Some(ledger) = &self.ledger {
            ledger.observe(connection, direction, message);
        }
        if let Some(recorder) = &self.recorder {
            recorder.record(connection, direction, message);
        }
    }
}

/// A command that runs, and whose session passes through here.
#[derive(Debug)]
pub struct Tap {
    child: Child,
    output: Option<thread::JoinHandle<()>>,
}

impl Tap {
    /// Starts a command between this process's standard input and output. What it says on standard error
    /// is not touched.
    ///
    /// # Errors
    ///
    /// What the system says if it cannot be started.
    pub fn start(command: &[OsString], watchers: Arc<Watchers>) -> io::Result<Self> {
        let mut child = of(command)?.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let (to, from) = (child.stdin.take(), child.stdout.take());
        if let Some(to) = to {
            let watchers = watchers.clone();
            // It may wait for input for ever, and ends with the process.
            thread::spawn(move || pump_lines(io::stdin().lock(), to, Direction::ClientToServer, &watchers));
        }
        let output = thread::spawn(move || {
            if let Some(from) = from {
                pump_lines(from, io::stdout().lock(), Direction::ServerToClient, &watchers);
            }
        });
        Ok(Self { child, output: Some(output) })
    }

    /// Starts a command whose standard input and output are no part of its sessions: those pass through a
    /// [`WebSocketTap`].
    ///
    /// # Errors
    ///
    /// What the system says if it cannot be started.
    pub fn start_beside(command: &[OsString]) -> io::Result<Self> {
        Ok(Self { child: of(command)?.spawn()?, output: None })
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
        let _ = self.output.map(thread::JoinHandle::join);
        Ok(status)
    }
}

fn of(command: &[OsString]) -> io::Result<Command> {
    let (program, arguments) = command.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    let mut command = Command::new(program);
    command.args(arguments);
    Ok(command)
}

/// Hands on lines, each of which the watchers see before its end goes.
fn pump_lines(from: impl Read, to: impl Write, direction: Direction, watchers: &Watchers) {
    let mut lines = Lines::default();
    let see = |line: &[u8]| watchers.see(CONNECTION, direction, line);
    pump(from, to, |bytes| lines.take(bytes, see));
    let _ = catch_unwind(AssertUnwindSafe(|| lines.finish(see)));
}

/// Hands on what comes, after `look` has seen it. Returns whether it went on to the end of the input.
fn pump(mut from: impl Read, mut to: impl Write, mut look: impl FnMut(&[u8])) -> bool {
    let mut chunk = vec![0; CHUNK];
    loop {
        let length = match from.read(&mut chunk) {
            Ok(0) => return true,
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) => return false,
        };
        // Whatever goes wrong here, the session goes on.
        let _ = catch_unwind(AssertUnwindSafe(|| look(&chunk[..length])));
        if to.write_all(&chunk[..length]).and_then(|()| to.flush()).is_err() {
            return false;
        }
    }
}
