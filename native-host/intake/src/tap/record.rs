//! Records messages in the form that `replay` reads.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};
use serde::Serialize;
use serde_json::value::RawValue;
use turnledger_core::{ConnectionId, Direction};

use turnledger::now;

/// How many messages wait to be written at most.
const QUEUE: usize = 4096;
/// The most bytes of messages that wait to be written.
const MOST_BYTES: usize = 256 << 20;

/// Writes messages on a thread of its own. Recording a message never waits.
#[derive(Debug)]
pub struct Recorder {
    queue: Sender<Item>,
    /// The bytes of the messages in it.
    queued_bytes: Arc<AtomicUsize>,
    most_bytes: usize,
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
    /// What the system says if no thread can be started.
    pub fn new(output: impl Write + Send + 'static) -> io::Result<Self> {
        Self::holding(MOST_BYTES, output)
    }

    /// A recorder with at most this many bytes of messages in its queue.
    fn holding(most_bytes: usize, mut output: impl Write + Send + 'static) -> io::Result<Self> {
        let (queue, items) = bounded(QUEUE);
        let (queued_bytes, lost) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicU64::new(0)));
        let (queued, counter) = (queued_bytes.clone(), lost.clone());
        thread::Builder::new()
            .name("turnledger-recorder".into())
            .spawn(move || write_all(&items, &queued, &mut output, &counter))?;
        Ok(Self { queue, queued_bytes, most_bytes, lost })
    }

    /// Takes a message.
    pub(super) fn record(&self, connection_id: ConnectionId, direction: Direction, message: &[u8]) {
        let at_ms = now().0;
        let bytes = message.len();
        // Room is reserved before the copy, so that two threads do not take the same room.
        let queued = self.queued_bytes.fetch_add(bytes, Ordering::Relaxed);
        let line = || Item::Line { at_ms, connection_id, direction, message: message.to_vec() };
        if queued.saturating_add(bytes) > self.most_bytes
            || self.queue.is_full()
            || self.queue.try_send(line()).is_err()
        {
            self.queued_bytes.fetch_sub(bytes, Ordering::Relaxed);
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

/// Writes until all senders are gone. After an error nothing more is written, and every later call gets the error.
fn write_all(items: &Receiver<Item>, queued_bytes: &AtomicUsize, output: &mut impl Write, lost: &AtomicU64) {
    let mut failed: Option<io::ErrorKind> = None;
    for item in items {
        // A message that is being written no longer takes room in the queue.
        if let Item::Line { message, .. } = &item {
            queued_bytes.fetch_sub(message.len(), Ordering::Relaxed);
        }
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

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::mpsc::{Receiver, Sender, channel};
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use turnledger_core::Direction::ClientToServer;

    use super::{ConnectionId, Recorder};

    /// A disk that says when it is written to, and takes nothing until it is let.
    struct Slow(Sender<()>, Receiver<()>, Arc<Mutex<Vec<u8>>>);

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = (self.0.send(()), self.1.recv());
            self.2.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_waits_is_bounded_in_bytes() {
        let ((writes, written), (lets, is_let)) = (channel(), channel());
        let disk = Arc::new(Mutex::new(Vec::new()));
        let recorder = Recorder::holding(1000, Slow(writes, is_let, disk.clone())).unwrap();
        let message = |length: usize| format!("\"{}\"", "x".repeat(length - 2)).into_bytes();
        recorder.record(ConnectionId(1), ClientToServer, &message(900));
        // It is being written, and waits no more.
        written.recv().unwrap();
        for length in [400, 700, 600, 2, 1001] {
            recorder.record(ConnectionId(1), ClientToServer, &message(length));
        }
        drop(lets);
        // Of the five the second, the fourth and the fifth find no room.
        assert_eq!(recorder.finish(Duration::from_secs(60)).unwrap(), 3);
        let recorded = String::from_utf8(disk.lock().unwrap().clone()).unwrap();
        let lengths: Vec<_> = recorded.lines().map(|line| line.matches('x').count()).collect();
        assert_eq!(lengths, [898, 398, 598]);
    }
}
