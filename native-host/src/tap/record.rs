//! Writing down what passes, in the form that `replay` reads.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};
use serde::Serialize;
use serde_json::value::RawValue;
use turnledger_core::{ConnectionId, Direction};

use crate::clock::now;

/// How many messages wait to be written at most.
const QUEUE: usize = 4096;

/// Writes messages on a thread of its own, and never makes anyone wait.
#[derive(Debug)]
pub struct Recorder {
    queue: Sender<Item>,
    lost: Arc<AtomicU64>,
}

enum Item {
    Line {
        at_ms: u64,
        connection_id: ConnectionId,
        direction: Direction,
        message: Vec<u8>,
    },
    /// Write what there is, and say how that went.
    Flush(Sender<io::Result<()>>),
}

impl Recorder {
    /// A recorder that writes to `output`.
    ///
    /// # Errors
    ///
    /// What the system says if there is no thread to be had.
    pub fn new(mut output: impl Write + Send + 'static) -> io::Result<Self> {
        let (queue, items) = bounded(QUEUE);
        let lost = Arc::new(AtomicU64::new(0));
        let counter = lost.clone();
        thread::Builder::new()
            .name("turnledger-recorder".into())
            .spawn(move || write_all(&items, &mut output, &counter))?;
        Ok(Self { queue, lost })
    }

    /// Takes a message.
    pub(super) fn record(&self, connection_id: ConnectionId, direction: Direction, message: &[u8]) {
        let at_ms = now().0;
        let line = || Item::Line { at_ms, connection_id, direction, message: message.to_vec() };
        if self.queue.is_full() || self.queue.try_send(line()).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits until everything that was taken is written. Returns how many messages are not in the
    /// recording: because they were no JSON, or came faster than they could be written.
    ///
    /// # Errors
    ///
    /// What the system says if something could not be written, or that there was not enough time.
    pub fn finish(&self, timeout: Duration) -> io::Result<u64> {
        let (reply, answer) = bounded(1);
        let timed_out = |_| io::Error::from(io::ErrorKind::TimedOut);
        self.queue.send_timeout(Item::Flush(reply), timeout).map_err(|_| io::ErrorKind::TimedOut)?;
        answer.recv_timeout(timeout).map_err(timed_out)??;
        Ok(self.lost.load(Ordering::Relaxed))
    }
}

/// Writes until nobody can ask for more. After an error nothing is written, and everybody is told.
fn write_all(items: &Receiver<Item>, output: &mut impl Write, lost: &AtomicU64) {
    let mut failed: Option<io::ErrorKind> = None;
    for item in items {
        match item {
            Item::Flush(reply) => {
                let flushed = failed.map_or_else(|| output.flush(), |kind| Err(kind.into()));
                failed = flushed.as_ref().err().map(io::Error::kind);
                // Who asked may have given up.
                let _ = reply.send(flushed);
            }
            Item::Line { at_ms, connection_id, direction, mut message } if failed.is_none() => {
                // A message over a WebSocket may have line ends between its tokens; inside a string JSON has none.
                for byte in message.iter_mut().filter(|byte| matches!(byte, b'\n' | b'\r')) {
                    *byte = b' ';
                }
                let Ok(message) = serde_json::from_slice::<&RawValue>(&message) else {
                    lost.fetch_add(1, Ordering::Relaxed);
                    continue;
                };
                let written = write_line(output, &Recorded { at_ms, connection_id, direction, message });
                // Who looks at the file sees what has been.
                let written = written.and_then(|()| if items.is_empty() { output.flush() } else { Ok(()) });
                failed = written.err().map(|error| error.kind());
            }
            Item::Line { .. } => {}
        }
    }
}

#[derive(Serialize)]
struct Recorded<'a> {
    at_ms: u64,
    connection_id: ConnectionId,
    direction: Direction,
    message: &'a RawValue,
}

fn write_line(output: &mut impl Write, line: &Recorded<'_>) -> io::Result<()> {
    serde_json::to_writer(&mut *output, line)?;
    output.write_all(b"\n")
}
