//! How much is taken.

use std::num::NonZeroU32;
use std::time::Duration;

const KIB: usize = 1 << 10;
const MIB: usize = KIB * KIB;

/// How much a collector takes. More than that waits, or is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The largest body as it is sent. Bytes.
    pub body_bytes: usize,
    /// The largest body when it is unpacked. Bytes.
    pub unpacked_bytes: usize,
    /// The most events in a body. A count.
    pub events: usize,
    /// The most bytes of bodies that are held at once.
    pub memory_bytes: usize,
    /// The most requests that wait for the store. A count.
    pub queue: usize,
    /// The most connections at once. A count. Others wait to be accepted.
    pub connections: usize,
    /// The most connections of one address at once. A count. More are closed. A proxy on this machine may have all.
    pub connections_of_peer: usize,
    /// The most requests of one token in a second; ten times as many may come at once.
    pub requests_per_second: NonZeroU32,
    /// How long a connection may be silent between requests, and how long a request's header may take.
    pub idle_time: Duration,
    /// How long a body may take.
    pub body_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 4 * MIB,
            unpacked_bytes: 16 * MIB,
            events: 10_000,
            memory_bytes: 256 * MIB,
            queue: 256,
            connections: 1024,
            connections_of_peer: 256,
            requests_per_second: const { NonZeroU32::new(50).expect("not zero") },
            idle_time: Duration::from_secs(30),
            body_time: Duration::from_secs(30),
        }
    }
}
