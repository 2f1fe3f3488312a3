//! Delivery: when a request is due, and what its answer means for the events in it.
//!
//! This state machine has no I/O and never sends. A host asks [`Delivery::poll`] what to do now, sends a batch, and
//! passes the answer to [`Delivery::handle`]. The [`Verdict`] says what becomes of the batch. The host keeps the
//! batches, the credentials and the connection. The clock and the jitter are arguments.

mod answer;
mod backoff;
mod host;

pub use self::answer::{Hold, Response, Verdict};
pub use self::backoff::RetryLimits;
pub use self::host::is_loopback;

use self::answer::{Meaning, TOO_LARGE, UNAUTHORIZED, UNSUPPORTED_ENCODING};
use crate::time::UnixMillis;

/// After this many failures in a row, the batch goes behind the others.
const MOST_TRIES: u32 = 4;

/// What to do now. A host that does not know an action yet sends nothing, and asks again later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// Send a batch, if one waits.
    Send(Sending),
    /// No request before this time.
    Wait {
        /// When to ask again.
        until: UnixMillis,
    },
}

/// How a batch is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sending {
    /// Whether to compress the body with gzip: the server has said that it accepts this.
    pub compressed: bool,
    /// Whether to renew the credentials first, because the server refused them. If that fails, send nothing and pass
    /// the 401 to [`Delivery::handle`] again.
    pub renew: bool,
    /// The most events that a new batch has. A batch that was formed before stays as it is.
    pub most_events: usize,
}

/// The state of delivering to one server, for one sender: one request is out at a time.
///
/// ```
/// use turnledger_core::delivery::{Action, Delivery, Hold, Response, RetryLimits, Verdict};
/// use turnledger_core::UnixMillis;
///
/// let mut delivery = Delivery::new(RetryLimits::default());
/// let now = UnixMillis(1_700_000_000_000);
/// let Action::Send(sending) = delivery.poll(now) else { panic!("nothing holds it up") };
/// assert!(!sending.compressed, "the server has not said yet that it takes gzip");
///
/// // The server is busy: the batch of 100 events waits, for as long as the server asked for.
/// let busy = Response::Status { code: 503, retry_after_ms: Some(2_000) };
/// assert_eq!(delivery.handle(now, busy, 100, 0), Verdict::Hold(Hold::Busy { status: 503 }));
/// let until = UnixMillis(1_700_000_002_000);
/// assert_eq!(delivery.poll(now), Action::Wait { until });
///
/// let taken = Response::Status { code: 202, retry_after_ms: None };
/// assert_eq!(delivery.handle(until, taken, 100, 0), Verdict::Delivered);
/// ```
#[derive(Clone, Debug)]
pub struct Delivery {
    limits: RetryLimits,
    /// Requests that failed since the last one that did not.
    failures: u32,
    /// Of those in a row, the ones that may be the batch's fault.
    tries: u32,
    /// No request before, by our own backoff. Zero: at any time.
    own: UnixMillis,
    /// No request before, by the server's `Retry-After`. Zero: at any time.
    asked: UnixMillis,
    /// What holds events up, since the last request that was answered for good.
    hold: Option<Hold>,
    takes_gzip: bool,
    refuses_gzip: bool,
    renews: bool,
    most_events: usize,
}

impl Delivery {
    /// A sender that has sent nothing.
    pub const fn new(limits: RetryLimits) -> Self {
        Self {
            limits,
            failures: 0,
            tries: 0,
            own: UnixMillis(0),
            asked: UnixMillis(0),
            hold: None,
            takes_gzip: false,
            refuses_gzip: false,
            renews: false,
            most_events: usize::MAX,
        }
    }

    /// What to do at `now`.
    pub fn poll(&self, now: UnixMillis) -> Action {
        let until = self.own.max(self.asked);
        if now < until {
            return Action::Wait { until };
        }
        Action::Send(Sending {
            compressed: self.takes_gzip && !self.refuses_gzip,
            renew: self.renews,
            most_events: self.most_events,
        })
    }

    /// Sends the next request at once, unless the server asked for time: for a flush, or for new credentials.
    pub const fn hurry(&mut self) {
        self.own = UnixMillis(0);
    }

    /// The server asked an earlier process for no request until this time.
    pub fn wait_until(&mut self, asked: UnixMillis) {
        self.asked = self.asked.max(asked);
    }

    /// Until when the server asked for no request; `None` if it did not, or if that time is over at `now`.
    pub fn asked_until(&self, now: UnixMillis) -> Option<UnixMillis> {
        Some(self.asked).filter(|asked| now < *asked)
    }

    /// The server has said that it accepts bodies compressed with gzip (RFC 7694).
    pub const fn takes_gzip(&mut self) {
        self.takes_gzip = true;
    }

    /// Why events wait, if the last request did not get through.
    pub const fn hold(&self) -> Option<Hold> {
        self.hold
    }

    /// Takes the answer to a request with `events` events that was sent as [`poll`](Self::poll) said. `jitter` is any
    /// number; it spreads the requests of many senders. The host must do what the verdict says.
    pub fn handle(&mut self, now: UnixMillis, response: Response, events: usize, jitter: u64) -> Verdict {
        let renewed = core::mem::take(&mut self.renews);
        let was_compressed = self.takes_gzip && !self.refuses_gzip;
        let hold = match answer::meaning(response) {
            Meaning::Delivered => {
                self.settled();
                self.most_events = self.most_events.saturating_mul(2);
                return Verdict::Delivered;
            }
            Meaning::Refused { status } => {
                self.settled();
                return Verdict::Refused { status };
            }
            Meaning::TooLarge if events > 1 => {
                self.settled();
                self.most_events = events / 2;
                return Verdict::Halve;
            }
            Meaning::TooLarge => {
                self.settled();
                return Verdict::Refused { status: TOO_LARGE };
            }
            Meaning::Encoding if was_compressed => {
                self.refuses_gzip = true;
                return Verdict::Again;
            }
            Meaning::Encoding => {
                self.settled();
                return Verdict::Refused { status: UNSUPPORTED_ENCODING };
            }
            Meaning::Unauthorized if !renewed => {
                self.renews = true;
                return Verdict::Again;
            }
            Meaning::Unauthorized => Hold::Credentials { status: Some(UNAUTHORIZED) },
            Meaning::Hold(hold) => hold,
        };
        self.hold = Some(hold);
        self.failures = self.failures.saturating_add(1);
        self.own = self.limits.until(now, self.failures, jitter);
        if let Response::Status { retry_after_ms: Some(after), .. } = response {
            self.asked = UnixMillis(now.0.saturating_add(after));
        }
        // A server that is away is no batch's fault.
        self.tries = if hold.may_be_the_batch() { self.tries + 1 } else { 0 };
        if self.tries < MOST_TRIES {
            return Verdict::Hold(hold);
        }
        self.tries = 0;
        Verdict::Defer(hold)
    }

    /// The server has decided on a batch, so it can be reached, and the next batch goes at once.
    const fn settled(&mut self) {
        self.failures = 0;
        self.tries = 0;
        self.own = UnixMillis(0);
        self.asked = UnixMillis(0);
        self.hold = None;
    }
}

#[cfg(test)]
mod tests;
