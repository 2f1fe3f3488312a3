//! Several recordings at once: reduced in parallel, reported in order, in constant memory.

use std::io::{Read, Write};
use std::num::NonZero;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use super::overflow::Overflow;
use super::session::{Wanted, reduce};
use super::summary::Summary;
use super::{Options, ReplayError, Report, Unreadable};
use crate::recording::Source;

/// How many pieces of a session wait in memory until the sessions before it are written; the rest waits in a file.
const WAITING_PIECES: usize = 8;
/// How many sessions may be begun beyond the one that is being written.
const WAITING_SESSIONS: usize = 256;

/// What a worker sends.
enum Sent {
    Report(Report),
    /// Reports that did not fit in memory.
    Overflow(Overflow),
    /// The session is over.
    End(Result<Summary, Unreadable>),
}

/// Replays `sources`, each a session of its own. Lines go to `lines`, everything else to `note`;
/// `wrap` sees the bytes of each source as they are read.
///
/// # Errors
///
/// [`ReplayError`] if a source cannot be read or a line cannot be written. What came before it has
/// been written.
pub fn replay<R: Read + Send + 'static>(
    sources: &[Source],
    options: &Options,
    wrap: &(impl Fn(Box<dyn Read + Send>) -> R + Sync),
    lines: &mut dyn Write,
    note: &mut dyn FnMut(&str),
) -> Result<Summary, ReplayError> {
    // A session that is not written yet sends so much, what overflows, and its end, without ever waiting.
    let (senders, receivers): (Vec<_>, Vec<_>) = sources.iter().map(|_| sync_channel(WAITING_PIECES + 2)).unzip();
    // Workers take the sessions in order, so the one that is being written always has a worker.
    let jobs = Mutex::new(sources.iter().zip(senders).enumerate());
    let turn = Turn::default();
    let workers = thread::available_parallelism().map_or(1, NonZero::get).min(sources.len());
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    // A worker that panicked holds no lock, and the others only take the next job.
                    let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).next();
                    let Some((number, (source, sender))) = job else { break };
                    turn.wait_for(number.saturating_sub(WAITING_SESSIONS));
                    let mut outlet = Outlet { number, turn: &turn, sender, sent: 0, overflow: None };
                    let end = reduce(source, number, options, wrap, &mut |report| outlet.send(report));
                    outlet.end(end);
                }
            });
        }
        let _over = Over(&turn);
        write_in_order(receivers, &turn, options, lines, note)
    })
}

/// Which session is being written.
#[derive(Default)]
struct Turn {
    number: Mutex<usize>,
    changed: Condvar,
}

impl Turn {
    fn number(&self) -> MutexGuard<'_, usize> {
        self.number.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn has_come(&self, number: usize) -> bool {
        *self.number() >= number
    }

    fn wait_for(&self, number: usize) {
        let mut current = self.number();
        while *current < number {
            current = self.changed.wait(current).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn set(&self, number: usize) {
        *self.number() = number;
        self.changed.notify_all();
    }
}

/// Ends the waiting of all threads when nothing is written any more: each sends, and finds no receiver.
struct Over<'t>(&'t Turn);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.set(usize::MAX);
    }
}

/// Where a session's reports go.
struct Outlet<'t> {
    number: usize,
    turn: &'t Turn,
    sender: SyncSender<Sent>,
    sent: usize,
    overflow: Option<Overflow>,
}

impl Outlet<'_> {
    fn send(&mut self, report: Report) -> Wanted {
        if !self.turn.has_come(self.number) {
            if self.overflow.is_none() && self.sent < WAITING_PIECES {
                self.sent += 1;
            } else if self.put_aside(&report) {
                return true;
            } else {
                // The disk is full, or there is none.
                self.turn.wait_for(self.number);
            }
        }
        self.send_overflow() && self.sender.send(Sent::Report(report)).is_ok()
    }

    fn put_aside(&mut self, report: &Report) -> bool {
        if self.overflow.is_none() {
            self.overflow = Overflow::new().ok();
        }
        self.overflow.as_mut().is_some_and(|overflow| overflow.push(report).is_ok())
    }

    fn send_overflow(&mut self) -> Wanted {
        self.overflow.take().is_none_or(|overflow| self.sender.send(Sent::Overflow(overflow)).is_ok())
    }

    fn end(mut self, end: Result<Summary, Unreadable>) {
        self.send_overflow();
        // If nobody listens any more, nobody misses the summary.
        let _ = self.sender.send(Sent::End(end));
    }
}

fn write_in_order(
    receivers: Vec<Receiver<Sent>>,
    turn: &Turn,
    options: &Options,
    lines: &mut dyn Write,
    note: &mut dyn FnMut(&str),
) -> Result<Summary, ReplayError> {
    let mut summary = Summary::default();
    let mut write = |report| match report {
        Report::Lines(piece) => lines.write_all(&piece).map_err(ReplayError::Write),
        Report::Note(text) => {
            note(&text);
            Ok(())
        }
    };
    for (number, receiver) in receivers.into_iter().enumerate() {
        turn.set(number);
        for sent in receiver {
            match sent {
                Sent::Report(report) => write(report)?,
                Sent::Overflow(overflow) => {
                    for report in overflow.read().map_err(ReplayError::Waiting)? {
                        write(report.map_err(ReplayError::Waiting)?)?;
                    }
                }
                Sent::End(end) => summary.add(&end?),
            }
        }
        if options.strict && summary.bad_lines > 0 {
            break;
        }
    }
    lines.flush().map_err(ReplayError::Write)?;
    Ok(summary)
}
