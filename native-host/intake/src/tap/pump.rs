//! Passes bytes from one end to another.

use std::borrow::Cow;
#[cfg(not(unix))]
use std::io::ErrorKind;
use std::io::PipeReader;
#[cfg(unix)]
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

#[cfg(unix)]
use rustix::event::{PollFd, PollFlags, Timespec, poll};
#[cfg(unix)]
use rustix::io::{Errno, ioctl_fionread, read, write};

const CHUNK: usize = 64 << 10;
/// How much is written at a time, so that a slow reader's progress can be seen.
const PIECE: usize = 16 << 10;

/// Why nothing more is passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// Nothing more comes.
    Input,
    /// Nobody reads the output any more.
    Output,
    /// It was told to stop.
    Stopped,
    /// Reading failed.
    Failed,
}

/// How much a pump still passes on after it was told to stop.
#[derive(Clone, Copy, Debug)]
pub(super) enum Rest {
    /// What a pipe holds by then.
    Held,
    /// What comes until nothing has come for so long.
    UntilQuiet(Duration),
}

/// Tells a pump to stop, when its other half is dropped.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stop<'a>(pub(super) &'a PipeReader, pub(super) Rest);

#[cfg(not(unix))]
pub(super) use std::io::{Read as Source, Write as Sink};
/// What can be read from, and waited for.
#[cfg(unix)]
pub(super) use std::os::fd::AsFd as Source;
/// What can be written to, and waited for.
#[cfg(unix)]
pub(super) use std::os::fd::AsFd as Sink;

/// Hands on what `change` makes of what comes, and counts it, to the end of either side; `stop` is looked at
/// before each read.
#[cfg(unix)]
pub(super) fn pump(
    from: impl Source,
    to: impl Sink,
    stop: Option<Stop<'_>>,
    passed: &AtomicU64,
    mut change: impl FnMut(&[u8]) -> Cow<'_, [u8]>,
) -> Ended {
    let (from, to) = (from.as_fd(), to.as_fd());
    let mut chunk = vec![0; CHUNK];
    let mut rest = None;
    // What is still read, once it was told to stop.
    let mut held = usize::MAX;
    loop {
        let step = match rest {
            None => ready(from, to, stop.map(|stop| stop.0.as_fd()), None),
            Some(Rest::UntilQuiet(quiet)) => ready(from, to, None, Some(quiet)),
            Some(Rest::Held) if held == 0 => Ready::Nothing,
            Some(Rest::Held) => Ready::Input,
        };
        match step {
            Ready::Gone => return Ended::Output,
            Ready::Nothing => return Ended::Stopped,
            Ready::Stop => {
                rest = stop.map(|stop| stop.1);
                if matches!(rest, Some(Rest::Held)) {
                    held = ioctl_fionread(from).map_or(0, |bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
                }
            }
            Ready::Input => match read(from, &mut chunk[..held.min(CHUNK)]) {
                Ok(0) => return Ended::Input,
                Ok(length) => {
                    held -= length;
                    if let Err(ended) = write_all(to, &change(&chunk[..length]), passed) {
                        return ended;
                    }
                }
                // Somebody else may have taken it.
                Err(Errno::INTR | Errno::AGAIN) => {}
                Err(_) => return Ended::Failed,
            },
        }
    }
}

#[cfg(unix)]
enum Ready {
    Input,
    /// Nobody reads the output any more.
    Gone,
    Stop,
    /// Not in time.
    Nothing,
}

#[cfg(unix)]
fn ready(from: BorrowedFd<'_>, to: BorrowedFd<'_>, stop: Option<BorrowedFd<'_>>, timeout: Option<Duration>) -> Ready {
    let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
    // Of the output only the loss of its reader, which is always reported.
    let watched = |fd, flags| PollFd::from_borrowed_fd(fd, flags);
    let mut all =
        [watched(from, PollFlags::IN), watched(to, PollFlags::empty()), watched(stop.unwrap_or(from), PollFlags::IN)];
    let fds = if stop.is_some() { &mut all[..] } else { &mut all[..2] };
    loop {
        match poll(fds, timeout.as_ref()) {
            Ok(0) => return Ready::Nothing,
            Ok(_) => break,
            Err(Errno::INTR | Errno::AGAIN) => {}
            // What cannot be waited for is tried.
            Err(_) => return Ready::Input,
        }
    }
    if fds[1].revents().intersects(PollFlags::ERR | PollFlags::HUP) {
        Ready::Gone
    } else if fds.get(2).is_some_and(|stop| !stop.revents().is_empty()) {
        Ready::Stop
    } else {
        Ready::Input
    }
}

/// Writes all of it, however long that takes, and counts it as it goes.
#[cfg(unix)]
pub(super) fn write_all(to: impl Sink, mut bytes: &[u8], passed: &AtomicU64) -> Result<(), Ended> {
    let to = to.as_fd();
    while !bytes.is_empty() {
        match write(to, &bytes[..bytes.len().min(PIECE)]) {
            Ok(length) => {
                passed.fetch_add(length as u64, Ordering::Relaxed);
                bytes = &bytes[length..];
            }
            Err(Errno::INTR) => {}
            // Another process that shares this pipe may have made it non-blocking.
            Err(Errno::AGAIN) => {
                let _ = poll(&mut [PollFd::from_borrowed_fd(to, PollFlags::OUT)], None);
            }
            Err(_) => return Err(Ended::Output),
        }
    }
    Ok(())
}

/// The same for systems where descriptors cannot be polled: it stops when its input ends.
#[cfg(not(unix))]
pub(super) fn pump(
    mut from: impl Source,
    mut to: impl Sink,
    _: Option<Stop<'_>>,
    passed: &AtomicU64,
    mut change: impl FnMut(&[u8]) -> Cow<'_, [u8]>,
) -> Ended {
    let mut chunk = vec![0; CHUNK];
    loop {
        let length = match from.read(&mut chunk) {
            Ok(0) => return Ended::Input,
            Ok(length) => length,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(_) => return Ended::Failed,
        };
        if let Err(ended) = write_all(&mut to, &change(&chunk[..length]), passed) {
            return ended;
        }
    }
}

/// Writes all of it, however long that takes, and counts it as it goes.
#[cfg(not(unix))]
pub(super) fn write_all(mut to: impl Sink, bytes: &[u8], passed: &AtomicU64) -> Result<(), Ended> {
    for piece in bytes.chunks(PIECE) {
        to.write_all(piece).and_then(|()| to.flush()).map_err(|_| Ended::Output)?;
        passed.fetch_add(piece.len() as u64, Ordering::Relaxed);
    }
    Ok(())
}
