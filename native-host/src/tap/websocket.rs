//! The tap between WebSocket clients and an app-server that listens for them.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
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
    unread: Arc<AtomicU64>,
}

impl WebSocketTap {
    /// Takes clients from now on, until the process ends.
    ///
    /// # Errors
    ///
    /// What the system says if nothing can listen at `address`.
    pub fn start(address: SocketAddr, server: SocketAddr, watchers: Arc<Watchers>) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        let address = listener.local_addr()?;
        let unread = Arc::new(AtomicU64::new(0));
        let counter = unread.clone();
        thread::Builder::new().name("turnledger-tap".into()).spawn(move || {
            for (client, connection) in listener.incoming().zip(1..) {
                let Ok(client) = client else {
                    // Too many open files, say: that passes.
                    thread::sleep(Duration::from_millis(50));
                    continue;
                };
                let (watchers, unread) = (watchers.clone(), counter.clone());
                // A client that no thread can be had for is a client that is not served.
                let _ = thread::Builder::new().spawn(move || pass(client, server, connection, &watchers, &unread));
            }
        })?;
        Ok(Self { address, unread })
    }

    /// Where clients are taken.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many messages passed that could not be read: too long, or packed.
    pub fn unread(&self) -> u64 {
        self.unread.load(Ordering::Relaxed)
    }
}

/// Passes a client's bytes on until both sides are done.
fn pass(
    client: TcpStream,
    server: SocketAddr,
    connection: ConnectionId,
    watchers: &Arc<Watchers>,
    unread: &Arc<AtomicU64>,
) -> Option<()> {
    // Without a server there is nothing to pass on: the client sees its connection close.
    let server = connect(server)?;
    // Messages are small, and somebody waits for each.
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (from_client, to_client) = (client.try_clone().ok()?, client);
    let (from_server, to_server) = (server.try_clone().ok()?, server);
    let (other_watchers, other_unread) = (watchers.clone(), unread.clone());
    let there = thread::Builder::new().spawn(move || {
        one_way(&from_client, &to_server, connection, Direction::ClientToServer, &other_watchers, &other_unread);
    });
    if there.is_ok() {
        one_way(&from_server, &to_client, connection, Direction::ServerToClient, watchers, unread);
    }
    Some(())
}

fn one_way(
    from: &TcpStream,
    to: &TcpStream,
    connection: ConnectionId,
    direction: Direction,
    watchers: &Watchers,
    unread: &AtomicU64,
) {
    let mut frames = Frames::default();
    let is_whole = pump(from, to, |bytes| frames.take(bytes, |message| watchers.see(connection, direction, message)));
    unread.fetch_add(frames.unread(), Ordering::Relaxed);
    // One side has said all; the other may go on. After an error neither can.
    let _ = to.shutdown(Shutdown::Write);
    if !is_whole {
        let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
    }
}

/// A server that was just started may not listen yet.
fn connect(server: SocketAddr) -> Option<TcpStream> {
    let until = Instant::now() + PATIENCE;
    loop {
        match TcpStream::connect_timeout(&server, PATIENCE) {
            Ok(stream) => return Some(stream),
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused && Instant::now() < until => {
                thread::sleep(Duration::from_millis(20));
            }
            Err(_) => return None,
        }
    }
}
