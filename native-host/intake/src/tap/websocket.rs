//! The tap between WebSocket clients and an app-server that listens for them.

use std::borrow::Cow;
use std::io::{self, PipeReader, PipeWriter};
use std::net::Shutdown;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use turnledger_core::{ConnectionId, Direction};

#[cfg(unix)]
use super::address::SocketFile;
use super::address::{Listener, Stream};
use super::frames::Frames;
use super::handshake::Handshake;
use super::pump::{Ended, Rest, Stop, pump, write_all};
use super::{Address, Watchers};

/// How long a client waits for a server that does not listen yet.
const PATIENCE: Duration = Duration::from_secs(10);
/// After the end of the server's process, a connection that is silent for this long has no more bytes to pass. The
/// system may still be carrying some, but not for longer.
const QUIET: Duration = Duration::from_millis(100);

/// Listens for clients at one address and passes them on to a server at another. Each client has two threads.
#[derive(Debug)]
pub struct WebSocketTap {
    address: Address,
    shared: Arc<Shared>,
    /// Dropped to tell the connections that the server has ended.
    running: Mutex<Option<PipeWriter>>,
    #[cfg(unix)]
    file: Option<SocketFile>,
}

#[derive(Debug)]
struct Shared {
    server: Vec<Address>,
    watchers: Arc<Watchers>,
    stop: PipeReader,
    unreached: AtomicU64,
    passed: AtomicU64,
    /// Connections on which the server may still send.
    open: Mutex<u64>,
    closed: Condvar,
}

impl WebSocketTap {
    /// Takes clients from now on, until the process ends. A server may have several addresses, of which the
    /// first that answers is used. A socket file is its owner's alone.
    ///
    /// # Errors
    ///
    /// What the system says if nothing can listen at `address`.
    pub fn start(address: &Address, server: Vec<Address>, watchers: Arc<Watchers>) -> io::Result<Self> {
        let (stop, running) = io::pipe()?;
        let (listener, address) = Listener::bind(address)?;
        let (unreached, passed) = (AtomicU64::new(0), AtomicU64::new(0));
        let (open, closed) = (Mutex::new(0), Condvar::new());
        let shared = Arc::new(Shared { server, watchers, stop, unreached, passed, open, closed });
        let tap = Self {
            #[cfg(unix)]
            file: SocketFile::of(&address),
            address,
            shared: shared.clone(),
            running: Mutex::new(Some(running)),
        };
        thread::Builder::new().name("turnledger-tap".into()).spawn(move || {
            for connection in 1.. {
                let Ok(client) = listener.accept() else {
                    // Too many open files, say: that passes.
                    thread::sleep(Duration::from_millis(50));
                    continue;
                };
                let shared = shared.clone();
                // A client that no thread can be had for is a client that is not served.
                let _ = thread::Builder::new().spawn(move || pass(client, connection.into(), &shared));
            }
        })?;
        Ok(tap)
    }

    /// Where clients are taken.
    pub const fn address(&self) -> &Address {
        &self.address
    }

    /// How many clients were sent away, because the server could not be reached.
    pub fn unreached(&self) -> u64 {
        self.shared.unreached.load(Ordering::Relaxed)
    }

    /// Passes on the rest of the server's output after its process has ended: to the end of each connection, or until
    /// the connection is silent, since another process may hold it open. Takes `timeout` at most.
    pub fn drain(&self, timeout: Duration) {
        drop(self.running.lock().unwrap_or_else(PoisonError::into_inner).take());
        let open = self.shared.open.lock().unwrap_or_else(PoisonError::into_inner);
        // What is left belongs to clients that do not read.
        let _ = self.shared.closed.wait_timeout_while(open, timeout, |open| *open > 0);
    }

    /// Removes the socket file, if there is one: the process is about to end.
    pub fn remove_socket(&self) {
        #[cfg(unix)]
        if let Some(file) = &self.file {
            file.remove();
        }
    }
}

impl Shared {
    fn change(&self, opened: bool) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        *open = if opened { *open + 1 } else { open.saturating_sub(1) };
        self.closed.notify_all();
    }
}

/// Passes a client's bytes on until both sides are done.
fn pass(client: Stream, connection: ConnectionId, shared: &Arc<Shared>) -> Option<()> {
    // Without a server, the client's connection is closed.
    let Some(server) = connect(&shared.server) else {
        shared.unreached.fetch_add(1, Ordering::Relaxed);
        return None;
    };
    client.hurry();
    server.hurry();
    let (from_client, to_client) = (client.try_clone().ok()?, client);
    let (from_server, to_server) = (server.try_clone().ok()?, server);
    let other = shared.clone();
    shared.change(true);
    let there = thread::Builder::new()
        .spawn(move || one_way(&from_client, &to_server, connection, Direction::ClientToServer, &other));
    if there.is_ok() {
        one_way(&from_server, &to_client, connection, Direction::ServerToClient, shared);
    }
    shared.change(false);
    Some(())
}

fn one_way(from: &Stream, to: &Stream, connection: ConnectionId, direction: Direction, shared: &Shared) {
    let (mut handshake, mut frames) = (Handshake::new(direction), Frames::default());
    let stop = match direction {
        Direction::ServerToClient => Some(Stop(&shared.stop, Rest::UntilQuiet(QUIET))),
        Direction::ClientToServer => None,
    };
    let ended = pump(from, to, stop, &shared.passed, |bytes| {
        let taken = handshake.take(bytes);
        let before = frames.unread();
        // Whatever goes wrong here, the session goes on.
        let _ = catch_unwind(AssertUnwindSafe(|| {
            frames.take(taken.frames, |message| shared.watchers.see(connection, direction, message));
        }));
        shared.watchers.count_unread(frames.unread() - before);
        match (&*taken.http, taken.frames) {
            ([], frames) => Cow::Borrowed(frames),
            (_, []) => taken.http,
            (http, frames) => Cow::Owned([http, frames].concat()),
        }
    });
    match ended {
        // One side has ended; the other may go on.
        Ended::Input => {
            let _ = write_all(to, &handshake.rest(), &shared.passed);
            let _ = to.shutdown(Shutdown::Write);
        }
        // What the other says may still be taken.
        Ended::Output => {
            let _ = (from.shutdown(Shutdown::Read), to.shutdown(Shutdown::Write));
        }
        Ended::Failed | Ended::Stopped => {
            let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
        }
    }
}

/// A server that was just started may not listen yet.
fn connect(server: &[Address]) -> Option<Stream> {
    let until = Instant::now() + PATIENCE;
    loop {
        let tried = server.iter().find_map(|address| address.connect(PATIENCE).ok());
        if tried.is_some() || Instant::now() >= until {
            return tried;
        }
        thread::sleep(Duration::from_millis(20));
    }
}
