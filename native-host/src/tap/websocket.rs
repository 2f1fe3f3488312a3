//! The tap between WebSocket clients and an app-server that listens for them.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use turnledger_core::{ConnectionId, Direction};

use super::frames::Frames;
use super::{Watchers, pump};

/// How long a client waits for a server that does not listen yet.
const PATIENCE: Duration = Duration::from_secs(10);

/// Takes clients at one address, and passes them on to a server at another, each on two threads of its own.
#[derive(Debug)]
pub struct WebSocketTap {
    address: SocketAddr,
    progress: Arc<Progress>,
}

/// What becomes of the connections.
#[derive(Debug, Default)]
struct Progress {
    unread: AtomicU64,
    unreached: AtomicU64,
    /// Connections on which the server may still say something.
    open: Mutex<u64>,
    closed: Condvar,
}

impl WebSocketTap {
    /// Takes clients from now on, until the process ends. A server may have several addresses, of which the
    /// first that answers is used.
    ///
    /// # Errors
    ///
    /// What the system says if nothing can listen at `address`.
    pub fn start(address: SocketAddr, server: Vec<SocketAddr>, watchers: Arc<Watchers>) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        let address = listener.local_addr()?;
        let progress = Arc::new(Progress::default());
        let shared = progress.clone();
        thread::Builder::new().name("turnledger-tap".into()).spawn(move || {
            for (client, connection) in listener.incoming().zip(1..) {
                let Ok(client) = client else {
                    // Too many open files, say: that passes.
                    thread::sleep(Duration::from_millis(50));
                    continue;
                };
                let (server, watchers, progress) = (server.clone(), watchers.clone(), shared.clone());
                // A client that no thread can be had for is a client that is not served.
                let _ = thread::Builder::new().spawn(move || pass(client, &server, connection, &watchers, &progress));
            }
        })?;
        Ok(Self { address, progress })
    }

    /// Where clients are taken.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many messages passed that could not be read: too long, or packed.
    pub fn unread(&self) -> u64 {
        self.progress.unread.load(Ordering::Relaxed)
    }

    /// How many clients were sent away, because the server could not be reached.
    pub fn unreached(&self) -> u64 {
        self.progress.unreached.load(Ordering::Relaxed)
    }

    /// Waits until all that the server has said has passed, when it has ended; for `timeout` at most.
    pub fn drain(&self, timeout: Duration) {
        let open = self.progress.open.lock().unwrap_or_else(PoisonError::into_inner);
        // Whether it was enough: what is left is somebody's who does not read.
        let _ = self.progress.closed.wait_timeout_while(open, timeout, |open| *open > 0);
    }
}

impl Progress {
    fn change(&self, opened: bool) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        *open = if opened { *open + 1 } else { open.saturating_sub(1) };
        self.closed.notify_all();
    }
}

/// Passes a client's bytes on until both sides are done.
fn pass(
    client: TcpStream,
    server: &[SocketAddr],
    connection: ConnectionId,
    watchers: &Arc<Watchers>,
    progress: &Arc<Progress>,
) -> Option<()> {
    // Without a server there is nothing to pass on: the client sees its connection close.
    let Some(server) = connect(server) else {
        progress.unreached.fetch_add(1, Ordering::Relaxed);
        return None;
    };
    // Messages are small, and somebody waits for each.
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (from_client, to_client) = (client.try_clone().ok()?, client);
    let (from_server, to_server) = (server.try_clone().ok()?, server);
    let (other_watchers, other_progress) = (watchers.clone(), progress.clone());
    let there = thread::Builder::new().spawn(move || {
        one_way(&from_client, &to_server, connection, Direction::ClientToServer, &other_watchers, &other_progress);
    });
    if there.is_ok() {
        progress.change(true);
        one_way(&from_server, &to_client, connection, Direction::ServerToClient, watchers, progress);
        progress.change(false);
    }
    Some(())
}

fn one_way(
    from: &TcpStream,
    to: &TcpStream,
    connection: ConnectionId,
    direction: Direction,
    watchers: &Watchers,
    progress: &Progress,
) {
    let mut frames = Frames::default();
    let is_whole = pump(from, to, |bytes| {
        let before = frames.unread();
        frames.take(bytes, |message| watchers.see(connection, direction, message));
        progress.unread.fetch_add(frames.unread() - before, Ordering::Relaxed);
    });
    // One side has said all; the other may go on. After an error neither can.
    let _ = to.shutdown(Shutdown::Write);
    if !is_whole {
        let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
    }
}

/// A server that was just started may not listen yet.
fn connect(server: &[SocketAddr]) -> Option<TcpStream> {
    let until = Instant::now() + PATIENCE;
    loop {
        let tried = server.iter().find_map(|address| TcpStream::connect_timeout(address, PATIENCE).ok());
        if tried.is_some() || Instant::now() >= until {
            return tried;
        }
        thread::sleep(Duration::from_millis(20));
    }
}
