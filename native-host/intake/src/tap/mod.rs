//! The tap: a proxy between an editor and an app-server, over standard input and output or over a
//! WebSocket.
//!
//! Every byte passes unchanged, except a WebSocket client's offer of extensions. A message is queued for the
//! watchers just before its last byte is passed on, so its answer is always queued after it. Queueing never
//! waits, and a failure there does not disturb the session.

mod address;
mod frames;
mod handshake;
mod lines;
mod pump;
mod record;
mod watchers;
mod websocket;

use std::borrow::Cow;
use std::ffi::OsString;
use std::io::{self, PipeWriter};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, bounded};
use turnledger_core::{ConnectionId, Direction};

pub use self::address::Address;
use self::lines::Lines;
use self::pump::{Ended, Rest, Stop, pump};
pub use self::record::Recorder;
pub use self::watchers::Watchers;
pub use self::websocket::WebSocketTap;

/// The one connection of a proxy over standard input and output.
const CONNECTION: ConnectionId = ConnectionId(1);
/// The longest message that is read. A longer one passes unread.
const LONGEST: usize = 64 << 20;

/// A running command whose session passes through this process.
#[derive(Debug)]
pub struct Tap {
    child: Child,
    /// How it ended. Until then, no other process has its process id.
    status: Option<ExitStatus>,
    output: Option<Output>,
}

/// The way from the command to its client.
#[derive(Debug)]
struct Output {
    /// Dropped to tell the pump that the command has ended.
    running: Option<PipeWriter>,
    /// Disconnected when everything has passed.
    done: Receiver<()>,
    passed: Arc<AtomicU64>,
}

impl Tap {
    /// Starts a command between this process's standard input and output. Ends are passed on: the command's
    /// input ends when ours does, our input closes when the command reads no more, and likewise for the
    /// output. The command's standard error is not touched.
    ///
    /// # Errors
    ///
    /// What the system says if it cannot be started.
    pub fn start(command: &[OsString], watchers: Arc<Watchers>) -> io::Result<Self> {
        let (stop, running) = io::pipe()?;
        let mut child = of(command)?.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let (to, from) = (child.stdin.take(), child.stdout.take());
        let passed = Arc::new(AtomicU64::new(0));
        let (done, is_done) = bounded(0);
        let (to_watchers, counted) = (watchers.clone(), passed.clone());
        // It may wait for input for ever. It ends with the process.
        thread::spawn(move || to.map(|to| from_client(to, &to_watchers)));
        thread::spawn(move || {
            if let Some(from) = from {
                to_client(from, &watchers, Stop(&stop, Rest::Held), &counted);
            }
            drop(done);
        });
        Ok(Self { child, status: None, output: Some(Output { running: Some(running), done: is_done, passed }) })
    }

    /// Starts a command whose sessions pass through a [`WebSocketTap`], not through standard input and
    /// output.
    ///
    /// # Errors
    ///
    /// What the system says if it cannot be started.
    pub fn start_beside(command: &[OsString]) -> io::Result<Self> {
        Ok(Self { child: of(command)?.spawn()?, status: None, output: None })
    }

    /// How the command ended, if it has.
    ///
    /// # Errors
    ///
    /// What the system says if it cannot be waited for.
    pub fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        self.status = self.child.try_wait()?;
        Ok(self.status)
    }

    /// Waits until the command ends.
    ///
    /// # Errors
    ///
    /// What the system says if it cannot be waited for.
    pub fn wait(&mut self) -> io::Result<ExitStatus> {
        let status = self.child.wait()?;
        self.status = Some(status);
        Ok(status)
    }

    /// Sends the command a signal, unless it has ended: its process id may then belong to another process.
    /// Returns whether it was sent.
    #[cfg(unix)]
    pub fn signal(&self, signal: i32) -> bool {
        let id = i32::try_from(self.child.id()).ok().and_then(rustix::process::Pid::from_raw);
        let signal = rustix::process::Signal::from_named_raw(signal);
        match (self.status, id, signal) {
            (None, Some(id), Some(signal)) => rustix::process::kill_process(id, signal).is_ok(),
            _ => false,
        }
    }

    /// Passes on what the command wrote before it ended, even if another process holds its output open. Gives up if
    /// the client reads nothing for `patience`. Returns whether everything has passed.
    pub fn drain(&mut self, patience: Duration) -> bool {
        let Some(Output { running, done, passed }) = &mut self.output else { return true };
        drop(running.take());
        loop {
            let before = passed.load(Ordering::Relaxed);
            match done.recv_timeout(patience) {
                Ok(()) | Err(RecvTimeoutError::Disconnected) => return true,
                Err(RecvTimeoutError::Timeout) if passed.load(Ordering::Relaxed) == before => return false,
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }
}

/// Hands on what the client says, to the end.
fn from_client(to: ChildStdin, watchers: &Watchers) {
    #[cfg(unix)]
    let from = rustix::stdio::stdin();
    #[cfg(not(unix))]
    let from = io::stdin().lock();
    // The command's input ends with the call.
    let ended = pump_lines(from, to, None, &AtomicU64::new(0), Direction::ClientToServer, watchers);
    #[cfg(unix)]
    if ended == Ended::Output
        && let Ok((closed, _)) = io::pipe()
    {
        // A client that keeps writing gets an error.
        let _ = rustix::stdio::dup2_stdin(closed);
    }
}

/// Hands on what the command says, to the end.
fn to_client(from: ChildStdout, watchers: &Watchers, stop: Stop<'_>, passed: &AtomicU64) {
    #[cfg(unix)]
    let to = rustix::stdio::stdout();
    #[cfg(not(unix))]
    let to = io::stdout().lock();
    pump_lines(from, to, Some(stop), passed, Direction::ServerToClient, watchers);
    #[cfg(unix)]
    if let Ok((_, closed)) = io::pipe() {
        // A client that waits for output sees its end, even if the command or the tap goes on.
        let _ = rustix::stdio::dup2_stdout(closed);
    }
}

fn of(command: &[OsString]) -> io::Result<Command> {
    let (program, arguments) = command.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    let mut command = Command::new(program);
    command.args(arguments);
    Ok(command)
}

/// Passes lines on. The watchers see each line before its last byte passes.
fn pump_lines(
    from: impl pump::Source,
    to: impl pump::Sink,
    stop: Option<Stop<'_>>,
    passed: &AtomicU64,
    direction: Direction,
    watchers: &Watchers,
) -> Ended {
    let mut lines = Lines::default();
    let see = |line: &[u8]| watchers.see(CONNECTION, direction, line);
    let ended = pump(from, to, stop, passed, |bytes| {
        let before = lines.unread();
        // Whatever goes wrong here, the session goes on.
        let _ = catch_unwind(AssertUnwindSafe(|| lines.take(bytes, see)));
        watchers.count_unread(lines.unread() - before);
        Cow::Borrowed(bytes)
    });
    let _ = catch_unwind(AssertUnwindSafe(|| lines.finish(see)));
    ended
}
