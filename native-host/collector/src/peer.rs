//! Who is at the other end of a connection, and how often that one may be wrong.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

/// How many wrong secrets a peer may send at once.
const WRONG_AT_ONCE: NonZeroU32 = NonZeroU32::new(20).expect("not zero");
/// After how long it may send one more.
const ONE_MORE: Duration = Duration::from_secs(3);

/// The address at the other end: every request has it as an extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Peer(IpAddr);

impl Peer {
    /// The peer of an address. Of IPv6 the first half counts: the other half is the peer's own to choose.
    pub fn new(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V6(address) => {
                let network = address.to_bits() & !u128::from(u64::MAX);
                Self(if address.is_loopback() { address } else { Ipv6Addr::from_bits(network) }.into())
            }
            address @ IpAddr::V4(_) => Self(address),
        }
    }
}

/// Counts the connections of each peer.
#[derive(Clone, Debug)]
pub(crate) struct Peers {
    most: usize,
    open: Arc<Mutex<HashMap<Peer, usize>>>,
}

/// A connection's place among those of its peer, until this goes.
#[derive(Debug)]
pub(crate) struct Place {
    peer: Peer,
    open: Arc<Mutex<HashMap<Peer, usize>>>,
}

impl Peers {
    pub(crate) fn new(most: usize) -> Self {
        Self { most: most.max(1), open: Arc::default() }
    }

    /// A place, if the peer has one left.
    pub(crate) fn place(&self, peer: Peer) -> Option<Place> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(peer).or_default();
        if *count >= self.most {
            return None;
        }
        *count += 1;
        drop(open);
        Some(Place { peer, open: self.open.clone() })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Entry::Occupied(mut count) = open.entry(self.peer) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}

/// How long one is asked to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wait(Duration);

impl Wait {
    pub(crate) const fn new(wait: Duration) -> Self {
        Self(wait)
    }

    /// As `Retry-After` has it: whole seconds, 1 or more.
    pub(crate) fn seconds(self) -> u64 {
        self.0.as_secs() + u64::from(self.0.subsec_nanos() > 0 || self.0.is_zero())
    }
}

/// Counts the wrong secrets of each peer.
pub(crate) struct Wrongs {
    limiter: DefaultKeyedRateLimiter<Peer>,
}

impl Wrongs {
    pub(crate) fn new() -> Self {
        let quota = Quota::with_period(ONE_MORE).expect("not zero").allow_burst(WRONG_AT_ONCE);
        Self { limiter: RateLimiter::keyed(quota) }
    }

    /// Counts one. The error is that there were too many.
    pub(crate) fn count(&self, peer: Peer) -> Result<(), Wait> {
        let checked = self.limiter.check_key(&peer);
        checked.map_err(|until| Wait(until.wait_time_from(DefaultClock::default().now())))
    }

    /// Forgets the peers that may send as many as at first.
    pub(crate) fn tidy(&self) {
        self.limiter.retain_recent();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Peer, Peers, Wait, Wrongs};

    fn peer(address: &str) -> Peer {
        Peer::new(address.parse().unwrap())
    }

    #[test]
    fn peers() {
        assert_eq!(peer("2001:db8::1"), peer("2001:db8::ffff:1"));
        assert_ne!(peer("2001:db8::1"), peer("2001:db8:0:1::1"));
        assert_eq!(peer("::ffff:192.0.2.1"), peer("192.0.2.1"));
        assert_ne!(peer("192.0.2.1"), peer("192.0.2.2"));
        assert_ne!(peer("::1"), peer("::2"));
    }

    #[test]
    fn one_peer_is_not_in_the_way_of_another() {
        let wrongs = Wrongs::new();
        let of = |address| (0..21).filter(|_| wrongs.count(peer(address)).is_err()).count();
        assert_eq!((of("192.0.2.1"), of("192.0.2.2")), (1, 1));
        let wait = wrongs.count(peer("192.0.2.1")).unwrap_err();
        assert!((1..=3).contains(&wait.seconds()), "{wait:?}");
        wrongs.tidy();
        assert!(wrongs.count(peer("192.0.2.1")).is_err(), "it is remembered");
    }

    #[test]
    fn places_are_given_back() {
        let peers = Peers::new(2);
        let (one, other) = (peer("192.0.2.1"), peer("192.0.2.2"));
        let (first, second) = (peers.place(one), peers.place(one));
        let has = |peer| peers.place(peer).is_some();
        assert_eq!((first.is_some(), second.is_some(), has(one), has(other)), (true, true, false, true));
        drop(first);
        assert!(has(one) && has(other));
        drop(second);
        assert!(peers.open.lock().unwrap().is_empty());
    }

    #[test]
    fn a_wait_is_never_too_short() {
        let seconds = |millis| Wait::new(Duration::from_millis(millis)).seconds();
        assert_eq!([seconds(0), seconds(1), seconds(1000), seconds(1001)], [1, 1, 1, 2]);
    }
}
