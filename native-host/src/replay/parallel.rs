//! Several recordings at once: reduced in parallel, reported in order, in constant memory.

use std::io::{Read, Write};
use std::num::NonZero;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use super::session::reduce;
use super::summary::Summary;
use super::{Options, ReplayError, Report, Unreadable};
use crate::recording::Source;

/// How many pieces of a session may wait until the sessions before it are written.
const WAITING_PIECES: usize = 64;

/// What a worker sends: reports, and at the end of its session the summary.
enum Sent {
    Report(Report),
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
    let (senders, receivers): (Vec<_>, Vec<_>) = sources.iter().map(|_| sync_channel(WAITING_PIECES)).unzip();
    // Workers take the sessions in order, so the one that is being written always has a worker.
    let jobs = Mutex::new(sources.iter().zip(senders));
    let workers = thread::available_parallelism().map_or(1, NonZero::get).min(sources.len());
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    // A worker that panicked holds no lock, and the others only take the next job.
                    let job = jobs.lock().unwrap_or_else(std::sync::PoisonError::into_inner).next();
                    let Some((source, sender)) = job else { break };
                    work(source, options, wrap, &sender);
                }
            });
        }
        // Returning early drops the receivers, which tells the workers to stop.
        write_in_order(receivers, options, lines, note)
    })
}

fn work<R: Read + Send + 'static>(
    source: &Source,
    options: &Options,
    wrap: &(impl Fn(Box<dyn Read + Send>) -> R + Sync),
    sender: &SyncSender<Sent>,
) {
    let mut report = |report| sender.send(Sent::Report(report)).is_ok();
    let end = reduce(source, options, wrap, &mut report);
    // If nobody listens any more, nobody misses the summary.
    let _ = sender.send(Sent::End(end));
}

fn write_in_order(
    receivers: Vec<Receiver<Sent>>,
    options: &Options,
    lines: &mut dyn Write,
    note: &mut dyn FnMut(&str),
) -> Result<Summary, ReplayError> {
    let mut summary = Summary::default();
    for receiver in receivers {
        for sent in receiver {
            match sent {
                Sent::Report(Report::Lines(piece)) => lines.write_all(&piece).map_err(ReplayError::Write)?,
                Sent::Report(Report::Note(text)) => note(&text),
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
